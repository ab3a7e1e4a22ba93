#!/usr/bin/env python3
"""PROXY headers with real peers: who a client is survives HAProxy and nginx, in both directions and
versions, and each side's checks find the other well.

    client --> [proxy out] --v2--> HAProxy --v1--> [proxy in] --v1--> nginx --v1--> who listens here
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

URINGPROXY = os.path.abspath(sys.argv[1])
PATIENCE = 20
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"


def fail(text):
    print(text)
    sys.exit(1)


class Place:
    """A directory, and the processes that were started there."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="peers-proxy-")
        self.running = []

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, name, *words):
        log = open(os.path.join(self.path, name + ".log"), "wb")
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.path)
        self.running.append(process)
        return process

    def log(self, name):
        with open(os.path.join(self.path, name + ".log"), errors="replace") as file:
            return file.read()

    def leave(self):
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.path)


def wait_for(port):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    fail("nobody listens on port %d" % port)


def heard(entrance, end):
    """What arrives at the far end of a chain, and where the client came from."""
    client = socket.create_connection(("127.0.0.1", entrance))
    own = client.getsockname()
    client.sendall(b"hello")
    client.shutdown(socket.SHUT_WR)
    end.settimeout(PATIENCE)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        connection, _ = end.accept()
        connection.settimeout(PATIENCE)
        data = b""
        try:
            while True:
                piece = connection.recv(4096)
                if not piece:
                    break
                data += piece
        except OSError:
            pass
        connection.close()
        if data.endswith(b"hello"):  # others are checks
            client.close()
            return data, own
    fail("nothing arrived")


def main():
    for program in ("haproxy", "nginx"):
        if not shutil.which(program):
            print("%s is not installed" % program)
            sys.exit(77)
    if not os.path.exists(STREAM):
        print("nginx has no %s" % STREAM)
        sys.exit(77)
    place = Place()
    end = socket.create_server(("127.0.0.1", 0), backlog=64)
    last = end.getsockname()[1]
    try:
        run(place, end, last)
    except BaseException:
        for name in ("daemon", "haproxy", "nginx"):
            try:
                print("--- %s\n%s" % (name, place.log(name)[-4000:]))
            except OSError:
                pass
        raise
    finally:
        place.leave()


def run(place, end, last):
    haproxy = place.write("haproxy.cfg", """
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen middle
    bind 127.0.0.1:7102 accept-proxy
    server in 127.0.0.1:7103 send-proxy check inter 200ms
listen checks
    bind 127.0.0.1:7112
    server in 127.0.0.1:7103 send-proxy-v2 check inter 200ms
""")
    nginx = place.write("nginx.conf", """
load_module %s;
daemon off;
master_process off;
pid %s/nginx.pid;
error_log stderr;
events {}
stream {
    server {
        listen 127.0.0.1:7104 proxy_protocol;
        set_real_ip_from 127.0.0.1;
        proxy_pass 127.0.0.1:%d;
        proxy_protocol on;
    }
}
""" % (STREAM, place.path, last))
    daemon = place.write("daemon.conf", """
[control]
listen = off
[log]
access = stderr
format = json
[proxy out]
listen = 127.0.0.1:7101
server = 127.0.0.1:7102
send_proxy = v2
send_proxy_tlv = crc32c unique_id
check = tcp
check_every = 200ms
check_timeout = 200ms
[proxy in]
listen = 127.0.0.1:7103
accept_proxy = any
server = 127.0.0.1:7104
send_proxy = v1
check = tcp
check_every = 200ms
check_timeout = 200ms
[proxy nginx]
listen = 127.0.0.1:7105
server = 127.0.0.1:7104
send_proxy = v2
send_proxy_tlv = crc32c
check = tcp
check_every = 200ms
check_timeout = 200ms
""")
    place.start("nginx", "nginx", "-c", nginx, "-p", place.path, "-e", "stderr")
    wait_for(7104)
    process = place.start("daemon", URINGPROXY, "-c", daemon)
    wait_for(7103)
    place.start("haproxy", "haproxy", "-db", "-f", haproxy)
    wait_for(7102)
    time.sleep(2)  # some checks of each
    for entrance in (7101, 7105):
        data, own = heard(entrance, end)
        # nginx says its own address in place of the one that the client meant.
        want = rb"PROXY TCP4 127.0.0.1 127.0.0.1 %d [0-9]+\r\nhello" % own[1]
        print("%d: %r" % (entrance, data))
        if not re.fullmatch(want, data):
            fail("wanted %r" % want)
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE)
    log = place.log("daemon")
    # The daemon is there before HAProxy is, and may have found that.
    if re.search(r"\[proxy (in|nginx)\].* is down", log) or re.search(r'"reason":"proxy-(?!check)', log):
        fail("a check or a header failed")
    ours = [line for line in log.splitlines() if '"proxy":"in"' in line and '"client_real"' in line]
    if not ours:
        fail("no record has client_real")
    if "is DOWN" in place.log("haproxy"):
        fail("HAProxy's check found us down")


main()
