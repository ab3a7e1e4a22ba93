"""The load generators: each puts its load on a port and returns what came of it."""

import json
import os
import signal
import socket
import struct
import subprocess
import time
from statistics import median

import knocks
import rates
import scrapes
import shortage
import timeouts
from machine import Failed, Process, Window, kernel_bytes, loopback_sockets, rss_bytes, set_sysctl
from peers import write

WRK_SCRIPT = """
done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format(
        '{"count": %d, "rate": %.1f, "p50": %.2f, "p99": %.2f, "p999": %.2f, "errors": %d}\\n',
        summary.requests, summary.requests * 1e6 / summary.duration,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
        e.connect + e.read + e.write + e.status + e.timeout))
end
"""
REQUEST = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
GIB = 1 << 30


class Target:
    """A running proxy or echo server, and what stands behind it."""

    def __init__(self, port, process, upstream_port, upstream):
        self.port, self.process = port, process
        self.upstream_port, self.upstream = upstream_port, upstream

    def window(self, *loads):
        others = [load.pid for load in loads]
        if self.upstream:
            others.append(self.upstream.pid)
        return Window(self.process and self.process.pid, others)


class Loads:
    def __init__(self, tools, directory, cpus, seconds, threads=1):
        self.tools, self.directory, self.cpus, self.seconds = tools, directory, cpus, seconds
        self.threads = threads  # of wrk
        self.script = write(directory, "wrk.lua", WRK_SCRIPT)
        self.capacity = {}  # of the first that was asked, by kind of load

    def _start(self, *argv, stdin=subprocess.DEVNULL, before=None):
        argv = [str(word) for word in argv]
        if not argv[0].startswith("/"):
            argv[0] = f"{self.tools}/{argv[0]}"
        log = os.path.join(self.directory, os.path.basename(argv[0]) + ".log")
        open(log, "w").close()
        return Process(argv, log, self.cpus, stdout=subprocess.PIPE, stdin=stdin, before=before)

    def _finish(self, load, patience):
        """All that it prints, once it ended well."""
        try:
            output, _ = load.popen.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"{os.path.basename(load.argv[0])} did not end in {patience} s") from None
        finally:
            load.stop()
        if load.popen.returncode:
            raise Failed(load.complaint() + " " + output.decode(errors="replace")[-300:])
        return output.decode()

    def _line(self, load):
        line = load.popen.stdout.readline().decode()
        if not line:
            load.popen.wait()
            raise Failed(load.complaint())
        return line

    @staticmethod
    def _per_unit(result, window, units):
        """What a unit of what was counted took; result["units"] are all that were done."""
        if not units:
            raise Failed("nothing was done in the whole time")
        result.update(cpu=window.cpu_ns / 1000 / units, machine=window.busy_ns / 1000 / units,
                      foreign=window.foreign())
        return result

    def http(self, target, connections, close=False):
        """wrk: requests on kept connections, or each on a new one."""
        headers = ["-H", "Connection: close"] if close else []
        window = target.window().start()
        load = self._start(
            "/usr/bin/wrk", f"-t{self.threads}", f"-c{connections}", f"-d{self.seconds}s",
            "--latency", "-s", self.script, *headers, f"http://127.0.0.1:{target.port}/")
        output = self._finish(load, self.seconds + 20)
        window.stop()
        result = json.loads(output.strip().splitlines()[-1])
        result["units"] = result["count"]
        return self._per_unit(result, window, result["count"])

    def pick(self, target, servers):
        """What choosing one of so many servers costs, in each way; the daemon has no part in it."""
        window = target.window().start()
        output = self._finish(self._start("bench_pool", servers), 60)
        window.stop()
        said = [json.loads(line) for line in output.splitlines()]
        return {**{each["balance"]: each["ns"] for each in said},
                **{worst: max(each[worst] for each in said)
                   for worst in ("cold_ns", "nobody_ns", "roster_us")},
                "foreign": window.foreign()}

    def decide(self, target, entries):
        """What a client costs where a table of so many is in use; the daemon has no part in it."""
        window = target.window().start()
        output = self._finish(self._start("bench_clients", entries), 60)
        window.stop()
        return {**json.loads(output), "foreign": window.foreign()}

    def look_up(self, target, family, lines):
        """What a list of so many addresses costs; the daemon has no part in it."""
        window = target.window().start()
        output = self._finish(self._start("bench_lists", family, lines), 120)
        window.stop()
        return {**json.loads(output), "foreign": window.foreign()}

    def refused(self, target):
        return knocks.measure(self, target)

    def route(self, target, names):
        """What finding a client's route by its name costs; the daemon has no part in it."""
        window = target.window().start()
        said = json.loads(self._finish(self._start("bench_routes", names), 60))
        window.stop()
        return {**said, "foreign": window.foreign()}

    def pingpong(self, target, size, connections, seconds=None):
        return self._messages(target, "bench_pingpong", target.port, size, connections,
                              seconds or self.seconds)

    def openloop(self, target, kind, size, connections, part):
        """
        Messages at times fixed in advance, at a part, in per cent, of the rate at which a
        closed loop of the same kind went through the first column in this run.
        """
        if kind not in self.capacity:
            self.capacity[kind] = median(self.pingpong(target, size, connections, 1)["rate"]
                                         for _ in range(3))
        return self.paced(target, size, connections, int(self.capacity[kind] * part / 100))

    def paced(self, target, size, connections, rate):
        """So many messages a second, at times fixed in advance."""
        return self._messages(target, "bench_openloop", target.port, size, connections, rate,
                              self.seconds)

    def _messages(self, target, *argv):
        return self._timed(target, self._start(*argv))

    def _timed(self, target, load):
        try:
            self._line(load)  # warmed up
            window = target.window(load).start()
            result = json.loads(self._line(load))  # what it counted ended just now
            window.stop()
            self._finish(load, 10)
        finally:
            load.stop()
        if "all" in result:
            result["units"] = result.pop("all")
        return self._per_unit(result, window, result["count"])

    def bulk(self, target, streams, way):
        """iperf3: way is "up" (client to server), "down" or "both"."""
        options = {"up": [], "down": ["-R"], "both": ["--bidir"]}[way]
        for attempt in range(3):  # its server takes a moment to be free for the next test
            window = target.window().start()
            try:
                output = self._finish(self._start(
                    "/usr/bin/iperf3", "-c", "127.0.0.1", "-p", target.port, "-J", "-t",
                    self.seconds, "-P", streams, *options), self.seconds + 20)
                break
            except Failed as failure:
                if attempt == 2 or "busy" not in str(failure):
                    raise
                time.sleep(0.5)
        window.stop()
        said = json.loads(output)
        end = said["end"]
        if "sum_received" not in end:
            raise Failed(f"iperf3: {said.get('error', 'no sums')}")
        sums = [end["sum_received"]]
        if way == "both":
            sums.append(end["sum_received_bidir_reverse"])
        moved = sum(each["bytes"] for each in sums)
        if not moved:
            raise Failed("iperf3 moved nothing")
        return {"gbit": sum(each["bits_per_second"] for each in sums) / 1e9,
                "cpu_gib": window.cpu_ns / 1e9 / (moved / GIB),
                "machine_gib": window.busy_ns / 1e9 / (moved / GIB), "foreign": window.foreign(),
                "units": moved / GIB}

    def hold(self, target, count, text):
        """Open so many connections that do nothing; ends when its stdin is closed."""
        load = self._start("bench_idle", target.port, count, text, stdin=subprocess.PIPE)
        try:
            self._line(load)
        except Failed:
            load.stop()
            raise
        return load

    def release(self, load):
        load.popen.stdin.close()
        load.popen.stdin = None
        self._finish(load, 20)

    def idle(self, target, count):
        """
        Memory of connections that do nothing, beyond what one connection has left behind.
        What those of another proxy have left goes meanwhile, or this one would seem to need
        less: so none of them stays in TIME_WAIT.
        """
        waiting = set_sysctl("tcp_max_tw_buckets", "0")
        try:
            return self._idle(target, count)
        finally:
            settle(20)
            if waiting is not None:
                set_sysctl("tcp_max_tw_buckets", waiting)

    def _idle(self, target, count):
        self.release(self.hold(target, 1, "x"))
        settle(70)
        before = rss_bytes(target.process.pid), kernel_bytes()
        window = target.window().start()
        load = self.hold(target, count, "x")
        try:
            settle()
            after = rss_bytes(target.process.pid), kernel_bytes()
            window.stop()
        finally:
            self.release(load)
        return {"rss": (after[0] - before[0]) / 1024 / count,
                "kernel": (after[1] - before[1]) / 1024 / count, "foreign": window.foreign()}

    def ending(self, target, few, many):
        """
        What a connection's end costs beside so many others that are idle, and how long it
        takes to stop with all of them: two SIGTERM, as of an operator without patience.
        """
        alone = self._ends(target, few)
        load = self.hold(target, many, "x")
        try:
            beside = self._resets(target)
            began = time.monotonic()
            for _ in range(2):
                os.kill(target.process.pid, signal.SIGTERM)
                time.sleep(0.2)
            try:
                target.process.popen.wait(timeout=60)
            except subprocess.TimeoutExpired:
                raise Failed("it does not stop") from None
            stop = time.monotonic() - began - 0.2  # since the second
        finally:
            load.stop()
        return {"end": beside["cpu"], "end_few": alone["cpu"],
                "growth": beside["cpu"] / alone["cpu"], "stop": max(stop, 0),
                "foreign": max(alone["foreign"], beside["foreign"])}

    def _ends(self, target, count):
        load = self.hold(target, count, "x")
        try:
            return self._resets(target)
        finally:
            self.release(load)

    def _resets(self, target, count=400):
        """The proxy's CPU for each of so many connections that their clients reset."""
        clients = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", target.port), 10)
            client.sendall(b"x")
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            clients.append(client)
        settle()
        window = target.window().start()
        for client in clients:
            client.close()
            time.sleep(0.001)
        time.sleep(0.3)
        window.stop()
        return self._per_unit({}, window, count)

    def http_beside_idle(self, target, connections, idle):
        """The same load without and with idle connections: what the idle ones cost."""
        alone = self.http(target, connections)
        load = self.hold(target, idle, REQUEST)
        try:
            beside = self.http(target, connections)
        finally:
            self.release(load)
        return {**beside, "cpu_alone": alone["cpu"], "growth": beside["cpu"] / alone["cpu"],
                "foreign": max(alone["foreign"], beside["foreign"])}

    def http_beside_scrapes(self, target, connections):
        """The same load while nobody asks for metrics, and while somebody does."""
        alone = self.http(target, connections)
        with scrapes.Scraper(target.port + 1, self.cpus) as scraper:
            beside = self.http(target, connections)
        if scraper.answers < self.seconds:
            raise Failed(f"metrics were answered only {scraper.answers} times")
        return {**beside, "cpu_alone": alone["cpu"], "growth": beside["cpu"] / alone["cpu"],
                "kept": beside["rate"] / alone["rate"], "p99_alone": alone["p99"],
                "slower": beside["p99"] / alone["p99"],
                "foreign": max(alone["foreign"], beside["foreign"])}

    def _read(self, target):
        load = self._start("bench_pour", "read", target.port, self.seconds)
        return json.loads(self._finish(load, self.seconds + 20))

    def beside_bulk(self, target, count):
        """One small message at a time, while so many downloads flow."""
        drain = self._start("bench_pour", "drain", target.port, self.seconds + 1, count)
        load = None
        try:
            self._line(drain)  # all of them flow
            load = self._start("bench_pingpong", target.port, 64, 1, self.seconds)
            self._line(load)  # warmed up
            window = target.window(load, drain).start()
            result = json.loads(self._line(load))
            window.stop()
            self._finish(load, 10)
            bulk = json.loads(self._finish(drain, self.seconds + 20))
        finally:
            for each in (load, drain):
                if each:
                    each.stop()
        moved = bulk["gbit"] * 1e9 / 8 * window.elapsed_ns / 1e9 / GIB
        return {"p50": result["p50"], "p99": result["p99"], "p999": result["p999"],
                "gbit": bulk["gbit"], "cpu_gib": window.cpu_ns / 1e9 / moved,
                "foreign": window.foreign()}

    def drain(self, target, count):
        """So many downloads, between two ends that copy nothing."""
        load = self._start("bench_pour", "drain", target.port, self.seconds, count)
        try:
            self._line(load)  # all of them flow
            window = target.window(load).start()
            result = json.loads(self._line(load))
            window.stop()
            self._finish(load, 10)
        finally:
            load.stop()
        moved = result["bytes"] / GIB
        if not moved:
            raise Failed("nothing was moved in the whole time")
        return {"gbit": result["gbit"], "cpu_gib": window.cpu_ns / 1e9 / moved,
                "machine_gib": window.busy_ns / 1e9 / moved, "foreign": window.foreign(),
                "units": moved}

    def rates(self, target):
        window = target.window().start()
        try:
            result = rates.measure(self.seconds, target.port, target.upstream_port)
        except OSError as error:
            raise Failed(str(error)) from None
        window.stop()
        return {**result, "foreign": window.foreign()}

    def timeouts(self, target):
        window = target.window().start()
        try:
            result = timeouts.measure(self.seconds, target.port, target.upstream_port)
        except OSError as error:
            raise Failed(str(error)) from None
        window.stop()
        return {**result, "foreign": window.foreign()}

    def shortage(self, target, kind):
        argv = ["bench_openloop", target.port, 64, 4, 1000, self.seconds, "wait"]
        alone, beside = (self._start(*argv, stdin=subprocess.PIPE) for _ in range(2))
        try:
            for load in (alone, beside):
                self._line(load)  # before anything is short
            return shortage.measure(self, target, kind, lambda: self._innocent(target, alone),
                                    lambda: self._innocent(target, beside))
        except OSError as error:
            raise Failed(str(error)) from None
        finally:
            alone.stop()
            beside.stop()

    def _innocent(self, target, load):
        """Its latencies, and the proxy's CPU meanwhile as a part of one."""
        load.popen.stdin.write(b"\n")
        load.popen.stdin.flush()
        result = self._timed(target, load)
        return {**result, "part": result["cpu"] * result["count"] / 1e6 / self.seconds}

    def stalled(self, target, count, mib=0):
        """One honest reader alone, then beside others that read so much, and then no more."""
        window = target.window().start()
        alone = self._read(target)
        stalled = self._start("bench_pour", "stall", target.port, count, mib,
                              stdin=subprocess.PIPE)
        try:
            self._line(stalled)
            settle()
            known = own_sockets(target)
            beside = self._read(target)
            waiting = sum(unsent + unread for local, remote, _, unsent, unread
                          in loopback_sockets() if (local, remote) in known)
        finally:
            self.release(stalled)
        window.stop()
        poured = []
        while len(poured) < count:  # readers that ended come first
            line = target.upstream.popen.stdout.readline().decode()
            if not line:
                raise Failed(target.upstream.complaint())
            if line.startswith("s "):
                poured.append(int(line.split()[1]))
        return {"gbit": beside["gbit"], "alone_gbit": alone["gbit"],
                "kept": beside["gbit"] / alone["gbit"],
                "queued": (sum(poured) - waiting) / 1024 / count - mib * 1024,
                "foreign": window.foreign()}


def own_sockets(target):
    """The ends of all connections to a proxy and from it to its upstream."""
    ports = {target.port, target.upstream_port}
    return {(local, remote) for local, remote, state, _, _ in loopback_sockets()
            if state == 1 and (local in ports or remote in ports)}


def settle(patience=3.0):
    """Until no more bytes move through the sockets and the kernel's memory stands still."""
    until = time.monotonic() + patience
    last = None
    still = 0
    while time.monotonic() < until and still < 3:
        now = (sorted(loopback_sockets()), kernel_bytes() >> 18)
        still = still + 1 if now == last else 0
        last = now
        time.sleep(0.2)
