#!/bin/sh
# Two real Redis, one of them the primary, behind the pool that the manual has for them: whoever
# writes is always at the primary, also after it has died, after it was moved, and after its
# cable was pulled, when nobody tells its clients.
#
#   first, second: eth0 --- bridge: client, which has the daemon
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/machines.sh
for program in redis-server redis-cli; do
	command -v $program >/dev/null || skip "no $program"
done

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
for name in client first second; do
	machine "$name" || fail "no machine $name"
done
bridge client 192.0.2.1/24 first 192.0.2.11/24 second 192.0.2.12/24 || skip "no bridge can be made here"

# serve NAME ADDRESS [OPTION...]: a Redis there
serve() {
	name=$1 address=$2
	shift 2
	start "$name" redis-server --bind "$address" 127.0.0.1 --port 6379 --protected-mode no \
		--save '' --dir "$work" --repl-diskless-sync-delay 0 "$@" >>"$work/$name.log" 2>&1
	eval "$name=\$started"
	until_true 60 tell "$name" PING || fail "the Redis on $name does not start"
}
tell() {
	there=$1
	shift
	on "$there" redis-cli "$@"
}
follows() {
	tell "$1" INFO replication | grep -q master_link_status:up
}

serve first 192.0.2.11
serve second 192.0.2.12 --replicaof 192.0.2.11 6379
until_true 60 follows second || fail "second is no replica"

# The servers, and all that the manual says of such a pool.
cat >"$work/daemon.conf" <<CONF
[control]
listen = unix:$work/control
[pool redis]
server       = 192.0.2.11:6379 name=first
server       = 192.0.2.12:6379 name=second
check        = redis
check_expect = role:master
on_down      = reset
panic        = off
check_every  = 1s
[proxy redis]
listen       = 127.0.0.1:6379
pool         = redis
CONF
start client "$daemon" -c "$work/daemon.conf" 2>"$work/daemon.log"
until_true 60 "$daemon" -c "$work/daemon.conf" status --quiet || fail "the daemon is not ready"

# is NAME UP|DOWN, by the last that was said of it; who has never been down is up
is() {
	last=$(sed -n "s/.*server $1 .* is \(UP\|DOWN\) .*/\1/p" "$work/daemon.log" | tail -n 1)
	[ "${last:-UP}" = "$2" ]
}
becomes() {
	until_true 60 is "$1" "$2" || fail "$1 is not $2"
}
# writes SECONDS: as JSON in $seen, what the client has seen since the last time
writes() {
	lines=$(wc -l <"$work/seen")
	sleep "$1"
	kill -USR1 "$client"
	until_true 60 more || fail "the client does not write"
	seen=$(tail -n 1 "$work/seen")
}
more() {
	[ "$(wc -l <"$work/seen")" -gt "$lines" ]
}
# saw FIELD: a number of $seen
saw() {
	echo "$seen" | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p"
}
# well WHAT: since the last time it has written, and to a primary only
well() {
	writes 1
	echo "$1: $seen"
	[ "$(saw written)" -gt 0 ] && [ "$(saw read_only)" = 0 ] || fail "$1: $seen"
}

becomes second DOWN
start client python3 tests/support/writing_client.py 127.0.0.1 6379 >"$work/seen" 2>"$work/client.log"
client=$started
well "first is the primary"

kill -9 "$first"
wait "$first" 2>/dev/null
becomes first DOWN
tell second REPLICAOF NO ONE >/dev/null
becomes second UP
well "it has died, and second is promoted"
[ "$(saw cut)" -ge 1 ] || fail "nobody was cut off"

serve first 192.0.2.11 --replicaof 192.0.2.12 6379
until_true 60 follows first || fail "first does not become a replica"
well "first is back, as a replica"
[ "$(saw cut)" = 0 ] && [ "$(saw refused)" = 0 ] || fail "whoever was at second has noticed: $seen"

# Whoever is at second cannot write there any more, and is sent to first.
tell first REPLICAOF NO ONE >/dev/null
becomes first UP
tell second REPLICAOF 192.0.2.11 6379 >/dev/null
becomes second DOWN
writes 1
echo "they change places: $seen"
well "they have changed places"

# It says nothing to those it has, and hears nothing.
on client ip link set first down
becomes first DOWN
grep 'server first .* is DOWN' "$work/daemon.log" | tail -n 1 | grep -q 'reset (on_down = reset)' ||
	fail "the connections of first are not reset"
tell second REPLICAOF NO ONE >/dev/null
becomes second UP
well "the cable of first is cut"
[ "$(saw cut)" -ge 1 ] || fail "the client was left at first"

# A primary still, as it thinks: this is what whoever promotes has to prevent.
tell first REPLICAOF 192.0.2.12 6379 >/dev/null
on client ip link set first up
until_true 60 follows first || fail "first does not become a replica"
is first DOWN || fail "first is UP, though a replica"
well "its cable is mended"
kill "$client" && wait "$client" || fail "the client died"
