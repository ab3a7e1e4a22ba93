#!/bin/sh
# A client of PostgreSQL cancels what it has asked for over another connection, which has to be at
# the same server: with balance = source_hash it is, also behind several workers.
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

cat >"$work/daemon.conf" <<CONF
[global]
workers = 2
[control]
listen = unix:$work/control
[pool databases]
server = 127.0.0.1:5501 name=first
server = 127.0.0.1:5502 name=second
balance = source_hash
[proxy postgres]
listen = 127.0.0.1:5432
pool = databases
CONF
start here "$daemon" -c "$work/daemon.conf" 2>"$work/daemon.log"
until_true 60 "$daemon" -c "$work/daemon.conf" status --quiet || fail "the daemon is not ready"

on here python3 tests/support/cancelling_client.py 5432 200 || fail "see above"

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
