"""
How near connections come to their download_rate and upload_rate, as both of their ends see it.

One connection of each relay, rate and direction, all at once; this program is the clients and
the server.  Who has bytes sends as many as are taken; the other end counts what it gets.
"""

import selectors
import socket
import time

RELAYS = ("copy", "splice", "zerocopy", "auto")
RATES = {"10K": 10 << 10, "1M": 1 << 20, "4M": 4 << 20}
KINDS = [(relay, rate) for relay in RELAYS for rate in RATES]
PORTS = len(KINDS)
PIECE = bytes(256 << 10)


def sections(_seconds):
    """The daemon's, for peers.daemon(); on ports one after the other."""
    def write(_directory, port, upstream, keys):
        return [(f"proxy {relay}-{rate}",
                 {**keys, "listen": f"127.0.0.1:{port + number}",
                  "server": f"127.0.0.1:{upstream}", "relay": relay,
                  "download_rate": rate, "upload_rate": rate})
                for number, (relay, rate) in enumerate(KINDS)]
    return write


class End:
    """One end: it sends without end, or counts what comes from the first byte on."""

    def __init__(self, connection, sends):
        self.socket, self.sends, self.count, self.began = connection, sends, 0, None
        connection.setblocking(False)

    def events(self):
        return selectors.EVENT_WRITE if self.sends else selectors.EVENT_READ

    def ready(self):
        try:
            if self.sends:
                self.socket.send(PIECE)
                return
            self.count += len(self.socket.recv(len(PIECE)))
            self.began = self.began or time.monotonic()
        except BlockingIOError:
            pass

    def rate(self, until):
        return self.count / (until - self.began) if self.began else 0


def begin(listener, port, up):
    """Both ends of a connection through the daemon: who sends, and who counts."""
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.send(b".")  # so that the server has it before another one
    server, _ = listener.accept()
    server.recv(1)
    return End(client, up), End(server, not up)


def measure(seconds, port, server_port):
    """The lowest and the highest rate that was had, as a part of the one that was asked for."""
    selector, ends = selectors.DefaultSelector(), []
    listener = socket.create_server(("127.0.0.1", server_port), backlog=100)
    listener.settimeout(10)
    try:
        for number, (_, rate) in enumerate(KINDS):
            for up in (False, True):
                ends += [(end, RATES[rate]) for end in begin(listener, port + number, up)]
        for end, _ in ends:
            selector.register(end.socket, end.events(), end)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in selector.select(0.1):
                key.data.ready()
        now = time.monotonic()
        had = [end.rate(now) / rate for end, rate in ends if not end.sends]
        return {"lowest": min(had), "highest": max(had)}
    finally:
        for end, _ in ends:
            end.socket.close()
        listener.close()
        selector.close()
