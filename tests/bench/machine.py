"""The machine: processes and the CPU and memory they use, loopback, packages."""

import ctypes
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A measurement that could not be made; the text says why."""


class Process:
    """
    A program in a session of its own, gone when this program is, on the given CPUs.
    before: called in it before it is executed.
    """

    def __init__(self, argv, log, cpus=None, stdout=None, stdin=subprocess.DEVNULL, before=None):
        self.argv = argv
        self.log = log

        def prepare():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if cpus:
                os.sched_setaffinity(0, cpus)
            if before:
                before()

        with open(log, "ab") as errors:
            self.popen = subprocess.Popen(argv, stdin=stdin, stdout=stdout or errors,
                                          stderr=errors, preexec_fn=prepare,
                                          start_new_session=True)
        self.pid = self.popen.pid

    def complaint(self):
        """The end of what it wrote."""
        with open(self.log, errors="replace") as log:
            lines = [line.strip() for line in log if line.strip()]
        return f"{os.path.basename(self.argv[0])}: " + (" / ".join(lines[-3:]) or "said nothing")

    def stop(self, hows=(signal.SIGTERM, signal.SIGKILL)):
        """End it and what it started: politely first."""
        for how in hows:
            try:
                os.killpg(self.pid, how)
            except ProcessLookupError:
                pass
            try:
                self.popen.wait(timeout=5)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream:
                stream.close()


class Counted(Process):
    """
    A program in callgrind, which counts its instructions in user space and its system
    calls.  It runs some fifty times slower, one thread at a time.
    """

    EVENTS = ("Ir", "sysCount")

    def __init__(self, argv, log, cpus=None, **options):
        self.directory = tempfile.mkdtemp(dir=os.path.dirname(log))
        super().__init__(["valgrind", "--tool=callgrind", "--collect-systime=yes",
                          f"--vgdb-prefix={self.directory}/vgdb",
                          f"--callgrind-out-file={self.directory}/out", *argv], log, cpus,
                         **options)

    def stop(self):
        super().stop((signal.SIGKILL,))  # a signal that is polite does not get through to signalfd

    def _tell(self, word):
        told = subprocess.run(["vgdb", f"--pid={self.pid}", f"--vgdb-prefix={self.directory}/vgdb",
                               word], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if told.returncode:
            raise Failed("vgdb: " + told.stdout.decode(errors="replace").strip())

    def begin(self):
        self._tell("zero")

    def end(self):
        """Since it began: (instructions, system calls)."""
        self._tell("dump")
        newest = max((os.path.join(self.directory, name) for name in os.listdir(self.directory)
                      if name.startswith("out.")), key=lambda path: int(path.rpartition(".")[2]))
        with open(newest) as dump:
            words = dict(line.split(":", 1) for line in dump
                         if line.startswith(("events:", "totals:")))
        os.unlink(newest)
        totals = dict(zip(words["events"].split(), map(int, words["totals"].split())))
        return tuple(totals[event] for event in self.EVENTS)


def family(pid):
    """A process and everything it started that still runs."""
    found = [pid]
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                for child in children.read().split():
                    found += family(int(child))
    except OSError:
        pass
    return found


def cpu_ns(pid):
    """
    CPU time of a process with all its threads, also those that ended: its
    workers, and the kernel's threads of its rings (iou-sqp, iou-wrk), which
    belong to the process.  That is the process's own CPU clock, in nanoseconds;
    children that ended are added from /proc in ticks.
    """
    total = 0
    for member in family(pid):
        try:
            total += time.clock_gettime_ns((~member << 3) | 2)
            with open(f"/proc/{member}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += (int(fields[13]) + int(fields[14])) * TICK_NS
        except (OSError, ValueError):
            continue
    return total


def machine_busy_ns():
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq = map(int, stat.readline().split()[1:8])
    return (user + nice + system + irq + softirq) * TICK_NS


def own_cpu_ns():
    """This program and the loads that it has started and waited for."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return int(total * 1e9)


