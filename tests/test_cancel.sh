#!/bin/sh
# A client of PostgreSQL cancels what it has asked for over another connection, which has to be at
# the same server: with balance = source_hash it is, behind several workers and several daemons.
set -u
cd "$(dirname "$0")/.." || exit 1
[ "$(id -u)" = 0 ] || { echo "not root, who can be the user postgres" >&2; exit 77; }
. tests/support/machines.sh
. tests/support/real_servers.sh
find_postgres || skip "no PostgreSQL"
command -v psql >/dev/null || skip "no psql"

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
machine here || fail "no machine"
postgres_made "$work/first" || fail "initdb fails"
cp -a "$work/first" "$work/second" || fail "no second cluster"
postgres_on here "$work/first" 127.0.0.1 5501
postgres_on here "$work/second" 127.0.0.1 5502
for port in 5501 5502; do
	until_true 60 on here psql -h 127.0.0.1 -p $port -U postgres -c 'select 1' || fail "no server at $port"
done

# serve PORT SERVER OTHER: a daemon there, with its pool in that order
serve() {
	cat >"$work/$1.conf" <<-CONF
		[global]
		workers = 2
		[control]
		listen = unix:$work/$1.control
		[pool databases]
		server = $2
		server = $3
		balance = source_hash
		[proxy postgres]
		listen = 127.0.0.1:$1
		pool = databases
	CONF
	start here "$daemon" -c "$work/$1.conf" 2>"$work/$1.log"
	until_true 60 "$daemon" -c "$work/$1.conf" status --quiet || fail "the daemon is not ready"
}
serve 5432 '127.0.0.1:5501 name=first' '127.0.0.1:5502 name=second'
serve 5433 '127.0.0.1:5502 name=second' '127.0.0.1:5501 name=first'

for other in 5432 5433; do
	on here python3 tests/support/cancelling_client.py 5432 $other 100 || fail "see above"
done

# And psql itself, as whoever types Control-C has it.
sleeps() {
	for port in 5501 5502; do
		on here psql -h 127.0.0.1 -p $port -U postgres -Atc \
			"select 1 from pg_stat_activity where wait_event = 'PgSleep'"
	done | grep -q 1
}
for _ in 1 2 3; do
	start here psql -h 127.0.0.1 -U postgres -c 'select pg_sleep(60)' 2>"$work/psql.log"
	until_true 30 sleeps || fail "psql does not get to a server"
	kill -INT $started
	wait $started && fail "psql has not cancelled anything"
	grep -q 'canceling statement due to user request' "$work/psql.log" || fail "psql does not cancel"
done
