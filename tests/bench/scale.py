#!/usr/bin/env python3
"""
What more CPUs bring: the daemon with and without polling threads, and its peers.

    make bench-scale                        about seven minutes, on 16 CPUs up to 8 for a proxy
    make bench-scale BENCH="--cpus 1,2,4 --workload http --rounds 5"

Columns are compared by the CPUs they are allowed, and no others: with two of them,
off-2 is two workers, on-2 a worker and its polling thread, haproxy-2 and nginx-2 two
threads and two processes, auto-2 what the daemon chooses by itself.  One half of the
machine's cores is for these, the other for load and servers.  "direct" is the load without
a proxy, the most that can be seen here: a rate near it says nothing of the proxy.

CPU is counted twice: all of the daemon's threads, and those of the kernel among them that
poll; "preempted" is how often a second these had to leave their CPU to something else.
Nothing is installed; what is missing is left out.  Results are written after each workload.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from statistics import median

sys.dont_write_bytecode = True  # nothing is left beside the sources

import machine
import peers
import report
from bench import ROOT, Bench, enter_namespace
from loads import Loads, Target
from machine import Failed, Process, Window
from workloads import METRICS, Workload

METRICS.update(polling=("of it polling", "µs", 2), polling_gib=("of it polling s/GiB", "", 3),
               preempted=("preempted", "/s", 0), busy=("load busy", "%", 0))
EXTRA = ("polling", "preempted", "busy")
REQUESTS = ("rate", "cpu", *EXTRA, "p50", "p99", "p999")
PATIENCE = 60  # seconds that a measurement may take beyond its own
PACE = 20000  # messages a second: a part of what one CPU can do
PACED = ("p50", "p99", "p999", "late", "cpu", *EXTRA)
BYTES = ("gbit", "cpu_gib", "polling_gib", "preempted", "busy")


def workload(name, title, upstream, run, metrics=REQUESTS, most=None):
    """most: CPUs, of a load that keeps no more of them busy."""
    made = Workload(name, title, upstream, run, (), metrics, (metrics[0], metrics[1]))
    made.most = most
    return made


WORKLOADS = [
    workload("http-64", "HTTP keep-alive, 64 connections, per request", "http",
             lambda loads, target: loads.http(target, 64)),
    workload("paced-64", f"{PACE:,} messages of 64 B a second at times fixed in advance, "
             "64 connections, per message", "echo",
             lambda loads, target: loads.paced(target, 64, 64, PACE), PACED),
    workload("pingpong-1", "ping-pong of 64 B, 1 connection, per message", "echo",
             lambda loads, target: loads.pingpong(target, 64, 1), most=2),
    workload("bulk-8", "bulk, 8 downloads", "pour", lambda loads, target: loads.drain(target, 8),
             BYTES),
    workload("churn", "HTTP, a connection per request, 64 at once, per connection", "http",
             lambda loads, target: loads.http(target, 64, close=True)),
    workload("http-1000", "HTTP keep-alive, 1,000 connections, per request", "http",
             lambda loads, target: loads.http(target, 1000)),
    workload("bulk-1", "bulk, 1 download", "pour", lambda loads, target: loads.drain(target, 1),
             BYTES, most=2),
]


def polling_threads(pid):
    """The kernel's threads among a process's own."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/comm") as comm:
                if comm.read().startswith("iou-sqp"):
                    yield int(thread)
        except OSError:
            continue