class Window:
    """What was used between start and stop, by the proxy and by the whole machine."""

    def __init__(self, proxy, others):
        self.proxy, self.others = proxy, others
        self.cpu_ns = self.busy_ns = self.foreign_ns = self.elapsed_ns = 0

    def _now(self):
        proxy = cpu_ns(self.proxy) if self.proxy else 0
        return (time.monotonic_ns(), proxy, machine_busy_ns(),
                own_cpu_ns() + sum(cpu_ns(other) for other in self.others))

    def start(self):
        self.began = self._now()
        return self

    def stop(self):
        ended = self._now()
        self.elapsed_ns, self.cpu_ns, self.busy_ns, ours = (
            after - before for after, before in zip(ended, self.began))
        self.foreign_ns = max(0, self.busy_ns - self.cpu_ns - ours)
        return self

    def foreign(self):
        """The part of the whole machine that was used by others."""
        return self.foreign_ns / (self.elapsed_ns * os.cpu_count())


def wait_quiet(patience, limit):
    """Until others use less than that part of the machine; patience in seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        window = Window(None, []).start()
        time.sleep(0.5)
        if window.stop().foreign() < limit:
            return


def rss_bytes(pid):
    total = 0
    for member in family(pid):
        with open(f"/proc/{member}/statm") as statm:
            total += int(statm.read().split()[1]) * resource.getpagesize()
    return total


def kernel_bytes():
    """What the kernel holds that is not page cache: slabs, stacks and page tables."""
    wanted = ("SUnreclaim:", "KernelStack:", "PageTables:")
    with open("/proc/meminfo") as meminfo:
        return sum(int(line.split()[1]) * 1024 for line in meminfo if line.split()[0] in wanted)


def loopback_sockets():
    """Every IPv4 TCP socket: (local port, remote port, state, bytes unsent, bytes unread)."""
    with open("/proc/self/net/tcp") as table:
        next(table)
        for line in table:
            fields = line.split()
            unsent, unread = fields[4].split(":")
            yield (int(fields[1].split(":")[1], 16), int(fields[2].split(":")[1], 16),
                   int(fields[3], 16), int(unsent, 16), int(unread, 16))


TCP_LISTEN = 10


def wait_listening(process, port, patience=30):
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if any(local == port and state == TCP_LISTEN
               for local, _, state, _, _ in loopback_sockets()):
            return
        if process.popen.poll() is not None:
            raise Failed(process.complaint())
        time.sleep(0.01)
    raise Failed(f"nothing listens on port {port} after {patience} s: {process.complaint()}")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port(count=1):
    """The first of so many that no outgoing connection is given: below ip_local_port_range."""
    for _ in range(1000):
        port = random.randrange(10000, 15000 - count)
        if all(is_free(port + i) for i in range(count)):
            return port
    raise Failed("no free port from 10000 to 14999")


PORT_RANGE = "15000 64999"


def prepare_loopback(congestion):
    """
    In our own network namespace: loopback up, one congestion control for all, many ports,
    and an address whose packets are lost.
    """
    run = lambda *argv: subprocess.run(argv, check=True)
    run("ip", "link", "set", "lo", "up")
    for route in ("127.0.0.0/8", "127.0.0.1"):
        run("ip", "route", "change", "local", route, "dev", "lo", "table", "local", "proto",
            "kernel", "scope", "host", "src", "127.0.0.1", "congctl", congestion)
    run("ip", "route", "add", "192.0.2.1", "dev", "lo", "src", "127.0.0.1")
    set_sysctl("ip_local_port_range", PORT_RANGE)  # the usual 28,232 ports do, too


def set_sysctl(name, value):
    """Of IPv4, in our own namespace; what it was, or None where that is refused."""
    path = f"/proc/sys/net/ipv4/{name}"
    try:
        with open(path) as setting:
            before = setting.read().strip()
        with open(path, "w") as setting:  # not where reading has ended: that is ignored
            setting.write(value)
        return before
    except OSError:
        return None


def congestion_control():
    """What a connection over loopback has, at both ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            with accepted:
                names = {end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
                         .rstrip(b"\0").decode() for end in (client, accepted)}
    return "/".join(sorted(names))


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def install(packages):
    """Debian packages, without starting any service they bring."""
    policy = "/usr/sbin/policy-rc.d"
    ours = not os.path.exists(policy)
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    print("installing " + " ".join(packages), flush=True)
    if ours:
        with open(policy, "w") as script:
            script.write("#!/bin/sh\nexit 101\n")
        os.chmod(policy, 0o755)
    try:
        done = subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *packages],
                              env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
        return done.returncode == 0
    finally:
        if ours:
            os.unlink(policy)


def description():
    model = "unknown"
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"date": time.strftime("%Y-%m-%d %H:%M"), "kernel": os.uname().release,
            "cpu": model, "cpus": len(os.sched_getaffinity(0))}
