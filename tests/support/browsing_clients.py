"""browsing_clients.py ADDRESS PORT COUNT: so many clients of a web server at once, which come again
and again, ask for / a few times over one connection, and go.

Told to end (SIGTERM), they say in JSON what they have seen: answered, how often by whom (the text of
the answer); and of what a client should never see, notices: the first few, and how many.
"""

import collections
import json
import signal
import socket
import sys
import threading
import time

REQUESTS = 4
PATIENCE = 60
SHOWN = 10

ended = threading.Event()
lock = threading.Lock()
answered = collections.Counter()
notices = []


def answer(peer):
    """Status and body of the one response that comes."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = peer.recv(1)
        if not piece:
            raise ConnectionError("closed without an answer")
        head += piece
    length = int(head.lower().split(b"content-length:")[1].split()[0])
    body = b""
    while len(body) < length:
        body += peer.recv(length - len(body)) or b"\0" * length
    return head.split()[1].decode(), body.decode().strip()


def browse(address, port):
    with socket.create_connection((address, port), PATIENCE) as peer:
        for _ in range(REQUESTS):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            status, body = answer(peer)
            if status != "200":
                raise ConnectionError(status)
            with lock:
                answered[body] += 1
            time.sleep(0.02)


def client():
    while not ended.is_set():
        try:
            browse(sys.argv[1], int(sys.argv[2]))
        except OSError as error:
            with lock:
                notices.append("%s: %s" % (type(error).__name__, error))


def main():
    clients = [threading.Thread(target=client) for _ in range(int(sys.argv[3]))]
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: ended.set())
    for each in clients:
        each.start()
    ended.wait()
    for each in clients:
        each.join()
    print(json.dumps({"answered": answered, "noticed": len(notices), "notices": notices[:SHOWN]}))
    sys.exit(1 if notices else 0)


main()
