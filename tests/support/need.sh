#!/bin/sh
# need.sh [-n] PURPOSE...: install what is missing of the Debian packages for these purposes, as
# root or through sudo; -n: print their names.  Their services are neither started
# (SYSTEMD_OFFLINE: systemctl leaves PID 1 alone; RUNLEVEL: so does invoke-rc.d without systemd)
# nor started at the next boot.
set -f

services='bird exabgp exim4 haproxy keepalived mariadb memcached nginx postgresql prometheus redis-server unbound'
packages_of() {
	case $1 in
	build)
		echo gcc libc6-dev pkg-config libinih-dev libsystemd-dev
		[ "${CONTROL-}" = no ] || echo libmicrohttpd-dev libjansson-dev
		;;
	try) echo netcat-openbsd curl wrk ;;
	fuzz) echo clang libclang-rt-dev ;;
	lint) echo clang-tidy groff-base ;;
	check)
		echo check nginx libnginx-mod-stream redis-server redis-tools postgresql \
			postgresql-client strace iproute2 procps openssl systemd python3 \
			qemu-system-x86 busybox-static cpio util-linux-extra logrotate zsh
		packages_of try && packages_of fuzz && packages_of lint
		;;
	peers)
		echo haproxy prometheus chromium fonts-dejavu-core python3 unbound dnsmasq-base \
			keepalived bird2 exabgp mariadb-server exim4-daemon-light memcached gnutls-bin
		;;
	deb) echo dpkg-dev debhelper systemd ;;
	root) echo debootstrap debian-archive-keyring ;;
	bench)
		echo python3 haproxy nginx libnginx-mod-stream socat iperf3 liburing-dev check valgrind
		packages_of try
		;;
	*)
		echo "need.sh: no purpose is called $1" >&2
		return 1
		;;
	esac
}

print=
[ "${1-}" != -n ] || { print=yes && shift; }
packages=
for purpose; do
	packages="$packages $(packages_of "$purpose")" || exit 1
done
set -- $packages
[ -z "$print" ] || { echo "$@" && exit; }

command -v dpkg-query >/dev/null || {
	echo "Not a Debian system; needed are: $*"
	exit 0
}
missing=
for package; do
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
as_root=sudo
[ "$(id -u)" != 0 ] || as_root=
quiet="$as_root env DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 RUNLEVEL=1"
echo "Installing:$missing"
if [ -n "$as_root" ] && ! { command -v sudo >/dev/null && sudo true; } ||
   ! { $quiet $install || { $quiet apt-get update && $quiet $install; }; }; then
	printf '\nPackages are missing.  Install them as root, then try again:\n\n  %s\n\n' \
		"apt-get update && $install"
	exit 1
fi
for service in $services; do
	case "$missing " in
	*" $service "*) $quiet systemctl disable "$service" >/dev/null 2>&1 ;;
	esac
done
exit 0
