#!/bin/sh
# Two real nginx that are replaced one after the other, as deployments do it: each is ill by its
# own word, loses its clients to the other, is stopped, and comes back.  Nobody notices.  Nor does
# anybody who comes after one of them has died.
#
#   first, second: eth0 --- bridge: client, which has the daemon
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/sbin
. tests/support/machines.sh
for program in nginx ss; do
	command -v $program >/dev/null || skip "no $program"
done

daemon=${URINGPROXY:-$PWD/build/asan/uringproxy}
for name in client first second; do
	machine "$name" || fail "no machine $name"
done
bridge client 192.0.2.1/24 first 192.0.2.11/24 second 192.0.2.12/24 || skip "no bridge can be made here"
chmod 755 "$work"

# One process, so that it is gone when it is killed.  /ready is 503 while there is NAME.ill.
serve() {
	start "$1" nginx -e stderr -p "$work" -c "$work/$1.nginx" 2>>"$work/$1.log"
	eval "$1=\$started"
	until_true 60 listens "$1" || fail "the nginx on $1 does not start"
}
listens() {
	on "$1" ss -Hltn 'sport = :80' | grep -q .
}
for name in first second; do
	cat >"$work/$name.nginx" <<-CONF
		daemon off;
		master_process off;
		user root root;
		pid $work/$name.pid;
		error_log stderr;
		events {}
		http {
			access_log off;
			client_body_temp_path $work/$name.tmp;
			proxy_temp_path $work/$name.tmp;
			fastcgi_temp_path $work/$name.tmp;
			uwsgi_temp_path $work/$name.tmp;
			scgi_temp_path $work/$name.tmp;
			server {
				listen 80;
				location / { return 200 $name; }
				location = /ready {
					if (-f $work/$name.ill) { return 503; }
					return 200 ready;
				}
			}
		}
	CONF
	serve "$name"
done

cat >"$work/daemon.conf" <<CONF
[control]
listen = unix:$work/control
[proxy web]
listen        = 127.0.0.1:80
server        = 192.0.2.11:80 name=first
server        = 192.0.2.12:80 name=second
check         = http
check_request = GET /ready
check_expect  = 200
check_every   = 1s
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
browse() {
	start client python3 tests/support/browsing_clients.py 127.0.0.1 80 8 >"$work/seen"
	browsing=$started
	sleep 1
}
nobody_notices() {
	sleep 1
	kill "$browsing"
	wait "$browsing" || fail "$1: $(cat "$work/seen")"
	echo "$1: $(cat "$work/seen")"
}
is_left() {
	[ -z "$(on "$1" ss -Htn state established 'sport = :80')" ]
}
# Killed, which no connection would survive.
end() {
	eval "pid=\$$1"
	kill -9 "$pid"
	wait "$pid" 2>/dev/null
}

browse
for name in first second; do
	touch "$work/$name.ill"
	becomes "$name" DOWN
	sleep 1
	until_true 60 is_left "$name" || fail "$name keeps its clients"
	end "$name"
	serve "$name"
	sleep 2
	is "$name" DOWN || fail "$name is up, and says that it is not"
	rm "$work/$name.ill"
	becomes "$name" UP
done
nobody_notices "both are replaced"
for name in first second; do
	grep -q "\"$name\"" "$work/seen" || fail "nobody was at $name"
	grep -q "server $name .* is DOWN .*GET /ready answered 503, wanted 200" "$work/daemon.log" ||
		fail "what $name answered is not said"
done

# Whoever was there is cut off, whoever comes is not, from then until it is back.
end first
browse
becomes first DOWN
sleep 1
serve first
becomes first UP
nobody_notices "one has died"
grep -q '"first"' "$work/seen" || fail "nobody was at first when it was back"
