#!/bin/bash
# Other processors: everything is compiled with Debian's cross compilers, in a root that
# debootstrap makes (support/root-lab.sh); for i386 the tests are run, too, by this
# machine's own kernel, with longs, pointers and sizes of 32 bits.
#
#   tests/cross.sh [ARCHITECTURE...]       default: i386 armhf arm64 s390x
#   tests/cross.sh inside ARCHITECTURE...  what runs in the root
#
# Exit status: 77 with the reason when it cannot run here.
set -uo pipefail

if [[ ${1-} != inside ]]; then
	cd "$(dirname "$0")/.." || exit 1
	(($#)) || set -- i386 armhf arm64 s390x
	[[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] ||
		{ echo "skipped: only amd64 runs i386, and has all these cross compilers" >&2; exit 77; }
	tests/support/root-lab.sh -i make,ca-certificates,procps,gcc,libc6-dev,pkg-config,iproute2,strace,curl,openssl \
		tests/cross.sh inside "$@"
	exit
fi
shift

triplet() {
	case $1 in
	i386) echo i686-linux-gnu i386-linux-gnu ;;	# the compiler's, and its folder of libraries
	armhf) echo arm-linux-gnueabihf arm-linux-gnueabihf ;;
	arm64) echo aarch64-linux-gnu aarch64-linux-gnu ;;
	*) echo "$1-linux-gnu $1-linux-gnu" ;;
	esac
}

failed=0 summary=()
for architecture in "$@"; do
	dpkg --add-architecture "$architecture"
done
apt-get update -q >/root/log 2>&1 || { cat /root/log; exit 1; }
for architecture in "$@"; do
	echo "---- $architecture"
	read -r compiler libraries <<<"$(triplet "$architecture")"
	if ! apt-get install -y -q --no-install-recommends "gcc-$compiler" libc6-dev:"$architecture" \
		libinih-dev:"$architecture" libsystemd-dev:"$architecture" \
		libmicrohttpd-dev:"$architecture" libjansson-dev:"$architecture" check:"$architecture" >/root/log 2>&1; then
		tail -n 20 /root/log
		summary+=("$architecture: FAILED: its packages cannot be installed")
		failed=1
		continue
	fi
	# Below build/ARCHITECTURE/release: some tests look for ../release.  psabi: of no
	# interest where everything is compiled by one compiler.
	make=(make -k --no-print-directory -j"$(nproc)" BUILD=release O="build/$architecture/release" WERROR=1
		CC="$compiler-gcc -Wno-psabi" AR="$compiler-ar"
		PKG_CONFIG="env PKG_CONFIG_LIBDIR=/usr/lib/$libraries/pkgconfig:/usr/share/pkgconfig pkg-config")
	if ! "${make[@]}" all test-programs lab-programs >/root/log 2>&1; then
		grep -vE '^  (CC|LD|AR) ' /root/log
		summary+=("$architecture: FAILED to compile")
		failed=1
	elif [[ $architecture != i386 ]]; then
		summary+=("$architecture: compiles")
	elif ! "build/i386/release/uringproxy" --version >/dev/null; then
		summary+=("$architecture: compiles; this kernel does not run it (CONFIG_IA32_EMULATION)")
	else
		out=$PWD/build/i386/release
		mapfile -t programs < <(find "$out/tests" -maxdepth 1 -type f -perm -u+x | sort)
		URINGPROXY=$out/uringproxy EXAMPLES=$out/examples tests/run.sh "${programs[@]}" >/root/log 2>&1 || failed=1
		cat /root/log
		summary+=("$architecture: compiles; tests: $(tail -n 1 /root/log)")
	fi
done
printf '\n'
printf '%s\n' "${summary[@]}"
exit $failed
