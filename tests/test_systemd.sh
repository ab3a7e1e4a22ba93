#!/bin/bash
# The daemon as a service, on a real systemd in a throw-away container: what
# `make install` puts where, start, status, drain, failures, watchdog, sandbox,
# socket activation, uninstall.
#
#   tests/test_systemd.sh          exit 77: cannot run here, with the reason
#   tests/test_systemd.sh inside   what runs in the container
set -uo pipefail

failed=0 line=
check() {		# check WHAT COMMAND...: report one claim
	local what=$1
	shift
	if "$@"; then
		echo "  ok      $what"
	else
		echo "  FAILED  $what"
		failed=1
		return 1
	fi
}
wait_for() {		# wait_for COMMAND...: until it succeeds, at most 20 s
	local i
	for ((i = 0; i < 200; i++)); do
		"$@" 2>/dev/null && return 0
		sleep 0.1
	done
	return 1
}

if [[ ${1-} != inside ]]; then
	cd "$(dirname "$0")/.." || exit 1
	[[ -x build/release/uringproxy ]] || { echo "no build/release/uringproxy (make builds it)" >&2; exit 77; }
	stage=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-systemd.XXXXXX")
	trap 'rm -rf "$stage"' EXIT
	trap 'exit 1' INT TERM
	chmod 755 "$stage" # it becomes the container's /
	make --no-print-directory BUILD=release DESTDIR="$stage" PREFIX=/usr install >"$stage.log" 2>&1 ||
		{ cat "$stage.log"; rm -f "$stage.log"; exit 1; }
	rm -f "$stage.log"
	tests/support/systemd-lab.sh -t 400 -r "$stage" -f examples/unix.conf:/etc/example.conf -f tests/support/connecting.py:/usr/share/connecting.py tests/test_systemd.sh inside || exit $?

	echo edited >>"$stage/etc/uringproxy.conf"
	make --no-print-directory BUILD=release DESTDIR="$stage" PREFIX=/usr install uninstall >/dev/null
	check "a second install keeps an edited configuration" grep -qx edited "$stage/etc/uringproxy.conf"
	check "uninstall leaves the configuration alone and nothing else" \
		test "$(find "$stage" -type f -printf '%P ')" = 'etc/uringproxy.conf '
	exit $failed
fi

# ---- In the container -------------------------------------------------------
unit=uringproxy.service
drop_in=/run/systemd/system/$unit.d

