#!/bin/sh
# Two daemons behind keepalived, as examples/several has it: the address moves to the other one
# when a daemon is killed, and when it is told to stop, nobody notices.
#
#   first, second: eth0 --- bridge: client and server
set -u
cd "$(dirname "$0")/.." || exit 1
command -v keepalived >/dev/null || { echo "no keepalived; make check-peers installs it" >&2; exit 77; }
# It looks at who may write to its scripts: to root of a namespace, / is nobody's.
[ "$(id -u)" = 0 ] || { echo "not root" >&2; exit 77; }
. tests/support/machines.sh

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
for name in client first second; do
	machine "$name" || fail "no machine $name"
done
bridge client 192.0.2.1/24 first 192.0.2.11/24 second 192.0.2.12/24 || skip "no bridge can be made here"
start client python3 tests/support/named_servers.py 192.0.2.1 80 web >"$work/server.log" 2>&1
until_true 30 grep -q ready "$work/server.log" || fail "the server does not start"

# The examples with servers, paths and a user that are here.
serve() {
	start "$1" "$daemon" -c "$work/$1.conf" 2>"$work/$1.log"
	until_true 60 "$daemon" -c "$work/$1.conf" status --quiet || fail "the daemon on $1 is not ready"
}
for name in first second; do
	{
		sed '/^server /d; s/^balance .*/server = 192.0.2.1:80 name=web/' examples/several/uringproxy.conf
		printf '[control]\nlisten = unix:%s/%s.sock\n' "$work" "$name"
	} >"$work/$name.conf"
	# It runs only what no other user could have written, and looks at all directories above.
	printf '#!/bin/sh\nexec %s -c %s.conf "$@"\n' "$daemon" "$work/$name" >"/run/$name"
	chmod 755 "/run/$name"
	sed "s|/usr/local/sbin/uringproxy|/run/$name|; s|script_user uringproxy|script_user root|" \
		examples/several/keepalived.conf >"$work/$name.keepalived"
	on "$name" keepalived -t -f "$work/$name.keepalived" >"$work/test.log" 2>&1 || fail "keepalived does not take its example"
	serve "$name"
	eval "$name=\$started"
	start "$name" keepalived -n -l -D -P -f "$work/$name.keepalived" -p "/run/$name.pid" \
		-r "/run/$name.vrrp" >"$work/$name.keepalived.log" 2>&1
done

has_address() {
	on "$1" ip -o address show dev eth0 | grep -q 192.0.2.10/
}
either_has() {
	has_address first || has_address second
}
# holder: who has the address, and who has not
holder() {
	until_true 60 either_has || fail "nobody takes the address"
	here=first there=second
	! has_address second || { here=second there=first; }
	eval "pid=\$$here"
}

# ask NAME: a client that goes on until `asked`
ask() {
	start client python3 tests/support/asking_client.py 192.0.2.10 80 >"$work/$1"
	asking=$started
	sleep 2
}
asked() {
	kill "$asking" && wait "$asking" || fail "the client died"
}

holder
ask stop
kill -TERM "$pid"
wait "$pid" || fail "the daemon on $here did not end well"
has_address "$there" || fail "$there did not take the address while $here served on"
sleep 1
asked
serve "$here"
eval "$here=\$started"
sleep 4 # rise * interval, and a look

holder
ask crash
kill -9 "$pid"
wait "$pid" 2>/dev/null
until_true 60 has_address "$there" || fail "$there does not take the address"
sleep 2
asked

python3 - "$work/stop" "$work/crash" <<'PYTHON' || fail "see above"
import json, sys

stop, crash = (json.load(open(path)) for path in sys.argv[1:])
print("stop:", stop, "crash:", crash)
assert stop["failed"] == 0 and stop["cut"] <= 1 and stop["answered"] > 50, stop
assert crash["answered"] > 50 and crash["servers"] == {"": ["web"]}, crash
# It is noticed after 2 s and moves in less than one; more than that is the machine's being busy.
assert crash["gap"] < 5, crash
PYTHON
