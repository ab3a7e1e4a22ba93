#!/bin/sh
# tools.sh PURPOSE...: whether the daemon can be built; otherwise, the packages for these purposes.
printf '#include <stdio.h>\n#include <ini.h>\n#include <systemd/sd-daemon.h>\n' |
	$CC $PKG_CFLAGS -E - >/dev/null 2>&1 && $PKG_CONFIG --exists ${PKGS:-inih libsystemd} 2>/dev/null && exit
printf 'To build, these Debian packages are needed:\n\n  apt-get install %s\n\n"make run" installs them.\n' \
	"$(tests/support/need.sh -n "$@")"
exit 1
