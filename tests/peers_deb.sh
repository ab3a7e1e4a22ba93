#!/bin/bash
# The Debian package: built twice it is the same, nothing is said against it, and it lives as
# packages do: installed, configured, reloaded, upgraded, downgraded, removed, purged.
#
#   tests/peers_deb.sh            exit 77: cannot run here, with the reason
#   tests/peers_deb.sh build      what builds it, in an overlay with the tools that takes
#   tests/peers_deb.sh life       what runs on a real systemd in a throw-away container
set -uo pipefail

failed=0
check() {		# check WHAT COMMAND...: report one claim
	local what=$1
	shift
	if "$@"; then
		echo "  ok      $what"
	else
		echo "  FAILED  $what"
		failed=1
		return 1
	fi
}
not() {
	! "$@"
}

# ---- Building ---------------------------------------------------------------
build() {		# build FOLDER: `make deb` there
	mkdir -p "$1"
	tar -C "$1" -xf "$KEEP/uringproxy.tar.gz" --strip-components=1
	make -C "$1" deb >"$1.log" 2>&1 || { tail -n 40 "$1.log"; exit 1; }
}
# another VERSION: the same package by another version
another() {
	rm -rf /tmp/tree
	dpkg-deb -R "$deb" /tmp/tree
	sed -i "s/^Version: .*/Version: $1/" /tmp/tree/DEBIAN/control
	dpkg-deb --root-owner-group -b /tmp/tree "$KEEP/uringproxy_$1.deb" >/dev/null
}

if [[ ${1-} == build ]]; then
	apt-get install -y -q --no-install-recommends debhelper dpkg-dev lintian devscripts >/tmp/log 2>&1 ||
		{ apt-get update && apt-get install -y -q --no-install-recommends debhelper dpkg-dev lintian devscripts; } >/tmp/log 2>&1 ||
		{ tail -n 3 /tmp/log; echo "debhelper and lintian cannot be installed here" >&2; exit 77; }
	umask 022
	build /tmp/one
	umask 077
	TZ=Pacific/Kiritimati LC_ALL=C build "/tmp/another/folder/with-a-longer-name"
	deb=$(echo /tmp/one/build/deb/uringproxy_*.deb)
	check "built twice, it is the same package" cmp "$deb" "/tmp/another/folder/with-a-longer-name/build/deb/${deb##*/}"
	check "and so is that of its symbols" cmp "${deb/uringproxy_/uringproxy-dbgsym_}" \
		"/tmp/another/folder/with-a-longer-name/build/deb/uringproxy-dbgsym_${deb#*/uringproxy_}"
	said=$(lintian --allow-root --tag-display-limit 0 --fail-on error,warning "$deb" 2>&1)
	check "lintian has no error and no warning" test $? = 0 || echo "$said"
	dpkg-deb -x "$deb" /tmp/x
	# Debian's libc begins programs with code that has no landing pads, so that no program is
	# called protected as a whole; ours is looked at itself.
	said=$(hardening-check --nocfprotection /tmp/x/usr/sbin/uringproxy 2>&1)
	check "hardening-check has nothing to say" test $? = 0 || echo "$said"
	if [[ $(dpkg --print-architecture) == amd64 ]]; then
		objdump -d /tmp/x/usr/sbin/uringproxy >/tmp/code
		check "-fcf-protection" test "$(grep -c endbr64 /tmp/code)" -gt 100
		check "-fstack-clash-protection" test "$(grep -cE 'or[lq] +\$0x0,.*\(%rsp\)' /tmp/code)" -gt 10
	fi
	version=$(dpkg-deb -f "$deb" Version)
	cp "$deb" "$KEEP/uringproxy_$version.deb"
	another "$version+next"
	echo "$version" >"$KEEP/version"
	exit $failed
fi

