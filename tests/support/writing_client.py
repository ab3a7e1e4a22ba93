"""writing_client.py ADDRESS PORT: writes to a Redis, one write after the other, until it is told
to stop (SIGTERM).

As an application does, it has one connection and no deadline of its own, and only when that is
gone does it come again.  At each SIGUSR1 it prints what it has seen since the last, one line of
JSON, and when stopped, the rest.
"""

import json
import signal
import socket
import sys
import time

seen = {}
wanted = []


def anew():
    seen.update(written=0, read_only=0, cut=0, refused=0, gap=0.0, last=time.monotonic())


def report():
    seen["gap"] = max(seen["gap"], time.monotonic() - seen["last"])
    print(json.dumps({key: seen[key] for key in seen if key != "last"}), flush=True)
    last = seen["last"]
    anew()
    seen["last"] = max(last, seen["last"])


def write(peer):
    peer.sendall(b"INCR written\r\n")
    answer = peer.recv(200)
    if answer.startswith(b":"):
        now = time.monotonic()
        seen["written"] += 1
        seen["gap"] = max(seen["gap"], now - seen["last"])
        seen["last"] = now
    elif answer.startswith(b"-READONLY"):
        seen["read_only"] += 1
    else:
        raise ConnectionError(answer)


def use(address, port):
    with socket.create_connection((address, port)) as peer:
        while True:
            write(peer)
            if wanted:
                report()
                if wanted.pop() == signal.SIGTERM:
                    sys.exit(0)
            time.sleep(0.01)


def main():
    for number in signal.SIGTERM, signal.SIGUSR1:
        signal.signal(number, lambda number, _: wanted.append(number))
    anew()
    while True:
        try:
            use(sys.argv[1], int(sys.argv[2]))
        except ConnectionRefusedError:
            seen["refused"] += 1
        except OSError:
            seen["cut"] += 1
        time.sleep(0.01)


main()
