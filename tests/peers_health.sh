#!/bin/sh
# Each kind of check against the server that it is made for, from Debian: up, and down by
# kill -9, by SIGSTOP, by a link that is cut, by nobody who listens, by a wrong answer; how long
# that took beside what the manual promises, and which clients notice.
command -v python3 >/dev/null || {
	echo "no python3" >&2
	exit 77
}
exec python3 "$(dirname "$0")/support/peers_health.py" "${URINGPROXY:-build/asan/uringproxy}"
