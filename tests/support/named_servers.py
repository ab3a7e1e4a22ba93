"""
Servers that say who they are: named_servers.py ADDRESS PORT NAME...

The first listens on PORT, the next on the one after it.  Each sends its name and a newline to
whoever connects, and closes.
"""

import selectors
import socket
import sys

address, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
selector = selectors.DefaultSelector()
for number, name in enumerate(names):
    selector.register(socket.create_server((address, port + number), backlog=1024),
                      selectors.EVENT_READ, name.encode() + b"\n")
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        with connection:
            connection.sendall(key.data)
            connection.shutdown(socket.SHUT_WR)
            try:
                connection.recv(1)
            except OSError:
                pass  # the daemon has died
