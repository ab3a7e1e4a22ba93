"""Who asks the daemon for its metrics ten times a second, as no monitoring does so often."""

import os
import threading
import urllib.request

EVERY = 0.1
PORTS = 2


def sections(_seconds):
    """The daemon's, for peers.daemon(): metrics are on the second port."""
    def write(_directory, port, upstream, keys):
        return [("metrics", {"listen": f"127.0.0.1:{port + 1}"}),
                ("proxy bench", {**keys, "listen": f"127.0.0.1:{port}",
                                 "server": f"127.0.0.1:{upstream}"})]
    return write


class Scraper:
    """Asks from when it is entered until it is left; answers: how often it was answered."""

    def __init__(self, port, cpus):
        self.url, self.cpus, self.answers = f"http://127.0.0.1:{port}/metrics", cpus, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._ask)

    def _ask(self):
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)  # of this thread
        while not self.over.wait(EVERY):
            with urllib.request.urlopen(self.url, timeout=10) as answer:
                self.answers += b"uringproxy_" in answer.read()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
