# shellcheck shell=sh
# For tests of several machines: each is a network namespace, and all are in namespaces of the
# test's own, so that nothing of them is left.  To be sourced by a script with "$@":
#
#   . tests/support/machines.sh    runs the script again, as root there; needs `ip`
#   machine NAME                   another one, with its loopback
#   wire NAME ADDRESS/BITS OTHER ADDRESS/BITS    an interface each, called as the other one is
#   bridge NAME ADDRESS/BITS OTHER...            the same with several on one wire, see below
#   on NAME COMMAND...             run it there
#   start NAME COMMAND...          the same, beside us; its process is $started
#
# $work is a directory that is gone afterwards.  It is /run, too, and so are the sockets there.

skip() {
	echo "$1" >&2
	exit 77
}

fail() {
	echo "$1"
	for log in "$work"/*.log; do
		[ ! -s "$log" ] || { echo "--- ${log##*/}:" && tail -n 30 "$log"; }
	done
	exit 1
}

if [ "${MACHINES-}" != "$$" ]; then
	for program in ip unshare python3; do
		command -v "$program" >/dev/null || skip "no $program"
	done
	private="unshare --net --mount --pid --ipc --fork --kill-child --mount-proc --propagation private"
	[ "$(id -u)" = 0 ] || private="$private --map-root-user"
	# shellcheck disable=SC2086 # words
	$private sh -c 'ip link add probe0 type veth peer name probe1' 2>/dev/null ||
		skip "no network namespaces can be made here"
	work=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-machines.XXXXXX") || exit 1
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' INT TERM
	export work
	# In a PID namespace of its own it is number 1, and all that it started ends with it.
	# shellcheck disable=SC2086
	MACHINES=1 $private sh -c 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/netns && exec "$@"' sh "$0" "$@"
	exit $?
fi

machine() {
	ip netns add "$1" && on "$1" ip link set lo up
}

on() {
	where=$1
	shift
	ip netns exec "$where" "$@"
}

start() {
	where=$1
	shift
	ip netns exec "$where" "$@" &
	started=$!
}

end_of() {
	on "$1" ip address add "$3" dev "$2" && on "$1" ip link set "$2" up
}

wire() {
	ip link add "$3" netns "$1" type veth peer name "$1" netns "$3" &&
		end_of "$1" "$3" "$2" && end_of "$3" "$1" "$4"
}

# bridge NAME ADDRESS/BITS OTHER ADDRESS/BITS...: the others have it as eth0, NAME as bridge.
bridge() {
	hub=$1
	on "$hub" ip link add bridge type bridge && end_of "$hub" bridge "$2" || return 1
	shift 2
	while [ $# -gt 0 ]; do
		ip link add "$1" netns "$hub" type veth peer name eth0 netns "$1" &&
			on "$hub" ip link set "$1" master bridge up && end_of "$1" eth0 "$2" || return 1
		shift 2
	done
}

# until_true SECONDS COMMAND...: whether it succeeds by then.
until_true() {
	tries=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}
