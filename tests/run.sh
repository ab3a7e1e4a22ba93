#!/bin/sh
# Runs test programs side by side, in the order given, and says what came of them.
#
#   tests/run.sh [-j JOBS] PROGRAM...
#
# A program is a Check program, which closes with Check's totals, or a script
# NAME.sh, which counts as one check: exit 0 passed, 77 skipped (its last line
# on stderr is the reason), anything else failed.  A Check test that cannot run
# here prints "SKIP: name: reason" (support/skip.h); it is then counted as
# skipped, not as passed.
#
# One line for each program as it ends, the whole output of those that failed,
# the skipped tests with their reasons, and the totals over everything:
#
#   100%: Checks: 214, Failures: 0, Errors: 0
#   214 passed, 0 failed, 3 skipped
#
# Exit status 1 when anything failed or nothing ran.  RUN_TIMEOUT (seconds, 1800)
# bounds one program.
set -u

name_of() {
	basename "$1" .sh
}

# Run one program and leave NAME.{log,sum} in $2; sum: checks failures errors skipped.
run_one() {
	program=$1 name=$(name_of "$1") dir=$2
	log=$dir/$name.log
	began=$(date +%s.%N)
	case $program in
	*.sh) ;;
	*) export TMPDIR="$dir" ;; # what one leaves that had to be stopped goes with ours
	esac
	timeout -k 5 "${RUN_TIMEOUT:-1800}" "$program" >"$log" 2>"$log.err"
	status=$?
	seconds=$(echo "$began $(date +%s.%N)" | awk '{printf "%.1f", $2 - $1}')
	case $program in
	*.sh) sum_of_script "$status" "$log" ;;
	*) sum_of_check "$status" "$log" ;;
	esac >"$dir/$name.sum"
	cat "$log.err" >>"$log" && rm -f "$log.err"

	read -r checks failures errors skipped <"$dir/$name.sum"
	verdict=ok
	[ "$skipped" = 0 ] || verdict="ok, $skipped skipped"
	[ $((failures + errors)) = 0 ] || verdict=FAILED
	[ "$status" != 124 ] && [ "$status" != 137 ] || verdict="FAILED: stopped after ${RUN_TIMEOUT:-1800} s"
	totals=$(grep -E '^[0-9]+%: Checks: ' "$log" | tail -n 1)
	printf '%-28s %6s s  %s (%s)\n' "$name" "$seconds" "${totals:-$checks checks}" "$verdict"
}

sum_of_script() {
	case $1 in
	0) echo 1 0 0 0 ;;
	77)
		echo "SKIP: $(basename "$2" .log): $(tail -n 1 "$2.err")" >>"$2"
		echo 1 0 0 1
		;;
	*) echo 1 1 0 0 ;;
	esac
}

# A program that dies before its totals, or fails without a failed check, is an error.
sum_of_check() {
	awk -v status="$1" '
	/^SKIP: / { skipped++ }
	/^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$/ {
		gsub(/[^0-9 ]/, ""); split($0, n, " +"); checks = n[2]; failures = n[3]; errors = n[4]; closed = 1
	}
	END {
		if (!closed || (status && !(failures + errors))) { checks++; errors++ }
		if (!checks) { checks = 1; errors = 1 }
		print checks + 0, failures + 0, errors + 0, skipped + 0
	}' "$2"
}

if [ "${1-}" = --one ]; then
	run_one "$3" "$2"
	exit 0
fi

# A test's own limit is for what hangs, and this machine may be busy.
export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-3}"
# Most programs sleep most of the time, and the longest do not: more of them than processors, so
# that none of those sleeps.
jobs=$(($(nproc) * 2))
if [ "${1-}" = -j ]; then
	jobs=$2
	shift 2
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-run.XXXXXX") || exit 1
chmod 755 "$dir"
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

[ $# = 0 ] || printf '%s\n' "$@" | xargs -P "$jobs" -I '{}' "$0" --one "$dir" '{}'

for program in "$@"; do
	name=$(name_of "$program")
	[ -s "$dir/$name.sum" ] || echo 1 0 1 0 >"$dir/$name.sum"
	read -r checks failures errors skipped <"$dir/$name.sum"
	[ $((failures + errors)) = 0 ] || { printf '\n---- %s failed:\n' "$name"; cat "$dir/$name.log"; }
done
cat "$dir"/*.log 2>/dev/null | grep '^SKIP: ' | sort | sed '1i\
\
Skipped:
s/^SKIP: /  /'

cat "$dir"/*.sum 2>/dev/null | awk '
	{ checks += $1 - $4; failures += $2; errors += $3; skipped += $4 }
	END {
		failed = failures + errors
		percent = checks > 0 ? int(100 * (checks - failed) / checks) : 0
		printf "\n%d%%: Checks: %d, Failures: %d, Errors: %d\n", percent, checks, failures, errors
		printf "%d passed, %d failed, %d skipped\n", checks - failed, failed, skipped
		exit failed || checks <= 0
	}'