# ---- On a machine -----------------------------------------------------------
if [[ ${1-} == life ]]; then
	unit=uringproxy.service
	said() {		# said COMMAND...: quietly, but for what went wrong
		"$@" >/tmp/said 2>&1 || { cat /tmp/said; return 1; }
	}
	answers() {
		local line=
		{ exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
		echo hello >&3
		read -r -t 10 -u 3 line
		exec 3>&-
		[[ $line == hello ]]
	}
	is() {			# is PROPERTY VALUE
		[[ $(systemctl show -P "$1" $unit) == "$2" ]]
	}
	version() {
		[[ $(dpkg-query -W -f '${Version}' uringproxy) == "$1" ]]
	}
	install() {		# install VERSION
		said dpkg --force-confold -i "/srv/uringproxy_$1.deb"
	}
	now=$(</srv/version)
	find /etc /usr /var/lib/systemd -xdev ! -path '*/dpkg/*' ! -type d 2>/dev/null | sort >/tmp/before

	echo "install"
	check "dpkg installs it" install "$now"
	check "it is started" is ActiveState active
	check "and will be at boot" test "$(systemctl is-enabled $unit)" = enabled
	check "the example socket is not" test "$(systemctl is-enabled uringproxy.socket)" = disabled
	check "and what is in its configuration answers" answers 7007
	check "as its own user" test "$(stat -c %U "/proc/$(systemctl show -P MainPID $unit)")" = uringproxy
	check "man finds its pages" test -s /usr/share/man/man8/uringproxy.8.gz -a -s /usr/share/man/man5/uringproxy.conf.5.gz
	check "logrotate takes its file" said logrotate -d /etc/logrotate.d/uringproxy

	echo "configure, reload"
	printf '[echo]\nlisten = 127.0.0.1:7008\n[proxy web]\nlisten = 80\nserver = 127.0.0.1:7008\n[log]\naccess = /var/log/uringproxy/access.log\n' >/etc/uringproxy.conf
	check "a changed log needs a restart" said systemctl restart $unit
	echo 'listen = 81' | sed -i '/^listen = 80/r /dev/stdin' /etc/uringproxy.conf
	check "reload succeeds" said systemctl reload $unit
	check "what is new answers" answers 81
	for ((i = 0; i < 100; i++)); do
		[[ ! -s /var/log/uringproxy/access.log ]] || break
		sleep 0.1
	done
	check "there is a log" test -s /var/log/uringproxy/access.log
	check "which is rotated" said logrotate -f /etc/logrotate.d/uringproxy
	check "and gone on with" answers 80

	echo "upgrade, downgrade"
	python3 /srv/connecting.py 7008 /tmp/stop >/tmp/connections &
	connecting=$!
	sleep 0.5
	check "a newer one is installed" install "$now+next"
	check "it is the newer one" version "$now+next"
	check "its process is the new one" test "$(stat -c %Y "/proc/$(systemctl show -P MainPID $unit)")" -ge \
		"$(stat -c %Z /var/lib/dpkg/info/uringproxy.postinst)"
	check "the configuration is as it was" grep -q '^listen = 81' /etc/uringproxy.conf
	check "and serves" answers 81
	check "an older one is installed" install "$now"
	check "it is the older one" version "$now"
	check "and serves" answers 81
	: >/tmp/stop
	wait $connecting
	echo "  connections, refused, reset: $(</tmp/connections)"
	check "nobody was refused meanwhile" awk '$1 < 10 || $2 { exit 1 }' /tmp/connections
	check "no unit has failed" test -z "$(systemctl --failed --no-legend --plain)"

	echo "remove, purge"
	check "it is removed" said dpkg -r uringproxy
	check "nothing runs" not answers 80
	check "the configuration stays" grep -q '^listen = 81' /etc/uringproxy.conf
	check "what rotates its logs does not complain" said logrotate -f /etc/logrotate.d/uringproxy
	check "it is installed again" install "$now"
	check "with the old configuration" answers 81
	check "it is purged" said dpkg -P uringproxy
	check "its logs are gone" test ! -e /var/log/uringproxy
	find /etc /usr /var/lib/systemd -xdev ! -path '*/dpkg/*' ! -type d 2>/dev/null | sort >/tmp/after
	# the user and the catalogue's index stay, as is the custom
	left=$(comm -13 /tmp/before /tmp/after | grep -vE '^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|^/var/lib/systemd/catalog')
	check "nothing is left" test -z "$left" || echo "$left"
	check "no unit is known" test -z "$(systemctl list-units --all --no-legend 'uringproxy*')"
	((failed == 0)) || journalctl -u $unit -o cat --no-pager | tail -n 60
	exit $failed
fi

# ---- Both -------------------------------------------------------------------
cd "$(dirname "$0")/.." || exit 1
command -v dpkg-deb >/dev/null || { echo "not a Debian system" >&2; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
make dist >/dev/null || exit 1
cp build/uringproxy-*.tar.gz "$work/uringproxy.tar.gz"
cp "$0" "$work/build"
KEEP=$work tests/support/overlay.sh "$work/build" build
status=$?
[[ $status == 0 ]] || exit $status
files=(-f "$work/version:/srv/version" -f tests/support/connecting.py:/srv/connecting.py)
for deb in "$work"/*.deb; do
	files+=(-f "$deb:/srv/${deb##*/}")
done
tests/support/systemd-lab.sh -t 300 "${files[@]}" tests/peers_deb.sh life
