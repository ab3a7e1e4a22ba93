#!/bin/bash
# The daemon on other kernels than this machine's.  First Debian 12's 6.1, where most will
# start: it has no bundles, no receive budget, no NO_SQARRAY.  (More exactly: the kernel
# that apt would install here.)  Boots it under emulation with the release build inside
# and moves bytes through echo and proxy there, in both ring modes; then runs the ring
# module's own tests.  And, shorter, Debian 13's 6.12 and the current one, where the
# archive has them.
#
#   tests/test_kernel.sh [SUITE...]        default: here trixie sid
#
# Needs build/release.  Says which kernels it booted, and why not the others; exit 77:
# none could be.
set -euo pipefail
cd "$(dirname "$0")/.."
daemon=${KERNEL_DAEMON:-build/release/uringproxy}

[[ -x $daemon ]] || { echo "no $daemon (make builds it)" >&2; exit 77; }

files=(-f "$daemon:/bin/uringproxy" -f build/release/tests/kernel/exchange)
for program in build/release/tests/test_ring*; do
	[[ -x $program && ! $program == *.* ]] && files+=(-f "$program")
done
for program in build/release/examples/*; do
	[[ -x $program && ! $program == *.* ]] && files+=(-f "$program:/examples/${program##*/}")
done

(($#)) || set -- here trixie sid
work=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# What follows runs in the guest, in busybox's sh.
cat >"$work/guest" <<'GUEST'
#!/bin/sh
large=$1 short=$2
failed=0
check() {		# check WHAT COMMAND...: report one claim
	what=$1
	shift
	verdict=ok began=$(uptime_s)
	"$@" || { verdict=FAILED failed=1; }
	printf '  %-7s %s (%d s)\n' $verdict "$what" $(($(uptime_s) - began))
}
uptime_s() {
	cut -d. -f1 /proc/uptime 2>/dev/null || echo 0
}
wait_for() {		# wait_for COMMAND...: until it succeeds, at most 30 s
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		usleep 100000
	done
}
comes_back() {		# comes_back PORT FILE: send it, half-close, and expect it back
	timeout 120 exchange "$1" <"$2" >/tmp/back && cmp "$2" /tmp/back && return
	echo "    $(wc -c </tmp/back) bytes came back; the daemon's connections, tasks and last words:"
	netstat -tn | grep -E '127.0.0.1:70'
	for task in /proc/$pid/task/*; do
		echo "$(cat "$task/comm") waits in $(cat "$task/wchan")"
	done
	tail -n 5 /tmp/log
	return 1
}
descriptors() {
	ls "/proc/$pid/fd" | wc -l
}
same_descriptors() {
	[ "$(descriptors)" -le "$before" ] # fewer, when pipes have gone
}
a_line() {		# a_line PORT
	[ "$(echo line | nc 127.0.0.1 "$1")" = line ]
}
answered_late() {	# the server answers only after the client's half-close
	printf '#!/bin/sh\ncat >/dev/null\ncat /tmp/small\n' >/tmp/answer
	chmod +x /tmp/answer
	nc -l -p 7019 -e /tmp/answer &
	server=$!
	wait_for listening 7019 && comes_back 7081 /tmp/small
	wait $server
}
reloaded_under_way() {	# nothing is lost of a connection that goes on while its address goes
	rm -f /tmp/back /tmp/reloaded
	{ cat /tmp/small; wait_for test -e /tmp/reloaded; cat /tmp/small; } | nc 127.0.0.1 7082 >/tmp/back &
	client=$!
	wait_for test -s /tmp/back || return 1
	cp /tmp/conf /tmp/conf.kept
	sed -i 's/:7082/:7083/' /tmp/conf
	kill -HUP $pid
	wait_for grep -q 'edition 2 serves' /tmp/log && wait_for listening 7083 &&
		comes_back 7083 /tmp/small && wait_for not_listening 7082 || return 1
	touch /tmp/reloaded
	wait $client
	cat /tmp/small /tmp/small >/tmp/twice
	cmp /tmp/twice /tmp/back && wait_for grep -q 'edition 1 has ended' /tmp/log
}
not_reloaded() {	# a file that is wrong changes nothing
	echo 'wrong = 1' >>/tmp/conf
	kill -HUP $pid
	wait_for grep -q 'the configuration is not reloaded: edition 2 goes on' /tmp/log &&
		comes_back 7083 /tmp/small
}
reloaded_again() {
	cp /tmp/conf.kept /tmp/conf
	kill -HUP $pid
	wait_for grep -q 'edition 3 serves' /tmp/log && wait_for not_listening 7083 &&
		wait_for grep -q 'edition 2 has ended' /tmp/log
}
listening() {
	netstat -tln | grep -q ":$1 "
}
not_listening() {
	! listening "$1"
}
serve() {		# serve SQPOLL: the whole programme in one ring mode
	echo "sqpoll = $1"
	printf '%s\n' '[global]' "sqpoll = $1" 'workers = 1' 'drain_timeout = 30s' \
		'[echo]' 'listen = 127.0.0.1:7007' \
		'[proxy p]' 'listen = 127.0.0.1:7080' 'server = 127.0.0.1:7007' \
		'[proxy late]' 'listen = 127.0.0.1:7081' 'server = 127.0.0.1:7019' \
		'[proxy moved]' 'listen = 127.0.0.1:7082' 'server = 127.0.0.1:7007' >/tmp/conf
	uringproxy -c /tmp/conf 2>/tmp/log &
	pid=$!
	if ! wait_for listening 7082; then
		check "the daemon starts" false
		cat /tmp/log
		return
	fi
	cat /tmp/log
	check "a line comes back" a_line 7007
	check "$large MiB come back from echo" comes_back 7007 /tmp/large
	check "$large MiB come back through proxy and echo" comes_back 7080 /tmp/large
	check "a half-closed client gets its answer" answered_late
	check "the connections just ended are closed" wait_for settled
	before=$(descriptors)
	check "$short short connections through the proxy" exchange 7080 "$short"
	check "leave no descriptor behind" wait_for same_descriptors
	check "a connection goes on while its address goes by a reload" reloaded_under_way
	check "a file that is wrong changes nothing" not_reloaded
	check "and back" reloaded_again
	check "reloads leave no descriptor behind" wait_for same_descriptors

	rm -f /tmp/back
	{ cat /tmp/small; wait_for test -e /tmp/stopping; cat /tmp/small; } | nc 127.0.0.1 7080 >/tmp/back &
	client=$!
	check "a connection is under way" wait_for test -s /tmp/back
	kill -TERM $pid
	check "SIGTERM ends accepting" wait_for refused
	touch /tmp/stopping
	wait $client
	cat /tmp/small /tmp/small >/tmp/twice
	check "the connection loses nothing" cmp -s /tmp/twice /tmp/back
	check "the daemon ends with status 0" wait $pid
	check "and says so" grep -q '^stopped: ' /tmp/log
	check "stale_completions=0" grep -q ' stale_completions=0' /tmp/log
	check "buffers_missing=0" grep -q ' buffers_missing=0' /tmp/log
	grep '^stopped: ' /tmp/log
	rm -f /tmp/stopping
}
refused() {
	! nc 127.0.0.1 7080 </dev/null 2>/dev/null
}
settled() {		# no connection of the daemon's is left
	! netstat -tn | grep -q '127.0.0.1:70.*ESTABLISHED'
}

passes() {		# passes PROGRAM: of the ring module's tests
	EXAMPLES=/examples CK_FORK=yes CK_TIMEOUT_MULTIPLIER=10 "$1" >/tmp/out 2>&1
}
refused_by_sysctl() {	# refused_by_sysctl: the daemon says so, and does not start
	printf '%s\n' '[echo]' 'listen = 127.0.0.1:7007' >/tmp/conf
	! uringproxy -c /tmp/conf 2>/tmp/log && grep -q 'kernel.io_uring_disabled' /tmp/log
}
sysctl=/proc/sys/kernel/io_uring_disabled

head -c $((large << 20)) /dev/urandom >/tmp/large
head -c 300000 /dev/urandom >/tmp/small
serve off
serve on
for program in /bin/test_ring*; do
	[ -x "$program" ] || continue
	check "${program##*/} on this kernel" passes "$program"
	# Not as skipped tests of ours: the runner looks for those at the beginning of a line.
	grep -E '^SKIP|^[0-9]+%|:[FE]:' /tmp/out | sed 's/^/          /'
done
if [ -e $sysctl ]; then
	echo 2 >$sysctl
	check "io_uring_disabled = 2 is named" refused_by_sysctl
	umount -l /proc
	check "and without /proc, too" refused_by_sysctl
fi
exit $failed
GUEST

is_here() {		# is_here SUITE: it is what this machine runs
	[[ $(. /etc/os-release && echo "${VERSION_CODENAME-}") == "$1" || $(</etc/debian_version) == */"$1" ]]
}
booted=() missing=() failed=0
for suite in "$@"; do
	! is_here "$suite" || continue
	options=(-t 1500)
	size=(24 500) # a sink that has taken 16 MiB is trusted with more
	if [[ $suite != here ]]; then
		options+=(-S "$suite")
		size=(8 50)
	fi
	status=0
	tests/support/kernel-lab.sh "${options[@]}" "${files[@]}" "$work/guest" "${size[@]}" \
		>"$work/log" 2>"$work/reason" || status=$?
	cat "$work/log" "$work/reason"
	kernel=$(sed -n 's/^kernel-lab: //p' "$work/log")
	case $status in
	0) booted+=("$kernel") ;;
	77) missing+=("$suite: $(tail -n 1 "$work/reason")") ;;
	*) failed=1 ;;
	esac
done
((${#missing[@]} == 0)) || printf 'not booted: %s\n' "${missing[@]}"
((failed == 0)) || exit 1
((${#booted[@]})) || { echo "no kernel could be booted: ${missing[0]}" >&2; exit 77; }
echo "booted: ${booted[*]}"
