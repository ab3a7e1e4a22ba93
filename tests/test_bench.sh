#!/bin/sh
# The benchmark works: its programs run, and a second of ping-pong through the
# daemon and through both floors gives figures, a table and a chart; so do messages at
# times fixed in advance, and timers.  What the figures are is not tested, but what is made
# of them: the verdict whether one build costs more than another.
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

python3 - <<'PYTHON' || exit 1
import random, sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/bench")
import verdict
from verdict import CALLS, CHEAPER, DEARER, INSTRUCTIONS, TIME, UNRESOLVED, WITHIN

def around(middle, spread, count=21):
    return [middle + spread * (each / (count - 1) - 0.5) for each in range(count)]

for rule, ratios, expected in (
        (TIME, around(1, 0.02), WITHIN),
        (TIME, around(1.004, 0.02), WITHIN),
        (TIME, around(1.02, 0.02), DEARER),
        (TIME, around(1.2, 0.3), DEARER),  # wide, and all of it above
        (TIME, around(0.98, 0.02), CHEAPER),
        (TIME, around(0.8, 0.3), CHEAPER),
        (TIME, around(1, 0.3), UNRESOLVED),
        (TIME, around(1.2, 0.02, 19), UNRESOLVED),  # too few
        (TIME, [], UNRESOLVED),
        (INSTRUCTIONS, around(1.009, 0.002, 7), WITHIN),  # dearer, but no more than is allowed
        (INSTRUCTIONS, around(1.011, 0.002, 7), DEARER),
        (INSTRUCTIONS, around(1, 0.03, 7), UNRESOLVED),
        (CALLS, around(1.009, 0.002, 7), DEARER)):
    said = verdict.judge(rule, ratios)
    assert said == expected, (ratios, said, expected)

assert not verdict.is_resolved(TIME, around(1, 0.02, 19))
assert not verdict.is_resolved(TIME, around(1, 0.3))
assert verdict.is_resolved(TIME, around(1, 0.02)) and verdict.is_resolved(TIME, around(2, 0.02))

# The interval has the true median in it in 95 of 100 cases, more or less.
low, high = verdict.interval(range(1, 22))
assert 6 <= low <= 8 and 14 <= high <= 16, (low, high)
draw = random.Random(2)
hits = 0
for _ in range(100):
    low, high = verdict.interval([draw.lognormvariate(0, 0.05) for _ in range(20)])
    hits += low <= 1 <= high
assert 88 <= hits <= 99, hits
PYTHON

python3 - <<'PYTHON' || exit 1
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/bench")
import scale

assert scale.in_turn([[0, 1], [2, 3], [4]]) == [0, 2, 4, 1, 3]  # a core of its own before half of one

# Twice the rate on four CPUs of what it was on one is half of it for each.
results = {"columns": {name: [{"round": 0, "rate": rate}] for name, rate in (
    ("direct", 9), ("off-1", 100), ("off-4", 200), ("on-2", 80), ("on-4", 160))}}
table = scale.efficiency_table(results, "rate", [1, 2, 4])
assert "| off | 100% | – | 50% |" in table and "| on | – | 100% | 100% |" in table, table
assert "direct" not in table, table
PYTHON

if [ "$(nproc)" -gt 1 ]; then
	python3 tests/bench/bench.py --build "$build" --output "$dir" --verdict --no-counts \
		--daemon "before:binary=$URINGPROXY" --workload pingpong-64B-64 --rounds 2 && exit 1
	grep '^| pingpong-64B-64 | CPU to before | [0-9.]* | [0-9.]*–[0-9.]* | 2 | not resolved |$' \
		"$dir/results.md" || exit 1
fi

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

if [ "$(nproc)" -gt 1 ]; then
	python3 tests/bench/scale.py --build "$build" --output "$dir" --shared --cpus 2 \
		--workload pingpong --column direct --column off --column on --rounds 1 || exit 1
	python3 - "$dir/scale.json" <<'PYTHON' || exit 1
import json, sys

columns = json.load(open(sys.argv[1]))["workloads"]["pingpong-1"]["columns"]
assert set(columns) == {"direct", "off-2", "on-2"}, columns
(off,), (on,) = columns["off-2"], columns["on-2"]
assert off["polling"] == 0 and 0 < on["polling"] < on["cpu"], columns
PYTHON
fi

# A server that stands still for a part of the time: messages that should have been sent
# meanwhile count, although nobody answered.  In a network of its own where that may be, like
# the above: no test beside it has that port.
for private in "unshare --net" "unshare --map-root-user --net" ""; do
	$private true 2>/dev/null && break
done
$private python3 - "$build/tests/bench" <<'PYTHON' || exit 1
import json, signal, subprocess, sys, time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/bench")
from machine import TCP_LISTEN, loopback_sockets

subprocess.run(["ip", "link", "set", "lo", "up"])
server = subprocess.Popen([sys.argv[1] + "/bench_echo", "10000"])
try:
    while not any(state == TCP_LISTEN for _, _, state, _, _ in loopback_sockets()):
        assert server.poll() is None
        time.sleep(0.01)
    load = subprocess.Popen([sys.argv[1] + "/bench_openloop", "10000", "64", "4", "1000", "3"],
                            stdout=subprocess.PIPE)
    assert load.stdout.readline() == b"start\n"
    server.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    server.send_signal(signal.SIGCONT)
    figures = json.loads(load.stdout.readline())
    assert load.wait() == 0 and figures["missing"] == 0, figures
    assert figures["count"] > 2400 and figures["p99"] > 200000, figures
finally:
    server.kill()
PYTHON

python3 tests/bench/bench.py --build "$build" --output "$dir" --workload open-slow-20 \
	--peer relay --rounds 1 --seconds 1 --retries 0 || exit 1
python3 - "$dir/results.json" <<'PYTHON'
import json, sys

columns = json.load(open(sys.argv[1]))["workloads"]["open-slow-20"]["columns"]
assert set(columns) == {"uringproxy", "coalesce-off", "relay"}, columns
for name, (figures,) in columns.items():
    assert 4900 <= figures["p50"] <= figures["p99"] <= figures["p999"], (name, figures)
PYTHON

# Timers: each kind of connection is ended by its own.
python3 tests/bench/bench.py --build "$build" --output "$dir" --workload timeouts \
	--peer none --rounds 1 --seconds 1 --retries 0 || exit 1
python3 - "$dir/results.json" <<'PYTHON'
import json, sys

columns = json.load(open(sys.argv[1]))["workloads"]["timeouts"]["columns"]
assert set(columns) == {"uringproxy"}, columns
figures, = columns["uringproxy"]
assert figures["missing"] == 0 and len(figures["kinds"]) == 9, figures
PYTHON

# Who waits for a server's backlog is held, and let go.
python3 tests/bench/bench.py --build "$build" --output "$dir" --workload shortage-backlog \
	--peer none --rounds 1 --seconds 1 --retries 0 || exit 1
grep -q '^| shortage-backlog | uringproxy | p99 to alone ' "$dir/results.md"

# Each way of choosing a server has its cost.
python3 tests/bench/bench.py --build "$build" --output "$dir" --workload pick-10 \
	--peer none --rounds 1 --seconds 1 --retries 0 || exit 1
[ "$(grep -c '^| pick-10 | uringproxy | ' "$dir/results.md")" = 5 ]

# A look-up of a name, too.
python3 tests/bench/bench.py --build "$build" --output "$dir" --workload route-100000 \
	--peer none --rounds 1 --seconds 1 --retries 0 || exit 1
grep -q '^| route-100000 | uringproxy | a name with a route ' "$dir/results.md"