show() {
	systemctl show -P "$1" "${2-$unit}"
}
is() {			# is PROPERTY VALUE
	[[ $(show "$1") == "$2" ]]
}
journal() {
	journalctl --sync
	journalctl -u "$unit" -o cat --no-pager "$@"
}
said() {		# said PATTERN [JOURNALCTL-OPTION...]
	local pattern=$1
	shift
	journal "$@" | grep -qE -- "$pattern"
}
echoes() {		# echoes PORT: a line comes back
	local line=
	{ exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
	echo "hello $1" >&3
	read -r -t 10 -u 3 line
	exec 3>&-
	[[ $line == "hello $1" ]]
}
not() {
	! "$@"
}
refused() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
configure() {
	printf '%s\n' "$@" >/etc/uringproxy.conf
}
override() {		# override LINE...: settings of [Service] for the next start
	mkdir -p $drop_in
	printf '%s\n' '[Service]' "$@" >$drop_in/test.conf
	systemctl daemon-reload
}
as_shipped() {
	systemctl stop "$unit"
	rm -rf $drop_in
	systemctl daemon-reload
	systemctl reset-failed "$unit" 2>/dev/null
}

echo "systemd $(systemctl --version | awk 'NR == 1 {print $2}')"
check "the shipped configuration is good" /usr/sbin/uringproxy -t
check "sysusers makes the user" systemd-sysusers uringproxy.conf
# Newer ones would run man(1), which is not everywhere; test_manual.sh looks at the pages.
verdict=$(systemd-analyze verify --man=no /lib/systemd/system/$unit 2>&1)
check "the unit verifies" test -z "$verdict" || echo "$verdict"
exposure=$(systemd-analyze security --no-pager --threshold=15 "$unit" 2>&1)
check "exposure is at most 1.5" test $? = 0
tail -n 1 <<<"$exposure"

echo "start, status"
configure '[global]' 'workers = 2' 'drain_timeout = 20s' '[echo]' 'listen = 127.0.0.1:7007' \
	'[proxy web]' 'listen = 80' 'server = 127.0.0.1:7007'
check "start succeeds" systemctl start "$unit"
check "and returns when the echo answers" echoes 7007
check "and the proxy on port 80" echoes 80
check "status shows the daemon's own line" test -n "$(show StatusText)"
check "as systemctl status does" \
	grep -q 'Status: "' <<<"$(systemctl status --no-pager "$unit")"
pid=$(show MainPID)
check "it runs as its own user" test "$(stat -c %U "/proc/$pid")" = uringproxy
check "with one capability, for low ports" grep -qx $'CapEff:\t0000000000000400' "/proc/$pid/status"
check "and nothing in the journal is a warning or worse" test -z "$(journal -p warning)"

echo "reload"
exec 4<>/dev/tcp/127.0.0.1/80
configure '[global]' 'workers = 2' 'drain_timeout = 20s' '[echo]' 'listen = 127.0.0.1:7007' \
	'[proxy web]' 'listen = 80' 'listen = 81' 'server = 127.0.0.1:7007'
check "reload succeeds" systemctl reload "$unit"
check "and returns when the new address answers" echoes 81
check "and the old one" echoes 80
echo before >&4
line=
read -r -t 10 -u 4 line
check "a connection of before goes on" test "$line" = before
exec 4>&-
check "it is the same process" is MainPID "$pid"
echo 'lisen = 82' >>/etc/uringproxy.conf
check "reload of a wrong file fails" not systemctl reload "$unit"
check "and says where" said 'uringproxy.conf:10: \[proxy web\] lisen'
check "the daemon goes on" echoes 81
check "and is still active" is ActiveState active
check "its status says what was wrong" grep -q 'not reloaded: .*lisen' <<<"$(show StatusText)"

as_shipped

echo "SQPOLL in the sandbox"
configure '[global]' 'workers = 1' 'sqpoll = on' 'drain_timeout = 20s' \
	'[echo]' 'listen = 127.0.0.1:7007' '[proxy web]' 'listen = 80' 'server = 127.0.0.1:7007'
check "start succeeds" systemctl start "$unit"
check "its rings have a thread of the kernel's" grep -qs iou-sqp /proc/"$(show MainPID)"/task/*/comm
check "and the proxy serves" echoes 80

echo "stop"
exec 4<>/dev/tcp/127.0.0.1/80
echo before >&4
read -r -t 10 -u 4 line
check "a connection is open" test "$line" = before
systemctl stop --no-block "$unit"
check "stopping says so" wait_for is StatusText draining
echo after >&4
line=
read -r -t 10 -u 4 line
check "the open one still answers" test "$line" = after
exec 4>&-
check "and when it ends the service does" wait_for is ActiveState inactive
check "with success" is Result success
check "and status 0" is ExecMainStatus 0
check "its last line has the counters" said '^stopped: accepted=[1-9].* stale_completions=0 buffers_missing=0'

echo "a wrong configuration"
configure '[echo]' 'listen = 127.0.0.1:7007' 'idle_timeuot = 1h'
systemctl start "$unit" 2>/dev/null
check "makes start fail" test $? != 0
check "names file and line, as an error" said '^/etc/uringproxy\.conf:3: .*idle_timeuot' -p err
check "ends with 78" is ExecMainStatus 78
check "and is not tried again" is ActiveState failed
check "not even once" is NRestarts 0
as_shipped

echo "a port in use"
configure '[echo]' 'listen = 127.0.0.1:7007' 'listen = 127.0.0.1:7008'
systemd-run --quiet --unit=squatter nc -l 127.0.0.1 7008
check "(somebody else listens)" wait_for sh -c 'ss -Hltn sport = :7008 | grep -q .'
override Restart=no
systemctl start "$unit" 2>/dev/null
check "makes start fail" test $? != 0
check "with 71" is ExecMainStatus 71
check "and EADDRINUSE for systemctl" is StatusErrno 98
check "and names the address" said '127\.0\.0\.1:7008: Address already in use' -p err
systemctl stop squatter
as_shipped

echo "restarts"
configure '[global]' 'workers = 2' '[echo]' 'listen = 127.0.0.1:7007'
systemctl start "$unit"
pid=$(show MainPID)
check "a main process to kill" test "$pid" -gt 1 || exit 1
kill -KILL "$pid"
restarted() {
	local now
	now=$(show MainPID)
	[[ $now != 0 && $now != "$pid" ]] && is ActiveState active
}
check "after kill -9 it is started again" wait_for restarted
check "and serves" echoes 7007
check "systemctl restart leaves nothing in its way" systemctl restart "$unit"
check "and serves" echoes 7007
as_shipped

echo "listening sockets from one process to the next"
configure '[global]' 'workers = 2' '[echo]' 'listen = 127.0.0.1:7007' 'listen = unix:/run/uringproxy/echo.sock'
override RestartSec=20ms
systemctl start "$unit"
check "systemd keeps one for each worker, and the one of the path" wait_for is NFileDescriptorStore 3
connect() {		# connect ROUNDS COMMAND...: clients that come all the while
	local rounds=$1 i tcp unix
	shift
	rm -f /tmp/stop
	python3 /usr/share/connecting.py 7007 /tmp/stop >/tmp/tcp & tcp=$!
	python3 /usr/share/connecting.py /run/uringproxy/echo.sock /tmp/stop >/tmp/unix & unix=$!
	for ((i = 0; i < rounds; i++)); do
		pid=$(show MainPID)
		"$@" || return 1
		wait_for restarted || return 1
		sleep 0.1
	done
	: >/tmp/stop
	wait $tcp $unix
	echo "  connections, refused, reset: $(</tmp/tcp), of the path $(</tmp/unix)"
}
none_refused() {
	awk '$1 < 100 || $2 { exit 1 }' /tmp/tcp && awk '$1 < 100 || $2 { exit 1 }' /tmp/unix
}
crash() { kill -KILL "$(show MainPID)"; }
check "20 restarts" connect 20 systemctl restart "$unit"
check "refuse nobody" none_refused
check "20 times kill -9" connect 20 crash
check "refuse nobody" none_refused
check "what is kept has not become more" wait_for is NFileDescriptorStore 3
configure '[global]' 'workers = 2' '[echo]' 'listen = 127.0.0.1:7008'
check "a reload that closes them" systemctl reload "$unit"
check "leaves those of the new address" wait_for is NFileDescriptorStore 2
check "and nobody listens on the old one" wait_for refused 7007
configure '[global]' 'workers = 2' '[echo]' 'listen = 127.0.0.1:7009'
check "a restart with another address" systemctl restart "$unit"
check "serves that" echoes 7009
check "leaves the old one alone" wait_for refused 7008
check "and keeps no more" wait_for is NFileDescriptorStore 2
systemctl stop "$unit"
check "a stop gives all of them up" refused 7009
# Somebody else has the path by now: his it stays.
configure '[echo]' 'listen = unix:/tmp/kept.sock'
override PrivateTmp=no ReadWritePaths=/tmp Restart=no
systemctl start "$unit"
check "(a path of our own)" wait_for is NFileDescriptorStore 1
rm /tmp/kept.sock
systemd-run --quiet --unit=squatter nc -lkU /tmp/kept.sock
wait_for test -S /tmp/kept.sock
inode=$(stat -c %i /tmp/kept.sock)
systemctl restart "$unit" 2>/dev/null
check "who has taken a path in the meantime keeps it" test "$(stat -c %i /tmp/kept.sock)" = "$inode"
check "and we are told so" is ExecMainStatus 71
systemctl stop squatter
as_shipped

echo "watchdog"
configure '[global]' 'workers = 2' '[echo]' 'listen = 127.0.0.1:7007'
override WatchdogSec=2s Restart=on-failure RestartSec=100ms
systemctl start "$unit"
pid=$(show MainPID)
for ((i = 0; i < 5; i++)); do sleep 1; echoes 7007; done
check "fed while the workers turn" is MainPID "$pid"
kill -STOP "$pid"
check "a stopped daemon is replaced" wait_for restarted
check "because of the watchdog" said 'Watchdog timeout'
check "and serves" wait_for echoes 7007
if command -v strace >/dev/null; then
	# Hold one worker, and no other thread, at its next system call.
	worker=
	pid=$(show MainPID)
	for task in /proc/"$pid"/task/*; do
		[[ $(<"$task/comm") != worker* ]] || worker=${task##*/}
	done
	before=$(journal | grep -c 'Watchdog timeout')
	check "(a worker's thread)" test -n "$worker" || exit 1
	strace -qq -o /dev/null -p "$worker" -e trace=io_uring_enter \
		-e inject=io_uring_enter:delay_enter=60000000 2>/dev/null &
	strace=$!
	again() { (($(journal | grep -c 'Watchdog timeout') > before)); }
	check "a single worker that hangs is enough" wait_for again
	kill "$strace" 2>/dev/null
	wait "$strace" 2>/dev/null
	check "and it is replaced" wait_for restarted
