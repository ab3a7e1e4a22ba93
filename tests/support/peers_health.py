"""What tests/peers_health.sh runs: real servers that are checked, stopped and cut off."""

import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

EVERY, FAST, TIMEOUT, FALL = 0.4, 0.1, 0.3, 3
PATIENCE = 60
work = tempfile.mkdtemp(prefix="uringproxy-health.")
os.chmod(work, 0o755)
running = []
failures = 0
skipped = []


def free_port():
    """Below those that the kernel gives to who connects: nobody takes it meanwhile."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("0.0.0.0", port))
                return port
            except OSError:
                pass


def wait_for(what, claim):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if claim():
            return True
        time.sleep(0.01)
    raise AssertionError("not within %d s: %s" % (PATIENCE, what))


def spawn(arguments, user=None, prefix=()):
    def prepare():
        os.setsid()
        if user:
            entry = pwd.getpwnam(user)
            os.initgroups(user, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)

    log = open(os.path.join(work, "servers.log"), "ab")
    process = subprocess.Popen(list(prefix) + arguments, stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, preexec_fn=prepare, cwd=work)
    running.append(process)
    return process


def group(process, number):
    """All of a server's processes."""
    os.killpg(process.pid, number)
    if number == signal.SIGKILL:
        process.wait()


def folder(name, user=None):
    path = os.path.join(work, name)
    os.makedirs(path, exist_ok=True)
    if user:
        shutil.chown(path, user)
    return path


