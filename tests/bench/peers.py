"""
Who is measured: the daemon in any configuration, the peers, and our own floors.

A peer's function writes the configuration it needs into a directory and returns
the command.  Everyone has one worker or thread, room for the same connections,
and listens on 127.0.0.1:port; upstream is a port too, 0 for an echo server, and the
first of those of several servers.
"""

import os

import timeouts

CONNECTIONS = 9900  # two descriptors each, under the usual hard limit of 20,000
PIPE_SIZE = 524288  # the daemon's default pipe_size, for everybody who splices

SECTION_KEYS = {"relay", "receive_budget", "pipe_size", "connect_timeout", "idle_timeout",
                "half_close_timeout", "max_lifetime", "keepalive", "user_timeout", "backlog",
                "balance"}
LOG_KEYS = {"access", "format"}
PROXY_KEYS = {"relay", "pipe_size", "connect_timeout", "half_close_timeout", "balance"}  # not of [echo]
SERVERS = 4  # of a pool


def write(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write(text)
    return path


def haproxy(*options, threads=1):
    # pipes are descriptors too, and counted before it starts
    room = f"maxconn 2000\n    maxpipes 2000\n    tune.pipesize {PIPE_SIZE}"

    return haproxy_with(lambda port, upstream: """defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
""" + "".join(f"    option {option}\n" for option in options) + f"""listen bench
    bind 127.0.0.1:{port} backlog 4096
    server upstream 127.0.0.1:{upstream}
""", room if options else f"maxconn {CONNECTIONS}",
                        threads)


def haproxy_pool(balance):
    return haproxy_with(lambda port, upstream: f"""defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen bench
    bind 127.0.0.1:{port} backlog 4096
    balance {balance}
""" + "".join(f"    server s{i} 127.0.0.1:{upstream + i}\n" for i in range(SERVERS)))


def haproxy_with(sections, room=f"maxconn {CONNECTIONS}", threads=1):
    def command(directory, port, upstream):
        text = f"global\n    nbthread {threads}\n    {room}\n" + sections(port, upstream)
        return ["/usr/sbin/haproxy", "-db", "-f", write(directory, f"haproxy-{port}.cfg", text)]
    return command


NGINX_HEAD = """daemon off;
worker_processes {workers};
user root;
pid {directory}/nginx-{port}.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 20000; }}
"""


def reuseport(workers):
    """A queue for each, or the first that wakes up takes most of the connections."""
    return " reuseport" if workers > 1 else ""


def nginx_stream(buffer_size, workers=1, balance=None):
    def command(directory, port, upstream):
        servers = "".join(f"        server 127.0.0.1:{upstream + i};\n"
                          for i in range(SERVERS if balance else 1))
        pool = f"    upstream pool {{\n        {balance};\n{servers}    }}\n" if balance else ""
        to = "pool" if balance else f"127.0.0.1:{upstream}"
        text = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n" + \
            NGINX_HEAD.format(directory=directory, port=port, workers=workers) + f"""stream {{
    proxy_timeout 1h;
    proxy_buffer_size {buffer_size};
{pool}    server {{
        listen 127.0.0.1:{port} backlog=4096{reuseport(workers)};
        proxy_pass {to};
    }}
}}
"""
        return nginx(directory, write(directory, f"nginx-{port}.conf", text))
    return command


def nginx_http(directory, port, workers=1, servers=1):
    """The upstream of the http workloads: on so many ports from that one on."""
    listens = "".join(f"        listen 127.0.0.1:{port + i} backlog=4096{reuseport(workers)};\n"
                      for i in range(servers))
    text = NGINX_HEAD.format(directory=directory, port=port, workers=workers) + f"""http {{
    access_log off;
    keepalive_requests 100000000;
    keepalive_timeout 1h;
    client_header_timeout 1h;
    client_body_temp_path {directory}/nginx-temp;
    proxy_temp_path {directory}/nginx-temp;
    fastcgi_temp_path {directory}/nginx-temp;
    uwsgi_temp_path {directory}/nginx-temp;
    scgi_temp_path {directory}/nginx-temp;
    server {{
{listens}        location / {{ return 200 "{"x" * 128}"; }}
    }}
}}
"""
    return nginx(directory, write(directory, f"nginx-{port}.conf", text))


def nginx(directory, path):
    return ["/usr/sbin/nginx", "-e", "stderr", "-p", directory, "-c", path]


def socket_proxyd(_directory, port, upstream):
    return ["/usr/bin/systemd-socket-activate", "-l", f"127.0.0.1:{port}",
            "/lib/systemd/systemd-socket-proxyd", f"--connections-max={CONNECTIONS}",
            f"127.0.0.1:{upstream}"]


def socat(_directory, port, upstream):
    return ["/usr/bin/socat",
            f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=4096,nodelay",
            f"TCP:127.0.0.1:{upstream},nodelay"]


def floor(tools, how, size):
    return lambda directory, port, upstream: [
        f"{tools}/bench_relay", str(port), str(upstream), how, str(size)]


def epoll_echo(tools):
    return lambda directory, port, upstream: [f"{tools}/bench_echo", str(port)]


class Peer:
    """
    cpus: not those of all proxies.  echo: answers itself, and has no upstream.
    before: called in its process before it is executed.
    """

    def __init__(self, name, command, packages=(), program=None, help="", daemon=False,
                 cpus=None, echo=False, before=None):
        self.name, self.command, self.packages = name, command, packages
        self.program, self.help, self.daemon = program, help, daemon
        self.cpus, self.echo, self.before = cpus, echo, before


def parse_daemon(text):
    """'NAME[@CPU+CPU]:key=value,key=value' -> (name, CPUs or None, keys)."""
    head, _, rest = text.partition(":")
    name, _, cpus = head.partition("@")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    if not name or any(not equals for _, equals, _ in pairs):
        raise ValueError(f"'{text}' is not NAME:key=value,key=value")
    return (name, {int(cpu) for cpu in cpus.split("+")} if cpus else None,
            {key.strip(): value.strip() for key, _, value in pairs})


def daemon(binary, name, keys=None, cpus=None, sections=None, before=None, common=None):
    """
    Our own: keys of a section go to the section, those of LOG_KEYS to [log], all others to
    [global].  None of its keys are "binary", another build to compare with, and "servers",
    how many it has.
    sections(directory, port, upstream, keys): pairs of title and keys, in place of one section.
    common: keys that all daemons of a workload have, and its title describes.
    """
    own = {"workers": "1", **(keys or {})}
    keys = {"max_connections": str(CONNECTIONS), **(common or {}), **own}
    binary = keys.pop("binary", binary)
    servers = int(keys.pop("servers", 1))

    def command(directory, port, upstream):
        log = {key: value for key, value in keys.items() if key in LOG_KEYS}
        globally = {key: value for key, value in keys.items()
                    if key not in SECTION_KEYS and key not in LOG_KEYS}
        section = {key: value for key, value in keys.items() if key in SECTION_KEYS
                   and (upstream or key not in PROXY_KEYS)}
        section["listen"] = f"127.0.0.1:{port}"
        if upstream:
            section["server"] = [f"127.0.0.1:{upstream + i}" for i in range(servers)]
        chosen = [("proxy bench" if upstream else "echo", section)]
        if sections:
            chosen = sections(directory, port, upstream, {
                key: value for key, value in section.items() if key not in ("listen", "server")})
        text = ""
        for title, pairs in [("global", globally), ("log", log), *chosen]:
            text += f"[{title}]\n"
            text += "".join(f"{key} = {value}\n" for key, values in pairs.items()
                            for value in (values if isinstance(values, list) else [values]))
        return [binary, "-c", write(directory, f"{name}-{port}.conf", text)]
    described = ", ".join(f"{key} = {value}" for key, value in own.items() if key != "binary")
    return Peer(name, command, program=binary, help=described, daemon=True, cpus=cpus,
                before=before)


def all_peers(tools, seconds):
    ha, ng = ("haproxy",), ("nginx", "libnginx-mod-stream")
    table = [
        Peer("haproxy", haproxy(), ha, "/usr/sbin/haproxy", "mode tcp, nbthread 1"),
        Peer("haproxy-auto", haproxy("splice-auto"), ha, "/usr/sbin/haproxy",
             "the same with option splice-auto"),
        Peer("haproxy-splice", haproxy("splice-request", "splice-response"), ha,
             "/usr/sbin/haproxy", "the same with splice forced both ways"),
        Peer("haproxy-timeouts", haproxy_with(timeouts.haproxy(seconds)), ha,
             "/usr/sbin/haproxy", "the same with the timeouts of that workload"),
        Peer("haproxy-roundrobin", haproxy_pool("roundrobin"), ha, "/usr/sbin/haproxy",
             f"balance roundrobin, {SERVERS} servers"),
        Peer("haproxy-leastconn", haproxy_pool("leastconn"), ha, "/usr/sbin/haproxy",
             f"balance leastconn, {SERVERS} servers"),
        Peer("nginx-least_conn", nginx_stream("16k", balance="least_conn"), ng,
             "/usr/lib/nginx/modules/ngx_stream_module.so",
             f"stream, least_conn, {SERVERS} servers"),
        Peer("nginx", nginx_stream("16k"), ng, "/usr/lib/nginx/modules/ngx_stream_module.so",
             "stream, proxy_buffer_size 16k"),
        Peer("nginx-64k", nginx_stream("64k"), ng, "/usr/lib/nginx/modules/ngx_stream_module.so",
             "stream, proxy_buffer_size 64k"),
        Peer("socket-proxyd", socket_proxyd, ("systemd",), "/lib/systemd/systemd-socket-proxyd",
             "systemd-socket-proxyd"),
        Peer("socat", socat, ("socat",), "/usr/bin/socat", "fork"),
        Peer("relay", floor(tools, "copy", 16384), (), f"{tools}/bench_relay",
             "the floor: hand-written epoll, read and write, 16 KiB"),
        Peer("relay-64k", floor(tools, "copy", 65536), (), f"{tools}/bench_relay",
             "the floor with 64 KiB"),
        Peer("relay-splice", floor(tools, "splice", PIPE_SIZE), (), f"{tools}/bench_relay",
             "the floor with splice(2)"),
        Peer("epoll-echo", epoll_echo(tools), (), f"{tools}/bench_echo",
             "a minimal epoll echo server", echo=True),
        Peer("direct", None, (), None, "no proxy at all"),
    ]
    return {peer.name: peer for peer in table}
