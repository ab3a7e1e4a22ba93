"""
A client that connects again and again: asking_client.py ADDRESS PORT [SOURCE...]

It asks from each SOURCE in turn until it is told to end (SIGTERM), and then says in JSON what
came of it:

    asked, answered
    failed      connections that were refused, reset or silent before they were there
    cut         ... and that ended without an answer when they were: whoever is connected while
                the address moves
    gap         the longest time in seconds from one answer to the next
    servers     by SOURCE, who answered: a list without repetitions
"""

import json
import signal
import socket
import sys
import time

PATIENCE = 10
PAUSE = 0.02

address, port, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3:] or [""]
going = True


def stop(*_):
    global going
    going = False


def ask(source):
    """(was connected, answer or None)"""
    try:
        connection = socket.create_connection((address, port), PATIENCE, (source, 0))
    except OSError:
        return False, None
    with connection:
        answer = b""
        try:
            while piece := connection.recv(100):
                answer += piece
        except OSError:
            return True, None
        return True, answer.decode().strip() or None


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
result = {"asked": 0, "answered": 0, "failed": 0, "cut": 0, "gap": 0.0,
          "servers": {source: [] for source in sources}}
last = time.monotonic()
while going:
    source = sources[result["asked"] % len(sources)]
    result["asked"] += 1
    connected, answer = ask(source)
    if answer:
        now = time.monotonic()
        result["answered"] += 1
        result["gap"] = max(result["gap"], now - last)
        last = now
        if answer not in result["servers"][source]:
            result["servers"][source].append(answer)
    else:
        result["cut" if connected else "failed"] += 1
    time.sleep(PAUSE)
print(json.dumps(result), flush=True)