def listens(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


class Daemon:
    """The proxy before some servers, and what it has said."""

    def __init__(self, servers, keys):
        self.port = free_port()
        self.path = tempfile.mktemp(dir=work, suffix=".conf")
        self.log = self.path + ".log"
        lines = ["[global]", "workers = 2", "[control]", "listen = off", "[log]", "checks = all",
                 "[pool p]"]
        lines += ["server = %s:%d name=%s" % (host, port, name) for name, host, port in servers]
        lines += ["check_every = %dms" % (EVERY * 1000), "check_fast = %dms" % (FAST * 1000),
                  "check_timeout = %dms" % (TIMEOUT * 1000), "check_fall = %d" % FALL]
        lines += keys + ["[proxy x]", "listen = 127.0.0.1:%d" % self.port, "pool = p", ""]
        with open(self.path, "w") as file:
            file.write("\n".join(lines))
        self.process = subprocess.Popen([program, "-c", self.path], stderr=open(self.log, "wb"))
        running.append(self.process)
        wait_for("ready", lambda: self.said("^ready$"))

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def said(self, pattern):
        return re.findall(pattern, self.text(), re.M)

    def hears(self, what, count=1):
        wait_for(what + " in the log:\n" + self.text()[-2000:],
                 lambda: len(self.said(what)) >= count)

    def stop(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        assert code == 0, "the daemon ended with %d:\n%s" % (code, self.text()[-3000:])


def promised(takes):
    """check_every and a tenth, and each check as long as it takes, or check_fast."""
    return EVERY * 1.1 + (FALL - 1) * max(FAST, takes) + takes


def case(name, needs):
    def run(function):
        global failures
        missing = [n for n in needs if not (os.path.exists(n) or shutil.which(n))]
        if missing:
            skipped.append("%s: no %s" % (name, ", ".join(missing)))
            return function
        try:
            function()
            print("%-28s ok" % name, flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failures += 1
            print("%-28s FAILED: %s: %s" % (name, type(error).__name__, error), flush=True)
        return function

    return run


def falls_and_rises(kind, port, keys, start, good):
    """Up; then down by SIGSTOP and up again; then down by kill -9 and up again."""
    server = start()
    wait_for("%s on :%d" % (kind, port), lambda: listens(port))
    daemon = Daemon([("s", "127.0.0.1", port)], keys)
    daemon.hears("check: L[47]OK " + good)
    if daemon.said(" is DOWN "):
        daemon.hears(" is UP ")
    before = len(daemon.said(" is DOWN ")), len(daemon.said(" is UP "))
    for count, (fault, takes, code) in enumerate(
            ((signal.SIGSTOP, TIMEOUT, "L[47]TOUT|L7RSP"), (signal.SIGKILL, 0, "L4CON|L7RSP")), 1):
        began = time.monotonic()
        group(server, fault)
        daemon.hears(" is DOWN ", before[0] + count)
        took = time.monotonic() - began
        print("    %-10s %-8s down after %.2f s (%.2f s promised)" %
              (kind, fault.name, took, promised(takes)), flush=True)
        assert daemon.said("check: (%s) " % code), daemon.text()[-1500:]
        if fault == signal.SIGSTOP:
            group(server, signal.SIGCONT)
        else:
            server = start()
        daemon.hears(" is UP ", before[1] + count)
    daemon.stop()
    return server


def says_no(port, keys, pattern):
    """The same server, asked for something else."""
    daemon = Daemon([("s", "127.0.0.1", port)], keys)
    daemon.hears("is DOWN after 1 failed check .*" + pattern)
    daemon.stop()


def main():
    @case("redis", ["redis-server"])
    def _():
        port, path = free_port(), folder("redis")
        redis = lambda: spawn(["redis-server", "--port", str(port), "--dir", path, "--save", ""])
        server = falls_and_rises("redis", port, ["check = redis"], redis,
                                 r"redis PING answered \+PONG")
        says_no(port, ["check = redis", "check_expect = role:slave"],
                'redis INFO answered "role:master", wanted role:slave')
        replica_port = free_port()
        replica = spawn(["redis-server", "--port", str(replica_port), "--dir", path, "--save", "",
                         "--replicaof", "127.0.0.1 %d" % port])
        wait_for("replica", lambda: listens(replica_port))
        says_no(replica_port, ["check = redis", "check_expect = role:master"],
                'answered "role:slave", wanted role:master')
        group(replica, signal.SIGKILL)
        group(server, signal.SIGKILL)

    @case("mariadb", ["mariadbd", "mariadb-install-db", "mariadb"])
    def _():
        port, path = free_port(), folder("mariadb", "mysql")
        subprocess.run(["mariadb-install-db", "--no-defaults", "--user=mysql", "--datadir=" + path,
                        "--auth-root-authentication-method=normal"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        unix = os.path.join(path, "s")
        maria = lambda: spawn(["mariadbd", "--no-defaults", "--datadir=" + path,
                               "--socket=" + unix, "--port=%d" % port, "--bind-address=127.0.0.1",
                               "--pid-file=" + os.path.join(path, "pid"),
                               "--skip-name-resolve"], user="mysql")
        ask = lambda words: subprocess.run(
            ["mariadb", "--no-defaults", "-S", unix, "-u", "root", "-N", "-e", words],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        server = maria()
        wait_for("mariadb", lambda: listens(port))
        ask("CREATE USER 'check'@'%'")
        group(server, signal.SIGKILL)
        server = falls_and_rises("mariadb", port, ["check = mysql", "check_user = check"], maria,
                                 "mysql answered a login")
        daemon = Daemon([("s", "127.0.0.1", port)], ["check = mysql", "check_user = check"])
        aborted = lambda: int(ask("SHOW GLOBAL STATUS LIKE 'Aborted_connects'").split()[1])
        before, seen = aborted(), len(daemon.said("L7OK"))
        daemon.hears("L7OK", seen + 5)
        assert aborted() == before, "aborted connects: %d, then %d" % (before, aborted())
        daemon.stop()
        says_no(port, ["check = postgres"], "not PostgreSQL's protocol|was not answered")
        group(server, signal.SIGKILL)

    binaries = "/usr/lib/postgresql"
    versions = sorted(os.listdir(binaries)) if os.path.isdir(binaries) else []
    postgres_bin = os.path.join(binaries, versions[-1] if versions else "none", "bin")

    @case("postgres, a promotion", [os.path.join(postgres_bin, "postgres"), "python3"])
    def _():
        path = folder("pg", "postgres")
        port, standby_port = free_port(), free_port()
        first, second = os.path.join(path, "a"), os.path.join(path, "b")

        def tool(name, *arguments):
            subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                            os.path.join(postgres_bin, name)] + list(arguments), check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=path)

        tool("initdb", "-D", first, "-A", "trust", "-U", "postgres")
        start = lambda where, at: spawn([os.path.join(postgres_bin, "postgres"), "-D", where, "-p",
                                         str(at), "-k", path, "-c", "listen_addresses=127.0.0.1",
                                         "-c", "fsync=off"], user="postgres")

        def again():
            try:
                os.unlink(os.path.join(first, "postmaster.pid"))
            except FileNotFoundError:
                pass
            return start(first, port)

        server = falls_and_rises("postgres", port, ["check = postgres"], again,
                                 "postgres answered")
        tool("pg_basebackup", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-D", second,
             "-R", "-c", "fast")
        standby = start(second, standby_port)
        wait_for("standby", lambda: listens(standby_port))
        # Which of them is the primary is told by a side car, as Patroni does.
        cars = {}
        for name, at in (("a", port), ("b", standby_port)):
            cars[name] = free_port()
            threading.Thread(target=side_car, args=(cars[name], at, postgres_bin),
                             daemon=True).start()
        daemon = Sided(port, standby_port, cars)
        daemon.hears("server b .* is DOWN .*http GET /primary on :%d answered 503" % cars["b"])
        group(server, signal.SIGKILL)
        daemon.hears("server a .* is DOWN ")
        tool("pg_ctl", "-D", second, "promote")
        daemon.hears("server b .* is UP ")
        out = subprocess.run([os.path.join(postgres_bin, "psql"), "-h", "127.0.0.1", "-p",
                              str(daemon.port), "-U", "postgres", "-Atc",
                              "SELECT pg_is_in_recovery()"], stdout=subprocess.PIPE, check=True)
        assert out.stdout.strip() == b"f", out.stdout
        daemon.stop()
        group(standby, signal.SIGKILL)

    @case("nginx", ["nginx"])
    def _():
        port, path = free_port(), folder("nginx")
        with open(os.path.join(path, "conf"), "w") as file:
            file.write("daemon off; pid %s/pid; error_log %s/log; worker_processes 1;\n"
                       "events {}\nhttp { access_log off; server { listen 127.0.0.1:%d; location "
                       "/ill { return 503; } location / { return 200 well; } } }\n" %
                       (path, path, port))
        nginx = lambda: spawn(["nginx", "-c", os.path.join(path, "conf"), "-p", path])
        server = falls_and_rises("nginx", port, ["check = http", "check_request = HEAD /well"],
                                 nginx, "http HEAD /well answered 200")
        says_no(port, ["check = http", "check_request = GET /ill"],
                "http GET /ill answered 503, wanted 200-399")
        group(server, signal.SIGKILL)

    @case("memcached", ["memcached"])
    def _():
        port = free_port()
        memcached = lambda: spawn(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port)])
        keys = ["check = send", r"check_send = version\r\n"]
        server = falls_and_rises("memcached", port, keys + ["check_expect = VERSION"], memcached,
                                 "send answered VERSION")
        says_no(port, keys + ["check_expect = NOISREV"], 'answered "VERSION .*", wanted NOISREV')
        group(server, signal.SIGKILL)

    @case("exim", ["exim4"])
    def _():
        port, path = free_port(), folder("exim", "Debian-exim")
        with open(os.path.join(path, "conf"), "w") as file:
            file.write("primary_hostname = mx.example\nspool_directory = %s\nlog_file_path = "
                       "%s/%%slog\nacl_smtp_rcpt = deny\nacl_smtp_mail = deny\nbegin acl\ndeny:\n"
                       "  deny\n" % (path, path))
        exim = lambda: spawn(["exim4", "-C", os.path.join(path, "conf"), "-bdf", "-oX",
                              "127.0.0.1.%d" % port, "-oP", "/dev/null"])
        server = falls_and_rises("exim", port, ["check = send", "check_expect = 220"], exim,
                                 "send answered 220")
        says_no(port, ["check = send", "check_expect = 221"], 'answered "220 .*", wanted 221')
        group(server, signal.SIGKILL)

    @case("tls", ["openssl"])
    def _():
        port, path = free_port(), folder("tls")
        key, cert = os.path.join(path, "key"), os.path.join(path, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=x", "-keyout", key, "-out", cert], check=True,
                       stderr=subprocess.DEVNULL)
        tls = lambda: spawn(["openssl", "s_server", "-quiet", "-accept", "127.0.0.1:%d" % port,
                             "-key", key, "-cert", cert])
        hello = tls_hello_of_the_manual()
        server = falls_and_rises("tls", port, ["check = send", "check_send = hex:" + hello,
                                               "check_expect = hex:16"], tls,
                                 "send answered hex:16")
        group(server, signal.SIGKILL)

    @case("a link that is cut", ["ip", "redis-server"])
    def _():
        space, here, there = "uph%d" % os.getpid(), "uph%da" % (os.getpid() % 100000), "uphb"
        ip = lambda *words: subprocess.run(["ip"] + list(words), check=True,
                                           stderr=subprocess.PIPE)
        try:
            ip("netns", "add", space)
            ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
        except subprocess.CalledProcessError as error:
            skipped.append("a link that is cut: " + error.stderr.decode().strip())
            return
        try:
            ip("addr", "add", "198.18.77.1/30", "dev", here)
            ip("link", "set", here, "up")
            ip("-n", space, "addr", "add", "198.18.77.2/30", "dev", there)
            ip("-n", space, "link", "set", there, "up")
            port = free_port()
            server = spawn(["redis-server", "--port", str(port), "--save", "", "--dir", work,
                            "--bind", "198.18.77.2", "--protected-mode", "no"],
                           prefix=["ip", "netns", "exec", space])
            wait_for("redis there", lambda: listens(port, "198.18.77.2"))
            daemon = Daemon([("s", "198.18.77.2", port)], ["check = redis"])
            daemon.hears("L7OK")
            began = time.monotonic()
            ip("-n", space, "link", "set", there, "down")
            ip("link", "set", here, "up")
            daemon.hears(" is DOWN ")
            print("    %-10s %-8s down after %.2f s (%.2f s promised)" %
                  ("link", "cut", time.monotonic() - began, promised(TIMEOUT)), flush=True)
            assert daemon.said("check: (L4TOUT|L4CON) "), daemon.text()
            ip("-n", space, "link", "set", there, "up")
            daemon.hears(" is UP ")
            daemon.stop()
            group(server, signal.SIGKILL)
        finally:
            subprocess.run(["ip", "netns", "del", space], check=False)

    @case("clients that notice", ["redis-server"])
    def _():
        ports = [free_port(), free_port()]
        servers = [spawn(["redis-server", "--port", str(p), "--dir", work, "--save", ""])
                   for p in ports]
        for port in ports:
            wait_for("redis", lambda p=port: listens(p))
        daemon = Daemon([("a", "127.0.0.1", ports[0]), ("b", "127.0.0.1", ports[1])],
                        ["check = redis"])
        noticed, done, over = [0], [0], threading.Event()

        def ask():
            while not over.is_set():
                try:
                    with socket.create_connection(("127.0.0.1", daemon.port), 10) as client:
                        client.sendall(b"PING\r\n")
                        noticed[0] += client.recv(100) != b"+PONG\r\n"
                except OSError:
                    noticed[0] += 1
                done[0] += 1

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.3)
        asked = noticed[0]
        group(servers[0], signal.SIGKILL)
        killed = noticed[0]
        daemon.hears("server a .* is DOWN ")
        time.sleep(0.3)
        over.set()
        thread.join()
        print("    of %d clients %d noticed that a server refuses" % (done[0], noticed[0] - killed),
              flush=True)
        # Whoever had been served by it as it was killed is no fault of choosing.
        assert noticed[0] - asked <= 1, "%d noticed" % (noticed[0] - asked)
        daemon.stop()
        group(servers[1], signal.SIGKILL)


class Sided(Daemon):
    """Two servers that side cars speak for."""

    def __init__(self, first, second, cars):
        super().__init__([("a", "127.0.0.1", first), ("b", "127.0.0.1", second)], [])
        self.process.terminate()
        self.process.wait()
        with open(self.path) as file:
            text = file.read()
        for name in cars:
            text = re.sub("(name=%s)" % name, r"\1 check_port=%d" % cars[name], text)
        text = text.replace("check_every", "check = http\ncheck_request = GET /primary\n"
                            "check_every", 1)
        with open(self.path, "w") as file:
            file.write(text)
        self.process = subprocess.Popen([program, "-c", self.path], stderr=open(self.log, "wb"))
        running.append(self.process)
        wait_for("ready", lambda: self.said("^ready$"))


def side_car(port, server_port, binaries):
    """200 on /primary of a primary, 503 of a standby or of nobody, as Patroni answers."""
    state = {"primary": False}

    def look():
        while True:
            out = subprocess.run([os.path.join(binaries, "psql"), "-h", "127.0.0.1", "-p",
                                  str(server_port), "-U", "postgres", "-Atc",
                                  "SELECT pg_is_in_recovery()"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, check=False)
            state["primary"] = out.stdout.strip() == b"f"
            time.sleep(0.1)

    threading.Thread(target=look, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        client, _ = listener.accept()
        client.recv(4096)
        client.sendall(b"HTTP/1.1 %s x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" %
                       (b"200" if state["primary"] else b"503"))
        client.close()


def tls_hello_of_the_manual():
    """The bytes that the manual gives for check_send, which are to be right."""
    manual = os.path.join(os.path.dirname(__file__), "../../src/uringproxy.conf.5")
    with open(manual) as file:
        found = re.search(r"check_send = hex:([0-9a-f\\\n ]+)", file.read())
    assert found, "the manual has no hello"
    return re.sub(r"[^0-9a-f]", "", found.group(1))


program = os.path.abspath(sys.argv[1])
try:
    main()
finally:
    for one in running:
        if one.poll() is None:
            try:
                os.killpg(one.pid, signal.SIGKILL) if os.getpgid(one.pid) == one.pid else one.kill()
            except ProcessLookupError:
                pass
            one.wait()
    shutil.rmtree(work, ignore_errors=True)
for reason in skipped:
    print("SKIP: " + reason)
if failures:
    sys.exit(1)
if skipped:
    print("; ".join(skipped), file=sys.stderr)
