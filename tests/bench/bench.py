#!/usr/bin/env python3
"""
The daemon beside its peers, measured in one interleaved run.

    make bench                          everything: about an hour
    make bench QUICK=1                  a first impression: about two minutes
    make bench BENCH="--workload http-64 --peer haproxy --rounds 10"
    make bench BENCH="--verdict -d before:binary=/tmp/before/uringproxy"
                                        does it cost more than that build? up to two hours

Proxies, upstreams and loads run in a network namespace of their own, so nothing
of the machine is changed, with the same congestion control for all.  Round by
round every column is measured once (A B C, A B C, ...), and ratios are taken
within a round.  Results, tables and charts are left in build/bench/.

    workloads.py  what is measured, against whom, and the bounds to be met
    peers.py      who is measured, and with which configuration
    loads.py      the load generators, and of some workloads:
    timeouts.py   how late connections are ended by timers
    knocks.py     who is refused, and comes again
    rates.py      how near they come to their rates
    shortage.py   what waits for something that is short, and who is beside it
    machine.py    processes, CPU time, memory, loopback
    report.py     medians, ratios, tables, charts
    verdict.py    when one build costs more than another
    scale.py      what more CPUs bring, a run of its own
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True  # nothing is left beside the sources

import machine
import peers
import report
import verdict
import workloads
from loads import Loads, Target
from machine import Counted, Failed, Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSIDE = "URINGPROXY_BENCH_INSIDE"


EPILOG = """
A daemon is described by its keys: --daemon 'NAME:relay=copy,busy_poll=50us'.
'NAME@0+1:...' lets it use CPUs 0 and 1; the key binary names another build:
'before:binary=/tmp/uringproxy'; the key servers is how many servers a pool has.

A verdict, whether a change costs something:

    git worktree add /tmp/before HEAD~1 && make -C /tmp/before
    make bench BENCH="--verdict -d before:binary=/tmp/before/build/release/uringproxy"

CPU time is measured in at least 20 rounds, and in as many as the 95 % interval of
the median ratio needs to be no wider than 3 %; instructions in user space and
system calls are counted by callgrind.  It is "within noise" where the interval
contains 1.00 (of instructions: or the median is 1.01 or less), "dearer" where it
lies above, "cheaper" below, "not resolved" where it stays too wide.  The exit
status is 0 only where nothing is dearer and all is resolved.
"""


def arguments():
    parser = argparse.ArgumentParser(description="measure the daemon beside its peers",
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog=EPILOG)
    add = parser.add_argument
    add("--list", action="store_true", help="the workloads and peers")
    add("--workload", "-w", action="append", default=[], help="only this one; may be repeated; "
        "'http' stands for all that begin so")
    add("--peer", "-p", action="append", default=[], help="only this one; may be repeated; "
        "'none': the daemon alone")
    add("--daemon", "-d", action="append", default=[], metavar="NAME:key=value,...",
        help="a further column: the daemon with these keys")
    add("--verdict", action="store_true", help="judge the daemon beside each --daemon (see below)")
    add("--no-counts", action="store_true", help="a verdict on time only, without callgrind")
    add("--rounds", "-n", type=int, help="default 5; of a verdict: at most, default 200")
    add("--seconds", "-s", type=int, help="of each measurement, default 3; of a verdict's, 1")
    add("--quick", action="store_true", help="few workloads, few peers, 2 rounds of 1 s")
    add("--unpinned", action="store_true", help="let the scheduler place everything")
    add("--congestion", default="cubic", help="congestion control for all (default cubic)")
    add("--retries", type=int, help="repeat a measurement so often when others used "
        "more than 8 %% of the machine, default 1; of a verdict's, 0")
    add("--patience", type=float, default=0, metavar="SECONDS", help="wait at most so long before "
        "each measurement for others to leave the machine alone")
    add("--build", default=os.path.join(ROOT, "build/release"), help="where the programs are")
    add("--binary", help="the daemon (default: the one in --build)")
    add("--output", "-o", default=os.path.join(ROOT, "build/bench"))
    given = parser.parse_args()
    given.rounds = given.rounds or (200 if given.verdict else 2 if given.quick else 5)
    given.seconds = given.seconds or (1 if given.quick or given.verdict else 3)
    if given.retries is None:
        given.retries = 0 if given.verdict else 1
    given.build = os.path.abspath(given.build)
    given.binary = os.path.abspath(given.binary or os.path.join(given.build, "uringproxy"))
    if given.rounds < 1 or given.seconds < 1:
        parser.error("rounds and seconds are at least 1")
    if given.verdict and not given.daemon:
        parser.error("a verdict needs another build: --daemon before:binary=PATH")
    if given.verdict and (given.unpinned or len(os.sched_getaffinity(0)) < 2):
        parser.error("a verdict needs two CPUs, one for the daemon alone")
    return given


def enter_namespace():
    """Go on in a network namespace of our own; on this machine's loopback where that is refused."""
    if os.environ.get(INSIDE):
        return os.environ[INSIDE] == "yes"
    options = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    allowed = subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL)
    os.environ[INSIDE] = "no" if allowed.returncode else "yes"
    if allowed.returncode == 0:
        os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
    return False


