"""
How late connections are ended by the daemon's timers, as those at both of their ends see it.

Connections of nine kinds begin one after the other at random times, beside others that are
busy, so that everybody's timers interleave on one worker.  This program is the clients and
the server; a connection is late by what passes between the moment at which its time was
over and the moment at which its end was seen.
"""

import heapq
import random
import selectors
import socket
import time
from statistics import median

NOWHERE = "192.0.2.1:80"  # where what is sent is lost: machine.prepare_loopback()
EACH = 13                 # of each kind
BUSY = 120
# In parts of the seconds that a measurement is to last.
IDLE, HALF, CONNECT, LIFETIME = 1.0, 0.7, 0.8, 1.3
PORTS = 4


def sections(seconds):
    """The daemon's, for peers.daemon(); on ports one after the other."""
    times = {"idle_timeout": IDLE, "half_close_timeout": HALF, "connect_timeout": CONNECT}
    proxied = {key: duration(part * seconds) for key, part in times.items()}

    def write(_directory, port, upstream, keys):
        listen = lambda number: {"listen": f"127.0.0.1:{port + number}"}
        server = {"server": f"127.0.0.1:{upstream}"}
        return [("proxy idle", {**keys, **proxied, **server, **listen(0)}),
                ("proxy nowhere", {**keys, **proxied, "server": NOWHERE, **listen(1)}),
                ("proxy old", {**keys, **server, **listen(2),
                               "max_lifetime": duration(LIFETIME * seconds)}),
                ("echo", {"idle_timeout": proxied["idle_timeout"], **listen(3)})]
    return write


def duration(seconds):
    return f"{seconds * 1000:.0f}ms"


def haproxy(seconds):
    """The same for HAProxy, which has no services and no lifetimes."""
    times = "".join(f"    timeout {name} {duration(part * seconds)}\n" for name, part in (
        ("client", IDLE), ("server", IDLE), ("connect", CONNECT), ("client-fin", HALF),
        ("server-fin", HALF)))

    def write(port, upstream):
        return f"""defaults
    mode tcp
    retries 0
{times}listen idle
    bind 127.0.0.1:{port} backlog 4096
    server s 127.0.0.1:{upstream}
listen nowhere
    bind 127.0.0.1:{port + 1} backlog 4096
    server s {NOWHERE}
"""
    return write


