#!/bin/bash
# The first hour of a user of each Debian there is: `make run` and `make check`, from
# nothing, in a root that debootstrap makes (support/root-lab.sh).
#
#   tests/distros.sh [SUITE...]            default: bookworm trixie sid
#   tests/distros.sh inside                what runs in the root
#
# Says of each what compiler, libraries and kernels that was and what came of it.  Exit
# status: 77 with the reason when not one of them can be made here.
set -uo pipefail

if [[ ${1-} != inside ]]; then
	cd "$(dirname "$0")/.." || exit 1
	(($#)) || set -- bookworm trixie sid
	log=$(mktemp "${TMPDIR:-/tmp}/uringproxy-distros.XXXXXX") || exit 1
	trap 'rm -f "$log"' EXIT
	trap 'exit 1' INT TERM
	failed=0 made=0 summary=()
	for suite in "$@"; do
		echo "---- $suite"
		tests/support/root-lab.sh -s "$suite" tests/distros.sh inside 2>&1 | tee "$log"
		status=${PIPESTATUS[0]}
		if [[ $status == 77 ]]; then
			summary+=("$suite: $(tail -n 1 "$log")")
			continue
		fi
		made=$((made + 1))
		[[ $status == 0 ]] || failed=1
		summary+=("$suite: $(sed -n 's/^==== //p' "$log" | paste -sd';' | sed 's/;/; /g')")
	done
	printf '\n'
	printf '%s\n' "${summary[@]}"
	((made)) || { echo "${summary[0]}" >&2; exit 77; }
	exit $failed
fi

# ---- In the root ------------------------------------------------------------
failed=0
version() {
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo "no $1"
}
answers() {		# the daemon of `make run` does what is said on the screen
	[[ $(echo hello | timeout 10 nc -N 127.0.0.1 7007 2>/dev/null) == hello ]] &&
		curl -sf -m 10 -o /dev/null http://127.0.0.1:8080/
}
try_run() {		# make run, from nothing; its daemon answers and ends as by Ctrl-C
	local make tries=0

	make run >/root/run 2>&1 &
	make=$!
	until answers; do
		kill -0 $make 2>/dev/null && ((tries++ < 3600)) || return 1
		sleep 0.5
	done
	pkill -INT -x uringproxy && wait $make
}

if try_run; then
	echo "==== make run: works"
else
	tail -n 60 /root/run
	echo "==== make run: FAILED"
	failed=1
fi
echo "==== gcc $(gcc -dumpfullversion), glibc $(version libc6), inih $(version libinih-dev), systemd $(version libsystemd0)"
make WERROR=1 check 2>&1 | tee /root/check
[[ ${PIPESTATUS[0]} == 0 ]] || failed=1
sed -n 's/^booted: /==== kernels: /p' /root/check
echo "==== make check: $(tail -n 1 /root/check)"
exit $failed
