"""
Servers that say who they are: named_servers.py ADDRESS PORT NAME...

The first listens on PORT, the next on the one after it.  Each sends its name and a newline to
whoever connects, and closes when the other has; one that never does keeps nobody waiting.
"""

import selectors
import socket
import sys

address, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
selector = selectors.DefaultSelector()
for number, name in enumerate(names):
    selector.register(socket.create_server((address, port + number), backlog=1024),
                      selectors.EVENT_READ, name.encode() + b"\n")


def greet(listener, name):
    connection, _ = listener.accept()
    try:
        connection.sendall(name)
        connection.shutdown(socket.SHUT_WR)
        selector.register(connection, selectors.EVENT_READ, None)
    except OSError:
        connection.close()


print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data:
            greet(key.fileobj, key.data)
        else:  # it has closed, or died
            selector.unregister(key.fileobj)
            key.fileobj.close()