def thread_ns(pid, thread):
    """Its CPU time; the clock of a thread is its own process's alone."""
    with open(f"/proc/{pid}/task/{thread}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    ticks = (int(fields[11]) + int(fields[12])) * machine.TICK_NS
    try:
        with open(f"/proc/{pid}/task/{thread}/schedstat") as schedstat:
            return int(schedstat.read().split()[0]) or ticks
    except OSError:
        return ticks


def preempted(pid, thread):
    with open(f"/proc/{pid}/task/{thread}/status") as status:
        return sum(int(line.split()[1]) for line in status
                   if line.startswith("nonvoluntary_ctxt_switches"))


def busy_ticks(cpus):
    with open("/proc/stat") as stat:
        lines = [line.split() for line in stat if line.startswith("cpu")]
    return sum(sum(int(words[i]) for i in (1, 2, 3, 6, 7)) for words in lines
               if words[0] in {f"cpu{cpu}" for cpu in cpus})


class ScaleWindow(Window):
    """Also what of it was polling, and whether the load's own CPUs were the limit."""

    def __init__(self, proxy, others, load_cpus):
        super().__init__(proxy, others)
        self.load_cpus = load_cpus

    def _more(self):
        threads = list(polling_threads(self.proxy)) if self.proxy else []
        return (sum(thread_ns(self.proxy, thread) for thread in threads),
                sum(preempted(self.proxy, thread) for thread in threads),
                busy_ticks(self.load_cpus) * machine.TICK_NS)

    def start(self):
        self.more = self._more()
        return super().start()

    def stop(self):
        super().stop()
        self.polling_ns, self.preempted, self.load_ns = (
            after - before for after, before in zip(self._more(), self.more))
        return self


class ScaleTarget(Target):
    load_cpus = ()

    def window(self, *loads):
        plain = super().window(*loads)
        self.last = ScaleWindow(plain.proxy, plain.others, self.load_cpus)
        return self.last


def cores():
    """The usable CPUs, those that share a core together."""
    usable, found = set(os.sched_getaffinity(0)), {}
    for cpu in sorted(usable):
        try:
            with open(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") as file:
                found.setdefault(file.read().strip(), []).append(cpu)
        except OSError:
            found[cpu] = [cpu]
    return list(found.values())


def in_turn(groups):
    """One CPU of each core, then the second of each, ..."""
    return [group[i] for i in range(max(map(len, groups))) for group in groups if i < len(group)]


def too_long(*_):
    raise Failed("it came to a stand")


class ScaleBench(Bench):
    def __init__(self, given, directory, tools, own, other):
        given.unpinned, given.retries, given.patience = True, 0, 0
        super().__init__(given, directory, tools)
        self.load_cpus, self.busy_cpus = set(other), set(other) - set(own) or set(other)
        self.loads = Loads(tools, directory, self.load_cpus, given.seconds,
                           max(1, len(other) // 2))
        os.sched_setaffinity(0, self.load_cpus)

    def start_upstream(self, kind):
        if kind != "http":
            return super().start_upstream(kind)
        port = machine.free_port()
        argv = peers.nginx_http(self.directory, port, max(1, len(self.load_cpus) // 2))
        return port, self.start("upstream-http", argv, port, self.load_cpus)

    def start_column(self, workload, column, upstream_port, upstream, kind=Process):
        plain = super().start_column(workload, column, upstream_port, upstream, kind)
        target = ScaleTarget(plain.port, plain.process, upstream_port, upstream)
        target.load_cpus = self.busy_cpus
        if column.daemon:
            column.said = chosen_mode(plain.process.log) or column.said
        return target

    def measure(self, workload, column, target):
        signal.signal(signal.SIGALRM, too_long)
        signal.alarm(self.given.seconds + PATIENCE)
        try:
            result = super().measure(workload, column, target)
        finally:
            signal.alarm(0)
        window = target.last
        result["busy"] = 100 * window.load_ns / window.elapsed_ns / len(self.busy_cpus)
        if target.process and column.daemon:
            result["preempted"] = window.preempted * 1e9 / window.elapsed_ns
            units = result.get("units") or result["count"]
            result["polling"] = window.polling_ns / 1000 / units
            result["polling_gib"] = window.polling_ns / 1e9 / units
        return result


def chosen_mode(log):
    """What it says at its start of workers and polling threads."""
    with open(log, errors="replace") as lines:
        return " / ".join(line.strip() for line in lines if "sqpoll" in line)


def columns_for(given, own, count):
    """All that is compared on so many CPUs."""
    cpus, half = own[:count], count // 2
    listed = lambda some: ",".join(map(str, some))
    daemon = lambda name, **keys: peers.daemon(given.binary, f"{name}-{count}", keys, set(cpus))
    yield daemon("off", workers=str(count), sqpoll="off", cpus=listed(cpus))
    if half:
        yield daemon("on", workers=str(half), sqpoll="on", cpus=listed(cpus[:half]),
                     sqpoll_cpus=listed(cpus[half:]))
    if count > 1:
        yield daemon("auto", workers="auto", sqpoll="auto")
    if given.before and count >= 4:
        yield daemon("before", workers="auto", sqpoll="auto", binary=given.before)
    yield peers.Peer(f"haproxy-{count}", peers.haproxy(threads=count), program="/usr/sbin/haproxy",
                     help=f"nbthread {count}", cpus=set(cpus))
    if count == given.cpus[0]:
        yield peers.Peer("haproxy-splice-1", peers.haproxy("splice-request", "splice-response"),
                         program="/usr/sbin/haproxy", help="splice forced", cpus=set(own[:1]))
    yield peers.Peer(f"nginx-{count}", peers.nginx_stream("16k", count),
                     program="/usr/lib/nginx/modules/ngx_stream_module.so",
                     help=f"worker_processes {count}, reuseport, proxy_buffer_size 16k",
                     cpus=set(cpus))


def choose_columns(given, own, workload):
    found = [peers.Peer("direct", None, help="no proxy at all")]
    for count in given.cpus:
        if count <= (workload.most or count):
            found += [each for each in columns_for(given, own, count)
                      if "splice" not in each.name or workload.metrics == BYTES]
    for each in found:
        each.said = ""
    if given.column:
        found = [each for each in found if each.name.partition("-")[0] in given.column]
    return [each for each in found if not each.program or os.path.exists(each.program)]


def efficiency_table(results, metric, counts):
    """The rate on so many CPUs to as many times that on the fewest on which it ran."""
    families, lines = {}, []
    for name in results["columns"]:
        family, _, count = name.rpartition("-")
        if count.isdigit():
            families.setdefault(family, {})[int(count)] = report.values(results, name, metric)
    for family, columns in families.items():
        known = {count: median(numbers) for count, numbers in columns.items() if numbers}
        if len(known) > 1:
            least = min(known)
            cells = [f"{known[count] * least / (known[least] * count):.0%}" if count in known
                     else "–" for count in counts]
            lines.append(f"| {family} | " + " | ".join(cells) + " |")
    if not lines:
        return ""
    return "\n".join(["Rate for each CPU, of that on the fewest:", "",
                      "| CPUs | " + " | ".join(map(str, counts)) + " |",
                      "|---" * (len(counts) + 1) + "|", *lines, ""])


def markdown(about, measured, counts):
    parts = [f"# uringproxy on 1 to {max(counts)} CPUs\n\n{about['date']}, Linux "
             f"{about['kernel']}, {about['cpus']} CPUs ({about['cpu']}); up to {about['rounds']} "
             f"interleaved rounds of {about['seconds']} s; {about['placing']}; congestion control "
             f"{about['congestion']}; {about['versions']}.\n\nMedian (min–max).\n"]
    for name, results in measured.items():
        parts.append(report.workload_table(name, {**results, "compared": ()}))
        if not results["most"] and results["metrics"] is not PACED:
            parts.append(efficiency_table(results, results["metrics"][0], counts))
    said = "".join(f"- {name}: {text}\n" for name, text in about["said"].items() if text)
    return "\n".join(parts) + "\nWhat the daemon said of itself:\n\n" + said


def save(given, about, measured):
    os.makedirs(given.output, exist_ok=True)
    with open(os.path.join(given.output, "scale.json"), "w") as file:
        json.dump({"about": about, "workloads": measured}, file, indent=1)
    with open(os.path.join(given.output, "scale.md"), "w") as file:
        file.write(markdown(about, measured, given.cpus))


def version(*argv):
    try:
        said = machine.subprocess.run(argv, capture_output=True, text=True, timeout=10)
        return (said.stdout + said.stderr).splitlines()[0].strip()
    except (OSError, IndexError, machine.subprocess.TimeoutExpired):
        return f"no {os.path.basename(argv[0])}"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--cpus", default="1,2,4,8", help="numbers of them, for a proxy (default 1,2,4,8, as far "
        "as they go)")
    add("--shared", action="store_true", help="with the load on the same CPUs: to try it out, the "
        "figures mean nothing")
    add("--workload", "-w", default="", help="only those that begin so")
    add("--column", "-c", action="append", help="only off, on, auto, haproxy, nginx or direct; "
        "may be repeated")
    add("--rounds", "-n", type=int, default=3)
    add("--seconds", "-s", type=int, default=1, help="of each measurement, default 1")
    add("--before", metavar="PROGRAM", help="an earlier build of the daemon beside auto, on four "
        "CPUs and more")
    add("--limit", type=float, default=float("inf"), metavar="SECONDS",
        help="begin no workload after so long")
    add("--congestion", default="cubic")
    add("--build", default=os.path.join(ROOT, "build/release"), help="where the programs are")
    add("--output", "-o", default=os.path.join(ROOT, "build/bench"))
    given = parser.parse_args()
    given.build = os.path.abspath(given.build)
    given.binary = os.path.join(given.build, "uringproxy")
    given.before = given.before and os.path.abspath(given.before)
    given.cpus = sorted({int(word) for word in given.cpus.split(",")})
    return given


def placing(given):
    """The CPUs of the proxy, the first to be used first, and those of everything else."""
    groups = cores()
    every = in_turn(groups)
    own = every if given.shared else in_turn(groups[:len(groups) // 2]) if groups[1:] else []
    given.cpus = [count for count in given.cpus if 0 < count <= len(own)]
    if not given.cpus:
        sys.exit("scale: too few cores to leave some to the load; --shared tries it out")
    return own, every if given.shared else sorted(set(every) - set(own))


def main():
    began = time.monotonic()
    given = arguments()
    private = enter_namespace()
    if private:
        machine.prepare_loopback(given.congestion)
    machine.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped
    own, other = placing(given)
    about = {**machine.description(), "rounds": given.rounds, "seconds": given.seconds,
             "congestion": machine.congestion_control(), "said": {},
             "placing": f"proxies on CPUs {own}, load and servers on {other}; CPUs that share a "
             f"core: {[group for group in cores() if len(group) > 1] or 'none'}",
             "versions": ", ".join((version("/usr/sbin/haproxy", "-v"),
                                    version("/usr/sbin/nginx", "-v"),
                                    version("/usr/bin/wrk", "-v")))}
    measured = {}
    with tempfile.TemporaryDirectory(prefix="uringproxy-bench-") as directory:
        os.chmod(directory, 0o755)
        bench = ScaleBench(given, directory, os.path.join(given.build, "tests/bench"), own, other)
        for workload in WORKLOADS:
            if not workload.name.startswith(given.workload) or \
                    time.monotonic() - began > given.limit:
                continue
            columns = choose_columns(given, own, workload)
            measured[workload.name] = {**bench.run(workload, columns), "most": workload.most}
            about["said"].update((each.name, each.said) for each in columns if each.daemon)
            save(given, about, measured)
    print("\n" + markdown(about, measured, given.cpus))
    return any("failed" in each for results in measured.values()
               for rounds in results["columns"].values() for each in rounds)


if __name__ == "__main__":
    sys.exit(main())
