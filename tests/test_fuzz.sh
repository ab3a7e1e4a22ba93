#!/bin/sh
# Every fuzz target for FUZZ_SECONDS, by default a minute for all together,
# beginning with its corpus in tests/fuzz/corpus/NAME.  New inputs gather below build/fuzz/corpus; an input
# that fails is left in build/fuzz, named, and reproduces when given to the target.
set -u
cd "$(dirname "$0")/.." || exit 1

targets=$(find build/fuzz/tests/fuzz -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x 2>/dev/null | sort)
[ -n "$targets" ] || { echo "no fuzz targets in build/fuzz (they need clang)" >&2; exit 77; }

: "${FUZZ_SECONDS:=$((60 / $(echo "$targets" | wc -l)))}"
failed=0
for target in $targets; do
	name=${target##*/fuzz_}
	found=build/fuzz/corpus/$name
	mkdir -p "$found"
	kept=
	[ ! -d "tests/fuzz/corpus/$name" ] || kept=tests/fuzz/corpus/$name
	# shellcheck disable=SC2086 # no corpus, no argument
	if "$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=1024 -close_fd_mask=1 \
		-artifact_prefix="build/fuzz/$name-" -print_final_stats=1 "$found" $kept >"$found.log" 2>&1; then
		printf '%-16s %s runs, no failure\n' "$name" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log")"
	else
		echo "$name failed:"
		tail -n 60 "$found.log"
		failed=1
	fi
done
exit $failed