def choose_workloads(given):
    names = [each.name for each in workloads.WORKLOADS]
    chosen = set()
    usual = workloads.QUICK if given.quick else workloads.JUDGED if given.verdict else [""]
    for word in given.workload or usual:
        found = [word] if word in names else [name for name in names if name.startswith(word)]
        if not found:
            sys.exit(f"bench: no workload '{word}'; --list shows them")
        chosen.update(found)
    return [each for each in workloads.WORKLOADS if each.name in chosen]


def choose_columns(given, workload, table):
    """The daemon first, then the peers that make sense for this workload."""
    names = list(workload.peers)
    if given.peer:
        names = [name for name in given.peer
                 if name != "none" and table[name].echo == (workload.upstream is None)
                 and (not (workload.sections or workload.keys) or name in workload.peers)]
    elif given.verdict:
        names = []
    elif given.quick:
        names = [name for name in names if name in workloads.QUICK_PEERS]
    own = {"sections": workload.sections and workload.sections(given.seconds),
           "before": workload.before, "common": workload.keys}
    chosen = [peers.daemon(given.binary, "uringproxy", **own)]
    for text, keys in {} if given.verdict else workload.variants.items():
        name, cpus, _ = peers.parse_daemon(text)
        chosen.append(peers.daemon(given.binary, name, keys, cpus, **own))
    for text in given.daemon:
        name, cpus, keys = peers.parse_daemon(text)
        chosen.append(peers.daemon(given.binary, name, keys, cpus, **own))
    return chosen + [table[name] for name in names]


def provide(columns, counting):
    """Install what is missing; which programs still are not there."""
    need = {path: packages for path, packages in (
        ("/usr/bin/wrk", ("wrk",)), ("/usr/bin/iperf3", ("iperf3",)),
        ("/usr/sbin/nginx", ("nginx", "libnginx-mod-stream")))}
    need.update({column.program: column.packages for column in columns if column.program})
    if counting:
        need["/usr/bin/valgrind"] = ("valgrind",)
    packages = sorted({name for path, names in need.items() if not os.path.exists(path)
                       for name in names})
    if packages:
        machine.install(packages)
    return {path for path in need if not os.path.exists(path)}