fi
as_shipped

echo "the access log in the journal"
configure '[log]' 'access = journal' '[echo]' 'listen = 127.0.0.1:7007'
systemctl start "$unit"
check "(a connection)" echoes 7007
ended() {
	journalctl --sync
	journalctl -o json --no-pager "$@" | grep -q '"URINGPROXY_DURATION_MS"'
}
check "connections are found by what their records say" \
	wait_for ended URINGPROXY_REASON=completed URINGPROXY_PROXY=echo
check "and by their kind" ended MESSAGE_ID=b68c401a4b3742ffae7d3599b748f757
journalctl --update-catalog
check "which the catalogue explains" \
	grep -q 'A connection through echo has ended: both sides finished' \
	<<<"$(journalctl -x --no-pager MESSAGE_ID=b68c401a4b3742ffae7d3599b748f757)"
as_shipped

echo "socket activation"
configure '[echo]' 'listen = systemd:echo'
check "the example socket starts" systemctl start uringproxy.socket
check "without the daemon" is ActiveState inactive
check "whom the first connection starts" echoes 7
# The answer may overtake READY=1 on its way through systemd.
check "and it is active" wait_for is ActiveState active
override CapabilityBoundingSet= AmbientCapabilities= PrivateUsers=yes
check "without any capability" systemctl restart "$unit"
check "it serves port 7 too" echoes 7
unclaimed() { said 'passed a socket named'; }
check "and its socket is not called left over" not unclaimed
configure '[echo]' 'listen = 127.0.0.1:7007'
check "(a configuration that does not ask for it)" systemctl restart "$unit"
check "then it is" unclaimed
systemctl stop uringproxy.socket
as_shipped

