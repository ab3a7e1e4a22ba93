"""
Clients who are refused, and come again at once, from two processes; and beside them one
whom the daemon serves, on the same worker.
"""

import json
import os

PORTS = 1
SOURCE, AT_ONCE, PROCESSES = "127.0.0.66", 16, 2
INNOCENT = (64, 4, 1000)  # bytes, connections, messages a second


def sections(_seconds):
    def write(_directory, port, upstream, keys):
        return [("proxy bench", {**keys, "listen": f"127.0.0.1:{port}",
                                 "server": f"127.0.0.1:{upstream}", "deny": SOURCE})]
    return write


class Knocking:
    """The load processes, for so long from when it is entered; they leave the CPU to others."""

    def __init__(self, loads, target, seconds):
        self.loads, self.started = loads, []
        self.argv = ["bench_knock", target.port, SOURCE, AT_ONCE, seconds]

    def __enter__(self):
        try:
            for _ in range(PROCESSES):
                self.started.append(self.loads._start(*self.argv, before=lambda: os.nice(10)))
            for load in self.started:
                self.loads._line(load)  # warmed up
        except BaseException:
            self.__exit__()
            raise
        return self

    def count(self):
        """How many were refused, once that is over."""
        return sum(json.loads(self.loads._line(load))["count"] for load in self.started)

    def __exit__(self, *_):
        for load in self.started:
            load.stop()


def measure(loads, target):
    alone = loads.paced(target, *INNOCENT)
    with Knocking(loads, target, loads.seconds) as knocking:
        window = target.window(*knocking.started).start()
        count = knocking.count()
        window.stop()
    with Knocking(loads, target, loads.seconds + 60):
        beside = loads.paced(target, *INNOCENT)
    refused = loads._per_unit({"units": count}, window, count)
    return {**refused, "rate": count * 1e9 / window.elapsed_ns, "p50": beside["p50"],
            "p99": beside["p99"], "p50_alone": alone["p50"], "p99_alone": alone["p99"],
            "slower": beside["p99"] / alone["p99"], "late": beside["late"],
            "foreign": refused["foreign"]}