class Bench:
    def __init__(self, given, directory, tools):
        self.given, self.directory, self.tools = given, directory, tools
        every = sorted(os.sched_getaffinity(0))
        self.proxy_cpus = self.load_cpus = set(every)
        self.placing = "nothing pinned"
        if not given.unpinned and len(every) > 1:
            self.proxy_cpus, self.load_cpus = {every[0]}, {every[1]}
            self.placing = f"proxy on CPU {every[0]}, load and upstream on CPU {every[1]}"
        os.sched_setaffinity(0, self.load_cpus)
        self.loads = Loads(tools, directory, self.load_cpus, given.seconds)

    def start(self, name, argv, port, cpus, kind=Process, **options):
        log = os.path.join(self.directory, f"{name}-{port}.log")
        process = kind(argv, log, cpus, **options)
        try:
            machine.wait_listening(process, port)
        except Failed:
            process.stop()
            raise
        return process

    def start_upstream(self, kind):
        port = machine.free_port(peers.SERVERS if kind == "pool" else 1)
        if kind == "load":  # the load is the server, too
            return port, None
        argv = {"http": lambda: peers.nginx_http(self.directory, port),
                "pool": lambda: peers.nginx_http(self.directory, port, servers=peers.SERVERS),
                "echo": lambda: [f"{self.tools}/bench_echo", str(port)],
                "slow": lambda: [f"{self.tools}/bench_slow", str(port), "5000"],
                "iperf": lambda: ["/usr/bin/iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
                "pour": lambda: [f"{self.tools}/bench_pour", "serve", str(port)]}[kind]()
        options = {"stdout": subprocess.PIPE} if kind == "pour" else {}
        return port, self.start(f"upstream-{kind}", argv, port, self.load_cpus, **options)

    def start_column(self, workload, column, upstream_port, upstream, kind=Process):
        if not column.command:  # no proxy at all
            return Target(upstream_port, None, upstream_port, upstream)
        port = machine.free_port(workload.ports)
        argv = column.command(self.directory, port, upstream_port)
        process = self.start(column.name, argv, port, column.cpus or self.proxy_cpus,
                             kind, before=column.before)
        return Target(port, process, upstream_port, upstream)

    def measure(self, workload, column, target):
        """Once, or again when others disturbed it; the least disturbed counts."""
        if isinstance(target.process, Counted):
            return self.count(workload, target)
        best = None
        for _ in range(1 + self.given.retries):
            machine.wait_quiet(self.given.patience, report.FOREIGN_LIMIT)
            result = workload.run(self.loads, target)
            if best is None or result["foreign"] < best["foreign"]:
                best = result
            if workload.fresh or not report.disturbed(best):
                break
        if target.process and not workload.ends and target.process.popen.poll() is not None:
            raise Failed(f"{column.name} ended: {target.process.complaint()}")
        return best

    def count(self, workload, target):
        target.process.begin()
        units = workload.run(self.loads, target).get("units")
        instructions, calls = target.process.end()
        if not units:
            raise Failed("it does not say how much was done in all")
        return {"instructions": instructions / units, "calls": calls / units}

    def attempt(self, workload, column, running, upstream_port, upstream, kind):
        try:
            if column.name not in running:
                running[column.name] = self.start_column(workload, column, upstream_port,
                                                         upstream, kind)
            return self.measure(workload, column, running[column.name])
        except Failed as failure:
            target = running.pop(column.name, None)  # the next round begins afresh
            if target and target.process:
                target.process.stop()
            return {"failed": str(failure)}

    def run(self, workload, columns, kind=Process, rules=()):
        """In at most given.rounds; with rules, (rule, metric), only until they are satisfied."""
        results = {"title": workload.title, "metrics": workload.metrics,
                   "compared": workload.compared, "columns": {each.name: [] for each in columns},
                   "daemons": [each.name for each in columns if each.daemon]}
        upstream_port, upstream, running = 0, None, {}
        try:
            if workload.upstream:
                upstream_port, upstream = self.start_upstream(workload.upstream)
            for number in range(self.given.rounds):
                for column in reversed(columns) if rules and number % 2 else columns:
                    result = self.attempt(workload, column, running, upstream_port, upstream, kind)
                    results["columns"][column.name].append({"round": number, **result})
                    show(workload, column, number, result)
                    if workload.fresh and column.name in running:
                        running.pop(column.name).process.stop()
                if rules and report.is_resolved(results, rules):
                    break
        finally:
            for target in running.values():
                if target.process:
                    target.process.stop()
            if upstream:
                upstream.stop()
        return results


def show(workload, column, number, result):
    if "failed" in result:
        text = "failed: " + result["failed"]
    else:
        text = "  ".join(report.heading(metric) + " " + report.number(metric, result[metric])
                         for metric in (*workload.metrics, "instructions", "calls")
                         if metric in result)
        if report.disturbed(result):
            text += f"  (others used {result['foreign']:.0%} of the machine)"
    print(f"{workload.name:18} {number + 1} {column.name:15} {text}", flush=True)


def judged(given, bench, workload, columns):
    """The daemon's cost beside that of other builds, in time and in what can be counted."""
    time, *counts = verdict.rules(workload.metrics)
    results = bench.run(workload, columns, rules=[time])
    if not given.no_counts:
        results["counts"] = bench.run(workload, columns, Counted, counts)
    return results


def save(given, about, measured):
    os.makedirs(given.output, exist_ok=True)
    path = lambda name: os.path.join(given.output, name)
    with open(path("results.json"), "w") as file:
        json.dump({"about": about, "workloads": measured}, file, indent=1)
    with open(path("results.md"), "w") as file:
        file.write(report.markdown(about, measured, given.verdict))
    for name, results in measured.items():
        picture = report.chart(name, results, about)
        if picture:
            with open(path(f"{name}.svg"), "w") as file:
                file.write(picture)


def show_list(table):
    for workload in workloads.WORKLOADS:
        print(f"{workload.name:20} {workload.title}")
    print()
    for name, peer in table.items():
        print(f"{name:20} {peer.help}")


def main():
    given = arguments()
    tools = os.path.join(given.build, "tests/bench")
    table = peers.all_peers(tools, given.seconds)
    if given.list:
        return show_list(table)
    for name in given.peer:
        if name not in table and name != "none":
            sys.exit(f"bench: no peer '{name}'; --list shows them")
    plan = [(workload, choose_columns(given, workload, table))
            for workload in choose_workloads(given)]
    counting = given.verdict and not given.no_counts
    if not os.environ.get(INSIDE):  # a new namespace has no network to install from
        provide([column for _, columns in plan for column in columns], counting)
    private = enter_namespace()
    missing = provide([column for _, columns in plan for column in columns], counting)
    if private:
        machine.prepare_loopback(given.congestion)
    machine.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    rounds = f"up to {given.rounds}" if given.verdict else given.rounds
    about = {**machine.description(), "rounds": rounds, "seconds": given.seconds,
             "congestion": machine.congestion_control(), "namespace": private, "columns": {
                 column.name: column.help for _, columns in plan for column in columns}}
    if about["congestion"] != given.congestion:
        print(f"bench: congestion control is {about['congestion']}, not {given.congestion}: do not "
              "compare these figures with others", file=sys.stderr)
    measured = {}
    with tempfile.TemporaryDirectory(prefix="uringproxy-bench-") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(given, directory, tools)
        about["placing"] = bench.placing
        for workload, columns in plan:
            present = [column for column in columns if column.program not in missing]
            for column in columns:
                if column not in present:
                    print(f"{workload.name}: {column.name} left out: no {column.program}")
            measured[workload.name] = judged(given, bench, workload, present) if given.verdict \
                else bench.run(workload, present)
            save(given, about, measured)
    print("\n" + report.markdown(about, measured, given.verdict))
    print(f"saved in {given.output}")
    if given.verdict and not report.is_well(measured):
        return True
    return any("failed" in each for results in measured.values()
               for rounds in results["columns"].values() for each in rounds)


if __name__ == "__main__":
    sys.exit(main())