echo "unix sockets"
groupadd --system clients 2>/dev/null
useradd --system --no-create-home friend 2>/dev/null
usermod -aG clients friend
connects_as() {		# connects_as USER PATH
	setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])' "$2" 2>/dev/null
}
cp /etc/example.conf /etc/uringproxy.conf
check "the example of unix sockets starts" systemctl start "$unit"
check "with the mode that it says" test "$(stat -c %a /run/uringproxy/redis.sock)" = 666
check "and anybody may connect" connects_as nobody /run/uringproxy/redis.sock
check "stopping removes it" systemctl stop "$unit"
check "with its directory" test ! -e /run/uringproxy
configure '[echo]' 'listen = unix:/run/uringproxy/a.sock' \
	'listen = unix:/run/uringproxy/b.sock mode=0660 group=clients'
override SupplementaryGroups=clients SystemCallFilter=fchownat Restart=no
check "a group of SupplementaryGroups= can be given" systemctl start "$unit"
check "to whom it belongs then" test "$(stat -c %a:%U:%G /run/uringproxy/b.sock)" = 660:uringproxy:clients
check "who may connect" connects_as friend /run/uringproxy/b.sock
check "and others may not" not connects_as nobody /run/uringproxy/b.sock
check "but they may where nothing is said" connects_as nobody /run/uringproxy/a.sock
systemctl stop "$unit"
configure '[echo]' 'listen = unix:/run/uringproxy/b.sock owner=friend'
systemctl start "$unit" 2>/dev/null
check "an owner cannot be given without a capability" is ExecMainStatus 71
check "which is named" said 'b\.sock: Operation not permitted \(owner= needs CAP_CHOWN' -p err
configure '[echo]' 'listen = unix:/var/lib/b.sock'
systemctl reset-failed "$unit"
systemctl start "$unit" 2>/dev/null
check "where the sandbox has no room for a socket, it says where there is" said '/run/uringproxy' -p err
as_shipped

echo "the template"
mkdir -p /etc/uringproxy
printf '[echo]\nlisten = 127.0.0.1:7011\n' >/etc/uringproxy/a.conf
printf '[echo]\nlisten = 127.0.0.1:7012\n[log]\naccess = /var/log/uringproxy-b/access.log\n' >/etc/uringproxy/b.conf
verdict=$(systemd-analyze verify --man=no /lib/systemd/system/uringproxy@.service 2>&1)
check "it verifies" test -z "$verdict" || echo "$verdict"
check "one daemon and another" systemctl start uringproxy@a uringproxy@b
check "the one" echoes 7011
check "the other" echoes 7012
check "each is asked at a socket of its own" /usr/sbin/uringproxy -s /run/uringproxy-a/control.sock status --quiet
printf '[echo]\nlisten = 127.0.0.1:7013\n' >/etc/uringproxy/a.conf
check "one is reloaded" systemctl reload uringproxy@a
check "and no other" echoes 7013
check "which serves as before" echoes 7012
check "and they are stopped" systemctl stop uringproxy@a uringproxy@b

check "no unit has failed" test -z "$(systemctl --failed --no-legend --plain | grep -v squatter)"
((failed == 0)) || journal | tail -n 150
exit $failed
