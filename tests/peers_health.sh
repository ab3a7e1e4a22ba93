#!/bin/sh
# Each kind of check against the server that it is made for, from Debian: up, and down by
# kill -9, by SIGSTOP, by a link that is cut, by nobody who listens, by a wrong answer; how long
# that took beside what the manual promises, and which clients notice.
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" = 0 ] || { echo "not root, who can be the users of these servers" >&2; exit 77; }
. tests/support/machines.sh

chmod 1777 "$work" # the directory for temporary files of servers that are not root, too
ip link set lo up
TMPDIR=$work python3 tests/support/peers_health.py "${URINGPROXY:-build/asan/uringproxy}"
