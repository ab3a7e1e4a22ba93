#!/bin/sh
# Two daemons have one address, and a router shares connections out between them (ECMP): whichever
# a connection comes to, its client's server is the same, also when one of the two is gone.
#
#    client --- router --- left --- servers
#   40 addresses     \---- right --/
set -u
cd "$(dirname "$0")/.." || exit 1
command -v curl >/dev/null || { echo "no curl" >&2; exit 77; }
. tests/support/machines.sh

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
vip=192.0.2.10

for name in client router left right servers; do
	machine "$name" || fail "no machine $name"
done
{
	wire client 198.51.100.2/24 router 198.51.100.1/24 &&
		wire router 10.1.1.1/24 left 10.1.1.2/24 &&
		wire router 10.1.2.1/24 right 10.1.2.2/24 &&
		wire left 10.2.1.2/24 servers 10.2.1.1/24 &&
		wire right 10.2.2.2/24 servers 10.2.2.1/24
} || fail "no wires"
on client ip route add default via 198.51.100.1
on router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy' || skip "no router can be made here"
on router ip route add $vip/32 nexthop via 10.1.1.2 nexthop via 10.1.2.2 ||
	skip "this kernel has no multipath routes"
sources=
for last in $(seq 10 49); do
	on client ip address add "198.51.100.$last/24" dev router
	sources="$sources 198.51.100.$last"
done

start servers python3 tests/support/named_servers.py 0.0.0.0 8001 one two three four >"$work/servers.log" 2>&1
until_true 30 grep -q ready "$work/servers.log" || fail "the servers do not start"

# serve NAME GATEWAY NET: the same servers by other addresses, in another order.
serve() {
	on "$1" ip address add $vip/32 dev lo
	on "$1" ip route add default via "$2"
	shift_by=$4
	{
		printf '[log]\nlevel = info\n[control]\nlisten = unix:%s/%s.sock\n' "$work" "$1"
		printf '[proxy web]\nlisten = %s:80\nbalance = source_hash\n' $vip
		for i in 0 1 2 3; do
			number=$(((i + shift_by) % 4))
			name=$(echo one two three four | cut -d ' ' -f $((number + 1)))
			echo "server = $3.1:800$((number + 1)) name=$name"
		done
	} >"$work/$1.conf"
	start "$1" "$daemon" -c "$work/$1.conf" 2>"$work/$1.log"
	until_true 60 grep -q '^ready' "$work/$1.log" || fail "the daemon on $1 is not ready"
}
serve left 10.1.1.1 10.2.1 0
left=$started
serve right 10.1.2.1 10.2.2 2

accepted() {
	curl -sS --unix-socket "$work/$1.sock" http://localhost/v1/proxies | python3 -c '
import json, sys
print(json.load(sys.stdin)["proxies"][0]["connections_total"])'
}

# ask SECONDS: all clients, in turn, and what came of it
ask() {
	# shellcheck disable=SC2086
	start client python3 tests/support/asking_client.py $vip 80 $sources
	sleep "$1"
	kill "$started" && wait "$started" || fail "the client died"
}
ask 6 >"$work/first"
lefts=$(accepted left) rights=$(accepted right)
[ "$lefts" -gt 0 ] && [ "$rights" -gt 0 ] || fail "left has had $lefts connections, right $rights"

# A router is told by BGP that a machine is gone; here it is told by us.
kill -9 $left
wait $left 2>/dev/null
on router ip route replace $vip/32 via 10.1.2.2
ask 3 >"$work/second"

python3 - "$work/first" "$work/second" <<'PYTHON' || fail "of both: left had $lefts connections, right $rights"
import json, sys

both, one = (json.load(open(path)) for path in sys.argv[1:])
for said in both, one:
    assert said["failed"] == said["cut"] == 0 and said["answered"] >= 40, said
assert all(len(servers) == 1 for servers in both["servers"].values()), both
assert one["servers"] == both["servers"], (both, one)
chosen = {server for servers in both["servers"].values() for server in servers}
assert len(chosen) > 1, chosen
PYTHON
