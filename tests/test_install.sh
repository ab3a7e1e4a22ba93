#!/bin/bash
# `make install` puts everything where it is told to, the flags of who builds are taken, and
# `make dist` is the same archive for the same files.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[[ -x build/release/uringproxy ]] || { echo "no build/release/uringproxy (make builds it)" >&2; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-install.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
	echo "$1"
	exit 1
}
install() {		# install PREFIX [VARIABLE=VALUE...]: what is installed, below $work/root
	rm -rf "$work/root"
	make --no-print-directory BUILD=release DESTDIR="$work/root" PREFIX="$@" install >"$work/log" 2>&1 ||
		{ cat "$work/log"; exit 1; }
}
outside() {		# outside PATH...: what is below none of these
	local list
	list=$(cd "$work/root" && find . -type f | sed 's|^\.||')
	for path; do
		list=$(grep -v "^$path/" <<<"$list")
	done
	[[ -z $list ]] || fail "installed outside of $*: $list"
}

install /usr/local
outside /usr/local /etc
[[ $(cd "$work/root/etc" && echo *) == uringproxy.conf ]] || fail "more than the configuration is in /etc"
grep -q '^ExecStart=/usr/local/sbin/uringproxy ' "$work/root/usr/local/lib/systemd/system/uringproxy.service" ||
	fail "the unit does not start what was installed"
install "/opt/a b" SYSCONFDIR="/opt/a b/etc"
outside '/opt/a b'
install /usr
outside /usr /etc /lib/systemd

# What Debian's tools, or a cross build, say of how to build.
said=$(make -n BUILD=release O=build/none OBJ=build/none CC=our-cc CPPFLAGS=-DOURS CFLAGS=-O3 LDFLAGS=-Wl,--ours build/none/src/main.o 2>/dev/null)
grep -q '^our-cc .* -DOURS -O3 .*-c -o build/none/src/main.o src/main.c' <<<"$said" || fail "CC, CPPFLAGS or CFLAGS have no effect: $said"
said=$(make -n BUILD=release O=build/none OBJ=build/none LDFLAGS=-Wl,--ours build/none/uringproxy 2>/dev/null)
grep -q -e '-o build/none/uringproxy .* -Wl,--ours' <<<"$said" || fail "LDFLAGS has no effect"

version=$(sed -n '1s/^uringproxy (\([0-9.]*\)).*/\1/p' conf/debian/changelog)
[[ -n $version && $(build/release/uringproxy -V) == "uringproxy $version"* ]] ||
	fail "the version is not that of the changelog"
if command -v dpkg-parsechangelog >/dev/null; then
	said=$(dpkg-parsechangelog -l conf/debian/changelog 2>&1 >/dev/null)
	[[ -z $said ]] || fail "the changelog is none: $said"
fi

if [[ -e .git ]] && git -c safe.directory='*' ls-files >/dev/null 2>&1; then
	make dist >/dev/null 2>&1 || fail "make dist fails"
	cp "build/uringproxy-$version.tar.gz" "$work/first"
	make dist >/dev/null 2>&1
	cmp -s "build/uringproxy-$version.tar.gz" "$work/first" || fail "made twice, the archive is another one"
	files=$(tar -tzf "$work/first")
	! grep -qv "^uringproxy-$version/" <<<"$files" || fail "the archive has more than one folder"
	grep -qx "uringproxy-$version/conf/debian/rules" <<<"$files" || fail "the archive is not whole"
fi
exit 0
