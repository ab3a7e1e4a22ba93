#!/usr/bin/env python3
"""
The daemon beside its peers, measured in one interleaved run.

    make bench                          everything: about an hour
    make bench QUICK=1                  a first impression: about two minutes
    make bench BENCH="--workload http-64 --peer haproxy --rounds 10"

Proxies, upstreams and loads run in a network namespace of their own, so nothing
of the machine is changed, with the same congestion control for all.  Round by
round every column is measured once (A B C, A B C, ...), and ratios are taken
within a round.  Results, tables and charts are left in build/bench/.

    workloads.py  what is measured, against whom, and the bounds to be met
    peers.py      who is measured, and with which configuration
    loads.py      the load generators, and of two workloads:
    timeouts.py   how late connections are ended by timers
    shortage.py   what waits for something that is short, and who is beside it
    machine.py    processes, CPU time, memory, loopback
    report.py     medians, ratios, tables, charts
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
import workloads
from loads import Loads, Target
from machine import Failed, Process

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSIDE = "URINGPROXY_BENCH_INSIDE"


def arguments():
    parser = argparse.ArgumentParser(description="measure the daemon beside its peers",
                                     epilog="a daemon: --daemon 'NAME:relay=copy,busy_poll=50us'; "
                                     "'NAME@0+1:...' lets it use CPUs 0 and 1; the key binary "
                                     "names another build: 'before:binary=/tmp/uringproxy'")
    add = parser.add_argument
    add("--list", action="store_true", help="the workloads and peers")
    add("--workload", "-w", action="append", default=[], help="only this one; may be repeated; "
        "'http' stands for all that begin so")
    add("--peer", "-p", action="append", default=[], help="only this one; may be repeated; "
        "'none': the daemon alone")
    add("--daemon", "-d", action="append", default=[], metavar="NAME:key=value,...",
        help="a further column: the daemon with these keys")
    add("--rounds", "-n", type=int, help="default 5")
    add("--seconds", "-s", type=int, help="of each measurement, default 3")
    add("--quick", action="store_true", help="few workloads, few peers, 2 rounds of 1 s")
    add("--unpinned", action="store_true", help="let the scheduler place everything")
    add("--congestion", default="cubic", help="congestion control for all (default cubic)")
    add("--retries", type=int, default=1, help="repeat a measurement so often when others used "
        "more than 8 %% of the machine")
    add("--patience", type=float, default=0, metavar="SECONDS", help="wait at most so long before "
        "each measurement for others to leave the machine alone")
    add("--build", default=os.path.join(ROOT, "build/release"), help="where the programs are")
    add("--binary", help="the daemon (default: the one in --build)")
    add("--output", "-o", default=os.path.join(ROOT, "build/bench"))
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    given.seconds = given.seconds or (1 if given.quick else 3)
    given.build = os.path.abspath(given.build)
    given.binary = os.path.abspath(given.binary or os.path.join(given.build, "uringproxy"))
    if given.rounds < 1 or given.seconds < 1:
        parser.error("rounds and seconds are at least 1")
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
    for word in given.workload or (workloads.QUICK if given.quick else [""]):
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
                 and (not workload.sections or name in workload.peers)]
    elif given.quick:
        names = [name for name in names if name in workloads.QUICK_PEERS]
    own = {"sections": workload.sections and workload.sections(given.seconds),
           "before": workload.before}
    chosen = [peers.daemon(given.binary, "uringproxy", **own)]
    for text, keys in workload.variants.items():
        name, cpus, _ = peers.parse_daemon(text)
        chosen.append(peers.daemon(given.binary, name, keys, cpus, **own))
    for text in given.daemon:
        name, cpus, keys = peers.parse_daemon(text)
        chosen.append(peers.daemon(given.binary, name, keys, cpus, **own))
    return chosen + [table[name] for name in names]


def provide(columns):
    """Install what is missing; which programs still are not there."""
    need = {path: packages for path, packages in (
        ("/usr/bin/wrk", ("wrk",)), ("/usr/bin/iperf3", ("iperf3",)),
        ("/usr/sbin/nginx", ("nginx", "libnginx-mod-stream")))}
    need.update({column.program: column.packages for column in columns if column.program})
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

    def start(self, name, argv, port, cpus, **options):
        log = os.path.join(self.directory, f"{name}-{port}.log")
        process = Process(argv, log, cpus, **options)
        try:
            machine.wait_listening(process, port)
        except Failed:
            process.stop()
            raise
        return process

    def start_upstream(self, kind):
        port = machine.free_port()
        if kind == "load":  # the load is the server, too
            return port, None
        argv = {"http": lambda: peers.nginx_http(self.directory, port),
                "echo": lambda: [f"{self.tools}/bench_echo", str(port)],
                "slow": lambda: [f"{self.tools}/bench_slow", str(port), "5000"],
                "iperf": lambda: ["/usr/bin/iperf3", "-s", "-B", "127.0.0.1", "-p", str(port)],
                "pour": lambda: [f"{self.tools}/bench_pour", "serve", str(port)]}[kind]()
        options = {"stdout": subprocess.PIPE} if kind == "pour" else {}
        return port, self.start(f"upstream-{kind}", argv, port, self.load_cpus, **options)

    def start_column(self, workload, column, upstream_port, upstream):
        if not column.command:  # no proxy at all
            return Target(upstream_port, None, upstream_port, upstream)
        port = machine.free_port(workload.ports)
        argv = column.command(self.directory, port, upstream_port)
        process = self.start(column.name, argv, port, column.cpus or self.proxy_cpus,
                             before=column.before)
        return Target(port, process, upstream_port, upstream)

    def measure(self, workload, column, target):
        """Once, or again when others disturbed it; the least disturbed counts."""
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

    def attempt(self, workload, column, running, upstream_port, upstream):
        try:
            if column.name not in running:
                running[column.name] = self.start_column(workload, column, upstream_port,
                                                              upstream)
            return self.measure(workload, column, running[column.name])
        except Failed as failure:
            target = running.pop(column.name, None)  # the next round begins afresh
            if target and target.process:
                target.process.stop()
            return {"failed": str(failure)}

    def run(self, workload, columns):
        results = {"title": workload.title, "metrics": workload.metrics,
                   "compared": workload.compared, "columns": {each.name: [] for each in columns},
                   "daemons": [each.name for each in columns if each.daemon]}
        upstream_port, upstream, running = 0, None, {}
        try:
            if workload.upstream:
                upstream_port, upstream = self.start_upstream(workload.upstream)
            for number in range(self.given.rounds):
                for column in columns:
                    result = self.attempt(workload, column, running, upstream_port, upstream)
                    results["columns"][column.name].append({"round": number, **result})
                    show(workload, column, number, result)
                    if workload.fresh and column.name in running:
                        running.pop(column.name).process.stop()
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
                         for metric in workload.metrics if metric in result)
        if report.disturbed(result):
            text += f"  (others used {result['foreign']:.0%} of the machine)"
    print(f"{workload.name:18} {number + 1} {column.name:15} {text}", flush=True)


def save(given, about, measured):
    os.makedirs(given.output, exist_ok=True)
    path = lambda name: os.path.join(given.output, name)
    with open(path("results.json"), "w") as file:
        json.dump({"about": about, "workloads": measured}, file, indent=1)
    with open(path("results.md"), "w") as file:
        file.write(report.markdown(about, measured))
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
    if not os.environ.get(INSIDE):  # a new namespace has no network to install from
        provide([column for _, columns in plan for column in columns])
    private = enter_namespace()
    missing = provide([column for _, columns in plan for column in columns])
    if private:
        machine.prepare_loopback(given.congestion)
    machine.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    about = {**machine.description(), "rounds": given.rounds, "seconds": given.seconds,
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
            measured[workload.name] = bench.run(workload, present)
            save(given, about, measured)
    print("\n" + report.markdown(about, measured))
    print(f"saved in {given.output}")
    return any("failed" in each for results in measured.values()
               for rounds in results["columns"].values() for each in rounds)


if __name__ == "__main__":
    sys.exit(main())
