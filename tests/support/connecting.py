"""Connects again and again, and says what came of it.

    connecting.py ADDRESS FILE

ADDRESS is a port of 127.0.0.1 or the path of a unix socket.  Whoever answers echoes.  Until
FILE is there; then one line: connections, how many were refused, and how many were reset or
ended without an answer.
"""
import os
import socket
import sys
import time

address, file = sys.argv[1:]
made = refused = reset = 0
while not os.path.exists(file):
    if address.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        where = address
    else:
        s = socket.socket()
        where = ("127.0.0.1", int(address))
    s.settimeout(60)
    try:
        s.connect(where)
    except (ConnectionRefusedError, FileNotFoundError):
        refused += 1
        s.close()
        time.sleep(0.001)
        continue
    except BlockingIOError:      # the queue of a unix socket is full
        s.close()
        time.sleep(0.001)
        continue
    made += 1
    try:
        s.sendall(b"hello\n")
        if s.recv(6) != b"hello\n":
            reset += 1
    except OSError:
        reset += 1
    s.close()
    time.sleep(0.002)
print(made, refused, reset, flush=True)
