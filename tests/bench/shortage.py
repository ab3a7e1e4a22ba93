"""
Many clients wait because this machine is short of something, beside one who lacks nothing.

The daemon has two sections on one worker: the clients of "short" need what cannot be had,
and those of "innocent", connected before, send messages at times fixed in advance.  How
each thing is made scarce:

    ports        6,000 local ports, all of them taken by connections to one server
    backlog      a server on a unix socket that does not accept
    descriptors  that server accepts again, but no descriptor is free any more
    ENFILE ...   socket(2) fails for IPv6, which only the one server needs
"""

import ctypes
import errno
import os
import platform
import resource
import socket
import time

from machine import LIBC, PORT_RANGE, Failed, set_sysctl

PORTS = 2
FEW_PORTS, FEW_PORTS_RANGE = 6000, "15000 20999"
WAITING = {"ports": 2000, "backlog": 3000, "descriptors": 2000, "ENFILE": 2000,
           "ENOBUFS": 2000, "ENOMEM": 2000}
REFUSED = ("ENFILE", "ENOBUFS", "ENOMEM")
SPARE = 16  # another program may have one of the ports; who waits first gets what is left
SYS_SOCKET = {"x86_64": 41, "aarch64": 198, "riscv64": 198}
SETTLE = 2.5  # a line that waits for long tries once a second


def front(directory, port):
    return os.path.join(directory, f"short-{port}.sock")


def back(directory, port):
    return os.path.join(directory, f"full-{port}.sock")


def sections(kind):
    def write(directory, port, upstream, keys):
        server = {"ports": f"127.0.0.1:{port + 1}", "backlog": f"unix:{back(directory, port)}",
                  "descriptors": f"unix:{back(directory, port)}"}.get(kind, f"[::1]:{port + 1}")
        return [("proxy innocent", {**keys, "listen": f"127.0.0.1:{port}",
                                    "server": f"127.0.0.1:{upstream}"}),
                ("proxy short", {**keys, "listen": f"unix:{front(directory, port)}",
                                 "server": server, "connect_timeout": "10min"})]
    return lambda seconds: write


# ---- what the kernel refuses ----

class Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
                ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filters", ctypes.POINTER(Filter))]


def refuse(kind):
    """For a process before it executes the daemon: no IPv6 socket from now on, for that reason."""
    load, equal, give = 0x20, 0x15, 0x06
    allow, fail = 0x7fff0000, 0x00050000
    call = SYS_SOCKET.get(platform.machine())
    if kind not in REFUSED:
        return None

    def install():
        if call is None:
            os._exit(126)
        filters = (Filter * 6)(
            Filter(load, 0, 0, 0), Filter(equal, 0, 3, call),
            Filter(load, 0, 0, 16), Filter(equal, 0, 1, socket.AF_INET6),
            Filter(give, 0, 0, fail | getattr(errno, kind)), Filter(give, 0, 0, allow))
        program = Program(len(filters), filters)
        LIBC.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        if LIBC.prctl(22, 2, ctypes.byref(program), 0, 0) < 0:  # PR_SET_SECCOMP, a filter
            os._exit(126)
    return install


# ---- the crowd ----

class Crowd:
    def __init__(self, loads, target, kind):
        self.loads, self.target, self.kind = loads, target, kind
        self.clients, self.server, self.listener = [], None, None
        time.sleep(0.5)  # until those of before are closed

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.target.process.pid}/fd"))

    def connect(self, count):
        for _ in range(count):
            client = socket.socket(socket.AF_UNIX)
            client.connect(front(self.loads.directory, self.target.port))
            client.settimeout(10)
            self.clients.append(client)

    def hold(self, count):
        """So many that are served, each known to be."""
        self.connect(count)
        for client in self.clients:
            client.sendall(b"x")
        for client in self.clients:
            if client.recv(1) != b"x":
                raise Failed("one of those that are to take all ports is not served")

    def wait(self, count):
        """So many that the daemon has accepted, and that wait."""
        before = self.descriptors()
        self.connect(count)
        until = time.monotonic() + 20
        while self.descriptors() < before + count:
            if time.monotonic() > until:
                raise Failed(f"{count} clients are not accepted")
            time.sleep(0.05)

    def gather(self):
        if self.kind == "ports":
            self.server = self.loads._start("bench_echo", self.target.port + 1)
            time.sleep(0.2)
            if set_sysctl("ip_local_port_range", FEW_PORTS_RANGE) is None:
                raise Failed("the range of local ports cannot be set here")
            self.hold(FEW_PORTS - SPARE)
        if self.kind in ("backlog", "descriptors"):
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(back(self.loads.directory, self.target.port))
            self.listener.listen(4)
        self.wait(WAITING[self.kind])
        if self.kind == "descriptors":
            self.take_descriptors()
        time.sleep(SETTLE)

    def take_descriptors(self):
        """No number below the limit is free; and then somebody tries to get on."""
        pid = self.target.process.pid
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        limit = min(set(range(len(used) + 1)) - used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
        self.clients.append(self.listener.accept()[0])

    def disperse(self):
        for client in self.clients:
            client.close()
        if self.listener:
            self.listener.close()
        if self.server:
            self.server.stop()
        if self.kind == "ports":
            set_sysctl("ip_local_port_range", PORT_RANGE)


def measure(loads, target, kind, innocent_alone, innocent_beside):
    """What the innocent are called for gives their latencies, and the proxy's part of a CPU."""
    alone = innocent_alone()
    crowd = Crowd(loads, target, kind)
    try:
        crowd.gather()
        beside = innocent_beside()
    finally:
        crowd.disperse()
    return {"waiting": 100 * (beside["part"] - alone["part"]), "p50": beside["p50"],
            "p99": beside["p99"], "p50_alone": alone["p50"], "p99_alone": alone["p99"],
            "slower": beside["p99"] / alone["p99"], "late": beside["late"],
            "foreign": max(alone["foreign"], beside["foreign"])}
