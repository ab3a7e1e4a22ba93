"""cancelling_client.py PORT OTHER TIMES: clients of PostgreSQL that cancel what they have asked for.

Each comes from an address of its own, asks at a PORT of 127.0.0.1 for something that takes long, and
cancels it as clients do: over another connection, here to the OTHER port, with the numbers that it
was given over the first.  Prints how many were at which server.
"""

import collections
import socket
import struct
import sys
import time

PROTOCOL = 0x00030000
CANCEL = 0x04D2162E


def connect(address, port):
    peer = socket.create_connection(("127.0.0.1", port), 30, (address, 0))
    peer.settimeout(30)
    return peer


def packet(*parts):
    body = b"".join(parts)
    return struct.pack("!I", len(body) + 4) + body


def exactly(peer, count):
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        assert more, "the server has closed the connection"
        data += more
    return data


def message(peer):
    kind, length = struct.unpack("!cI", exactly(peer, 5))
    return kind, exactly(peer, length - 4)


def until(peer, last):
    """All messages up to one of that kind."""
    messages = [message(peer)]
    while messages[-1][0] != last:
        messages.append(message(peer))
    return messages


def ask(peer, query):
    peer.sendall(b"Q" + packet(query.encode() + b"\0"))


def session(address, port):
    """A connection, its key, and the port of the server that it is at."""
    peer = connect(address, port)
    peer.sendall(packet(struct.pack("!I", PROTOCOL), b"user\0postgres\0\0"))
    key = dict(until(peer, b"Z"))[b"K"]
    ask(peer, "select inet_server_port()")
    row = dict(until(peer, b"Z"))[b"D"]
    return peer, key, row[6:].decode()


def is_running(port, key):
    """Whether the server has begun with it, as the server itself says."""
    peer, _, _ = session("127.0.0.1", port)
    with peer:
        ask(peer, "select 1 from pg_stat_activity where wait_event = 'PgSleep' and pid = %d"
            % struct.unpack("!I", key[:4]))
        return b"D" in dict(until(peer, b"Z"))


def cancel(address, port, other_port):
    peer, key, server = session(address, port)
    with peer:
        ask(peer, "select pg_sleep(60)")
        while not is_running(int(server), key):
            time.sleep(0.01)
        with connect(address, other_port) as other:
            other.sendall(packet(struct.pack("!I", CANCEL), key))
            assert other.recv(1) == b""
        begun = time.monotonic()
        error = dict(until(peer, b"Z")).get(b"E", b"it was not cancelled")
        assert b"C57014\0" in error, (error, address, server, time.monotonic() - begun)
    return server


def main():
    port, other, times = map(int, sys.argv[1:])
    servers = collections.Counter(cancel("127.0.1.%d" % (n % 200 + 1), port, other)
                                  for n in range(times))
    print(" ".join("%s:%d" % each for each in sorted(servers.items())))
    assert len(servers) == 2, "all were at one server"


main()
