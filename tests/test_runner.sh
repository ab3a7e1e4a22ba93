#!/bin/sh
# The runner itself: what passes, fails, is skipped or dies must be told apart,
# or a green line means nothing.
set -u

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# program NAME LINES...: one that prints these lines; a line "exit N" ends it so.
program() {
	name=$1
	shift
	{
		echo '#!/bin/sh'
		for line in "$@"; do
			case $line in
			exit*) echo "$line" ;;
			*) echo "echo '$line'" ;;
			esac
		done
	} >"$dir/$name"
	chmod +x "$dir/$name"
}

# expect STATUS LAST-TWO-LINES PROGRAM...
expect() {
	want_status=$1 want=$2
	shift 2
	got=$("$(dirname "$0")/run.sh" "$@" 2>&1)
	status=$?
	lines=$(echo "$got" | tail -n 2)
	if [ "$status" != "$want_status" ] || [ "$lines" != "$want" ]; then
		printf 'run.sh %s\nended with %s instead of %s and said\n%s\ninstead of\n%s\n' \
			"$*" "$status" "$want_status" "$got" "$want"
		exit 1
	fi
}

program pass '100%: Checks: 3, Failures: 0, Errors: 0'
program fail '66%: Checks: 3, Failures: 1, Errors: 0' 'exit 1'
program skip 'SKIP: a_test: not here' '100%: Checks: 2, Failures: 0, Errors: 0'
program dies 'half way' 'exit 139'
program mute 'exit 0'
program fine.sh 'exit 0'
program lame.sh 'exit 1'
program away.sh 'exit 77'

nl='
'
expect 0 "100%: Checks: 3, Failures: 0, Errors: 0${nl}3 passed, 0 failed, 0 skipped" "$dir/pass"
expect 1 "83%: Checks: 6, Failures: 1, Errors: 0${nl}5 passed, 1 failed, 0 skipped" \
	"$dir/pass" "$dir/fail"
expect 0 "100%: Checks: 4, Failures: 0, Errors: 0${nl}4 passed, 0 failed, 1 skipped" \
	"$dir/pass" "$dir/skip"
expect 1 "75%: Checks: 4, Failures: 0, Errors: 1${nl}3 passed, 1 failed, 0 skipped" \
	"$dir/pass" "$dir/dies"
expect 1 "0%: Checks: 1, Failures: 0, Errors: 1${nl}0 passed, 1 failed, 0 skipped" "$dir/mute"
expect 1 "0%: Checks: 1, Failures: 0, Errors: 1${nl}0 passed, 1 failed, 0 skipped" "$dir/gone"
expect 1 "50%: Checks: 2, Failures: 1, Errors: 0${nl}1 passed, 1 failed, 1 skipped" \
	"$dir/fine.sh" "$dir/lame.sh" "$dir/away.sh"
expect 1 "0%: Checks: 0, Failures: 0, Errors: 0${nl}0 passed, 0 failed, 1 skipped" "$dir/away.sh"
expect 1 "0%: Checks: 0, Failures: 0, Errors: 0${nl}0 passed, 0 failed, 0 skipped"
