#!/bin/bash
# `uringproxy import` on configurations of haproxy and nginx in tests/import: what it prints is
# good, says what NAME.want says (a line with "!": what it does not), and whoever wrote the file
# reaches nothing by it that an operator has not asked for.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
daemon=${URINGPROXY:-build/asan/uringproxy}
work=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-import.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

failed=0
fail() {
	echo "$1"
	failed=1
}
tried=0
for file in tests/import/*.cfg tests/import/*.conf; do
	name=${file##*/}
	tried=$((tried + 1))
	"$daemon" import "$file" >"$work/ours" 2>"$work/said"
	status=$?
	case $status in
	0)
		"$daemon" -t -c "$work/ours" >"$work/test" 2>&1
		# Addresses of others are none of this machine's.
		! grep -v '^warning: ' "$work/test" | grep -v 'the configuration is good$' ||
			fail "$name: what is printed is not good"
		;;
	1) ! grep -qv '^#\|^$' "$work/ours" || grep -q '^\[\(pool\|defaults\|global\)' "$work/ours" || fail "$name: nothing serves, and there are lines" ;;
	*) fail "$name: ends with $status: $(cat "$work/said")" ;;
	esac
	while read -r line; do
		case $line in
		!*) ! grep -qxF -e "${line#!}" "$work/ours" || fail "$name: has \"${line#!}\"" ;;
		*) grep -qxF -e "$line" "$work/ours" || fail "$name: has no \"$line\"" ;;
		esac
	done <"${file%.*}.want"
	! grep -nE '^ *\[?(control|metrics)|^[^#]*evil|^[^#]*passwd' "$work/ours" || fail "$name: has what nobody asked for"
done
((tried >= 20)) || fail "there are only $tried configurations"

# Each line of theirs is one of ours or a comment.
printf 'listen a\n bind 127.0.0.1:80\n server s 10.0.0.1:80\n frobnicate 12\n' >"$work/x"
"$daemon" import "$work/x" >"$work/ours" 2>/dev/null
grep -q '^# line 4: not carried over: frobnicate 12 ' "$work/ours" || fail "a line is missing: $(cat "$work/ours")"

# No file, none that can be read, nothing in it.
"$daemon" import "$work/none" 2>"$work/said" >/dev/null
[[ $? == 71 ]] && grep -q 'none: No such file' "$work/said" || fail "no file: $(cat "$work/said")"
"$daemon" import 2>/dev/null >&2
[[ $? == 64 ]] || fail "import without a file is not explained"
: | "$daemon" import - >/dev/null 2>"$work/said"
[[ $? == 1 ]] && grep -q 'nothing in it could be carried over' "$work/said" || fail "nothing: $(cat "$work/said")"
exit $failed