class End:
    """
    One end of a connection: until is when its time will be over, as far as is known.
    Without a kind it is not measured, and stays open when the other side ends.
    """

    def __init__(self, crowd, connection, kind):
        self.crowd, self.socket, self.kind = crowd, connection, kind
        self.until = self.late = None
        self.on_bytes = lambda data: None
        connection.setblocking(False)
        crowd.selector.register(connection, selectors.EVENT_READ, self)

    def give(self, seconds):
        """From now on its time is so long."""
        self.until = time.monotonic() + seconds

    def send(self, data):
        try:
            self.socket.send(data)
        except OSError:
            pass  # its end will be read

    def finish(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def ready(self):
        try:
            data = self.socket.recv(4096)
        except ConnectionError:
            data = b""
        if data:
            self.on_bytes(data)
            return
        self.crowd.selector.unregister(self.socket)
        if not self.kind:
            return  # it is kept open
        if self.until is not None:
            self.late = (time.monotonic() - self.until) * 1000
            self.crowd.ended.append(self)
        self.socket.close()


class Crowd:
    def __init__(self, seconds, port, server_port):
        self.idle, self.half = IDLE * seconds, HALF * seconds
        self.connect, self.lifetime = CONNECT * seconds, LIFETIME * seconds
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.random = random.Random(1)
        self.tasks, self.order = [], 0  # what is to be done when, a heap
        self.begun, self.ended, self.servers = [], [], []
        self.listener = socket.create_server(("127.0.0.1", server_port), backlog=1000)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    # ---- the server: an echo, which does not end when its client does ----

    def accept(self):
        connection, _ = self.listener.accept()
        end = End(self, connection, None)
        end.on_bytes = lambda data: self.answer(end, data)
        self.servers.append(end)

    def answer(self, end, data):
        end.send(data)
        if data == b"F":  # say the end, and see what becomes of it
            end.kind = "server-half"
            end.finish()
            end.give(self.half)
        if data == b"T":
            self.trickle(end, 4, self.half / 4)

    # ---- clients ----

    def after(self, seconds, act):
        self.order += 1
        heapq.heappush(self.tasks, (time.monotonic() + seconds, self.order, act))

    def trickle(self, end, times, pause):
        if times:
            self.after(pause, lambda: (end.send(b"t"), self.trickle(end, times - 1, pause)))

    def client(self, kind, number=0):
        end = End(self, socket.create_connection(("127.0.0.1", self.port + number), 10), kind)
        self.begun.append(end)
        return end

    def prod(self, end, seconds):
        """Every byte that comes gives it so long again; the first comes now."""
        end.on_bytes = lambda data: end.give(seconds)
        end.send(b"x")
        return end

    def begin_proxied(self):
        self.prod(self.client("idle"), self.idle)

    def begin_silent(self):
        self.client("silent").give(self.idle)

    def begin_trickling(self):
        self.trickle(self.prod(self.client("trickle"), self.idle), 4, self.idle / 4)

    def begin_client_half(self):
        end = self.client("client-half")
        end.on_bytes = lambda data: (end.finish(), end.give(self.half))
        end.send(b"x")

    def begin_server_half(self):
        """It is over when the server sees it: its client has seen all that there is."""
        self.client(None).send(b"F")

    def begin_half_trickling(self):
        end = self.client("half-trickle")
        end.on_bytes = lambda data: end.give(self.half)
        end.send(b"T")
        self.after(self.half / 8, end.finish)

    def begin_nowhere(self):
        self.client("connect", 1).give(self.connect)

    def begin_old(self):
        end = self.client("lifetime", 2)
        end.give(self.lifetime)
        self.keep_busy(end)

    def begin_service(self):
        self.prod(self.client("service", 3), self.idle)

    def begin_busy(self):
        self.keep_busy(self.client(None))

    def keep_busy(self, end):
        pause = self.random.uniform(0.02, 0.4) * self.idle
        if end.socket.fileno() >= 0:
            self.after(pause, lambda: (end.send(b"b"), self.keep_busy(end)))

    # ---- all of it ----

    def run(self, kinds):
        for begin in [self.begin_busy] * BUSY:
            self.after(self.random.uniform(0, self.idle / 4), begin)
        for begin in kinds * EACH:
            self.after(self.idle / 4 + self.random.uniform(0, self.idle), begin)
        expected = len(kinds) * EACH
        until = time.monotonic() + 8 * self.idle + 5
        while len(self.ended) < expected and time.monotonic() < until:
            now = time.monotonic()
            while self.tasks and self.tasks[0][0] <= now:
                heapq.heappop(self.tasks)[2]()
            wait = self.tasks[0][0] - time.monotonic() if self.tasks else 0.1
            for key, _ in self.selector.select(max(0, min(wait, 0.1))):
                key.data.ready() if key.data else self.accept()
        return expected - len(self.ended)

    def close(self):
        for end in self.begun + self.servers:
            end.socket.close()
        self.listener.close()
        self.selector.close()


def measure(seconds, port, server_port):
    """Earliest, median and latest in ms, of all kinds and of each; how many never ended."""
    crowd = Crowd(seconds, port, server_port)
    kinds = [crowd.begin_proxied, crowd.begin_silent, crowd.begin_trickling,
             crowd.begin_client_half, crowd.begin_server_half, crowd.begin_half_trickling,
             crowd.begin_nowhere]
    try:
        socket.create_connection(("127.0.0.1", port + 2), 10).close()
        kinds += [crowd.begin_old, crowd.begin_service]
    except ConnectionRefusedError:
        pass  # a peer has neither
    try:
        missing = crowd.run(kinds)
        lates = {}
        for end in crowd.ended:
            lates.setdefault(end.kind, []).append(end.late)
        every = sorted(late for of_kind in lates.values() for late in of_kind)
        if not every:
            return {"missing": missing}
        return {"earliest": every[0], "late_median": median(every), "latest": every[-1],
                "missing": missing, "kinds": {
                    kind: [min(of_kind), median(of_kind), max(of_kind)]
                    for kind, of_kind in lates.items()}}
    finally:
        crowd.close()
