#!/bin/sh
# PROXY headers to and from HAProxy and nginx, as Debian has them: who the client is survives all of
# them, and each side's checks find the other well.
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" = 0 ] || { echo "not root, who can have a network of its own" >&2; exit 77; }
. tests/support/machines.sh

ip link set lo up
TMPDIR=$work python3 tests/support/peers_proxy.py "${URINGPROXY:-build/asan/uringproxy}"
