#!/bin/sh
# The benchmark works: its programs run, and a second of ping-pong through the
# daemon and through both floors gives figures, a table and a chart; so do messages at
# times fixed in advance, and timers.  What the figures are is not tested.
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
