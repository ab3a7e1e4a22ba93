#!/bin/sh
# The benchmark works: its programs run, and a second of ping-pong through the
# daemon and through both floors gives figures, a table and a chart.  What the
# figures are is not tested.
set -u

skip() {
	echo "$1" >&2
	exit 77
}
for program in python3 ip unshare; do
	command -v "$program" >/dev/null || skip "no $program"
done

build=$(dirname "$URINGPROXY")
dir=$(mktemp -d "${TMPDIR:-/tmp}/uringproxy-bench-test.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT

python3 tests/bench/bench.py --build "$build" --output "$dir" --workload pingpong-64B-1 \
	--peer relay --peer relay-splice --rounds 1 --seconds 1 --retries 0 || exit 1
grep -q '^| to relay-splice | [0-9.]* ' "$dir/results.md" || exit 1
grep -q '</svg>' "$dir/pingpong-64B-1.svg" || exit 1
python3 - "$dir/results.json" <<'PYTHON'
import json, sys

columns = json.load(open(sys.argv[1]))["workloads"]["pingpong-64B-1"]["columns"]
assert set(columns) == {"uringproxy", "busy-50us", "sqpoll", "relay", "relay-splice"}, columns
for name, (figures,) in columns.items():
    assert figures["rate"] > 0 and figures["cpu"] > 0, (name, figures)
    assert 0 < figures["p50"] <= figures["p99"] <= figures["p999"], (name, figures)
PYTHON
