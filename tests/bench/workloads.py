"""What is measured, against whom, and what must be shown."""

import knocks
import rates
import scrapes
import shortage
import timeouts

ALL = ("haproxy", "nginx", "relay")
MORE = ALL + ("socket-proxyd",)
EVERY = MORE + ("socat",)
BULK = ("haproxy", "haproxy-auto", "haproxy-splice", "nginx", "nginx-64k", "socket-proxyd",
        "socat", "relay-64k", "relay-splice")

# name: (heading, unit, digits)
METRICS = {
    "rate": ("rate", "/s", 0),
    "cpu": ("CPU", "µs", 2),
    "machine": ("machine", "µs", 2),
    "p50": ("p50", "µs", 1),
    "p99": ("p99", "µs", 1),
    "p999": ("p99.9", "µs", 1),
    "gbit": ("Gbit/s", "", 2),
    "cpu_gib": ("CPU s/GiB", "", 3),
    "machine_gib": ("machine s/GiB", "", 3),
    "rss": ("RSS", "KiB", 2),
    "kernel": ("kernel", "KiB", 2),
    "growth": ("beside/alone", "", 3),
    "end": ("CPU of an end", "µs", 1),
    "end_few": ("beside 200", "µs", 1),
    "stop": ("stop", "s", 3),
    "cpu_alone": ("CPU alone", "µs", 2),
    "kept": ("rate kept", "", 3),
    "alone_gbit": ("alone Gbit/s", "", 2),
    "queued": ("held back", "KiB", 0),
    "late": ("sent late p99", "µs", 1),
    "earliest": ("earliest", "ms", 1),
    "late_median": ("median", "ms", 1),
    "latest": ("latest", "ms", 1),
    "waiting": ("CPU of waiting", "%", 2),
    "p50_alone": ("p50 alone", "µs", 1),
    "p99_alone": ("p99 alone", "µs", 1),
    "slower": ("p99 to alone", "", 2),
    "lowest": ("lowest", "", 3),
    "highest": ("highest", "", 3),
    "missing": ("not ended", "", 0),
    "round_robin": ("round_robin", "ns", 0),
    "least_conn": ("least_conn", "ns", 0),
    "random_two": ("random_two", "ns", 0),
    "source_hash": ("source_hash", "ns", 0),
    "least_time": ("least_time", "ns", 0),
    "cold_ns": ("cold caches, at most", "ns", 0),
    "ns": ("both limits", "ns", 0),
    "count_ns": ("max_per_client alone", "ns", 0),
    "rate_ns": ("client_rate alone", "ns", 0),
    "new_ns": ("of a client that is new", "ns", 0),
    "nobody_ns": ("nobody left, at most", "ns", 0),
    "load_ms": ("read", "ms", 0),
    "mb": ("memory", "MB", 1),
    "listed_ns": ("one it names", "ns", 0),
    "other_ns": ("one by chance", "ns", 0),
    "found_ns": ("a name with a route", "ns", 0),
    "missed_ns": ("a name without one", "ns", 0),
    "hello_ns": ("reading a ClientHello of 1,700 bytes", "ns", 0),
    "table_ms": ("making the table", "ms", 1),
    "roster_us": ("roster made, at most", "µs", 0),
    "instructions": ("instructions", "", 0),
    "calls": ("system calls", "", 3),
}
BALANCES = ("round_robin", "least_conn", "random_two", "source_hash", "least_time")
PICKED_NS = {10: 100, 100: 500, 1000: 3000}  # servers: the bound
DECIDED_NS = {65536: 150, 1048576: 400}  # entries in the table of clients
LISTED = {4: {"load_ms": 1000, "mb": 32, "ns": 2000},  # of a million lines: the bounds
          6: {"load_ms": 2500, "mb": 32, "ns": 2000}}
LISTED_LINES = 1000000
ROUTED_NS = {100000: 200}  # names: the bound
REQUESTS = ("cpu", "rate", "p50", "p99", "p999", "machine")
BYTES = ("cpu_gib", "gbit", "machine_gib")
UNCOALESCED = "coalesce-off"
ONE_SERVER = "one-server"


class Workload:
    """
    metrics: what the table shows, the first for the chart.  compared: ratios to
    each peer.  variants: further configurations of the daemon that belong here,
    by name or NAME@CPU+CPU.
    fresh: every measurement with a newly started proxy.  ends: which it stops itself.
    sections: of the daemon, for so many seconds a measurement, see peers.daemon(); on so
    many ports.  before: called in its process before it is executed.
    """

    def __init__(self, name, title, upstream, run, peers, metrics=REQUESTS,
                 compared=("cpu", "rate"), variants=None, fresh=False, ends=False,
                 sections=None, ports=1, before=None, keys=None):
        self.name, self.title, self.upstream, self.run = name, title, upstream, run
        self.peers, self.metrics, self.compared = peers, metrics, compared
        self.variants, self.fresh, self.ends = variants or {}, fresh, ends
        self.sections, self.ports, self.before = sections, ports, before
        self.keys = keys or {}


def counted(count, thing):
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def http(connections):
    return Workload(f"http-{connections}",
                    f"HTTP keep-alive, {counted(connections, 'connection')}, per request", "http",
                    lambda loads, target: loads.http(target, connections),
                    EVERY if connections < 1000 else ALL,
                    compared=("cpu", "p50") if connections == 1 else ("cpu", "rate"))


def pingpong(label, size, connections):
    few = connections == 1
    return Workload(f"pingpong-{label}-{connections}",
                    f"ping-pong of {label}, {counted(connections, 'connection')}, per message",
                    "echo",
                    lambda loads, target: loads.pingpong(target, size, connections),
                    EVERY if few else ALL, compared=("p50", "cpu") if few else ("cpu", "rate"),
                    metrics=("p50", "p99", "p999", "rate", "cpu", "machine") if few else REQUESTS,
                    variants={"busy-50us": {"busy_poll": "50us"},
                              "sqpoll@0+1": {"sqpoll": "on", "cpus": "0", "sqpoll_cpus": "1"}}
                    if few else None)


def bulk(streams, way):
    title = {"up": "client to server", "down": "server to client", "both": "both ways at once"}
    return Workload(f"bulk-{streams}-{way}",
                    f"bulk, {counted(streams, 'stream')}, {title[way]}", "iperf",
                    lambda loads, target: loads.bulk(target, streams, way), BULK, BYTES,
                    ("cpu_gib", "gbit"), {"copy": {"relay": "copy"}})


def echo(connections):
    return Workload(f"echo-{connections}",
                    f"echo service, 64 B, {counted(connections, 'connection')}, per message", None,
                    lambda loads, target: loads.pingpong(target, 64, connections),
                    ("epoll-echo",))


def openloop(kind, part, connections, peers):
    """Messages at times fixed in advance, at a part of the rate of a closed loop, in per cent."""
    title = {"echo": "echo service", "proxied": "proxied", "slow": "proxied to a server of 5 ms"}
    return Workload(f"open-{kind}-{part}",
                    f"{title[kind]}, 64 B, {counted(connections, 'connection')}, sent at random "
                    f"times at {part} % of a closed loop's rate, per message",
                    {"echo": None, "proxied": "echo", "slow": "slow"}[kind],
                    lambda loads, target: loads.openloop(target, kind, 64, connections, part),
                    peers, ("p50", "p99", "p999", "late", "cpu", "rate", "machine"),
                    ("p50", "p99", "cpu"), {UNCOALESCED: {"coalesce": "off"}})


def pool(balance, servers, peers, variants=None):
    """The same as churn, but for the choice of a server."""
    return Workload(f"pool-{balance}-{servers}",
                    f"HTTP, a connection per request, 64 at once, to one of {servers} servers by "
                    f"{balance}, per connection", "pool",
                    lambda loads, target: loads.http(target, 64, close=True), peers,
                    variants=variants, keys={"balance": balance, "servers": str(servers)})


def pick(servers):
    return Workload(f"pick-{servers}", f"choosing one of {counted(servers, 'server')}, without "
                    "the daemon", None, lambda loads, target: loads.pick(target, servers), (),
                    (*BALANCES, "cold_ns", "nobody_ns", "roster_us"), ())


def decide(entries):
    return Workload(f"clients-{entries}", f"deciding about a client, {entries:,} entries in the "
                    "table, without the daemon", None,
                    lambda loads, target: loads.decide(target, entries), (),
                    ("ns", "count_ns", "rate_ns", "new_ns"), ())


def look_up(family):
    return Workload(f"list-v{family}", f"a list of {LISTED_LINES:,} IPv{family} networks, without "
                    "the daemon", None,
                    lambda loads, target: loads.look_up(target, family, LISTED_LINES), (),
                    ("load_ms", "mb", "listed_ns", "other_ns"), ())


def route(names):
    return Workload(f"route-{names}", f"finding a route among those of {counted(names, 'name')}, "
                    "without the daemon", None,
                    lambda loads, target: loads.route(target, names), (),
                    ("found_ns", "missed_ns", "hello_ns", "table_ms"), ())


def short_of(kind, count):
    what = {"ports": "a local port", "backlog": "room in a unix backlog",
            "descriptors": "a descriptor"}.get(kind, f"what {kind} says is short")
    return Workload(f"shortage-{kind}", f"{counted(count, 'client')} wait for {what}, beside "
                    "1,000 messages a second of another section", "echo",
                    lambda loads, target: loads.shortage(target, kind), (),
                    ("waiting", "slower", "p50", "p99", "p50_alone", "p99_alone", "late"), (),
                    fresh=True, sections=shortage.sections(kind), ports=shortage.PORTS,
                    before=shortage.refuse(kind))


OPEN_LOOPS = [
    openloop(kind, part, connections, peers) for kind, connections, peers in (
        ("echo", 64, ("epoll-echo",)), ("proxied", 64, ALL), ("slow", 1000, ALL))
    for part in (20, 50, 80)]

WORKLOADS = [
    http(1), http(64), http(1000),
    Workload("churn", "HTTP, a connection per request, 64 at once, per connection", "http",
             lambda loads, target: loads.http(target, 64, close=True), MORE),
    *(pingpong(label, size, connections)
      for label, size in (("64B", 64), ("1K", 1024), ("16K", 16384))
      for connections in (1, 64, 1000)),
    *(bulk(streams, way) for streams in (1, 8) for way in ("up", "down", "both")),
    Workload("idle", "memory of an idle connection, 9,000 open", "echo",
             lambda loads, target: loads.idle(target, 9000), ALL, ("rss", "kernel"),
             ("rss", "kernel"), fresh=True),
    Workload("ending", "a connection's end beside 9,000 idle ones, and a stop with them", "echo",
             lambda loads, target: loads.ending(target, 200, 9000), ("haproxy", "nginx"),
             ("end", "end_few", "growth", "stop"), ("end", "stop"), fresh=True, ends=True),
    Workload("beside-idle", "HTTP keep-alive, 64 connections beside 8,000 idle ones", "http",
             lambda loads, target: loads.http_beside_idle(target, 64, 8000), ALL,
             ("growth", "cpu", "cpu_alone", "rate"), ("cpu",)),
    Workload("beside-scrapes", "HTTP keep-alive, 64 connections while metrics are asked for ten "
             "times a second", "http",
             lambda loads, target: loads.http_beside_scrapes(target, 64), (),
             ("kept", "slower", "growth", "rate", "cpu", "cpu_alone", "p99", "p99_alone"), (),
             sections=scrapes.sections, ports=scrapes.PORTS),
    echo(64), echo(1000), *OPEN_LOOPS,
    Workload("beside-bulk", "ping-pong of 64 B beside 64 downloads", "pour",
             lambda loads, target: loads.beside_bulk(target, 64),
             ("haproxy", "haproxy-auto", "haproxy-splice", "nginx"),
             ("p50", "p99", "gbit", "cpu_gib"), ("p50", "p99", "gbit"),
             {"copy": {"relay": "copy"}}),
    Workload("stalled", "a bulk stream beside a reader that stalls", "pour",
             lambda loads, target: loads.stalled(target, 1), ALL,
             ("kept", "queued", "gbit", "alone_gbit"), ("gbit",)),
    Workload("stalled-200", "a bulk stream beside 200 readers that stall", "pour",
             lambda loads, target: loads.stalled(target, 200), ALL,
             ("kept", "queued", "gbit", "alone_gbit"), ("gbit",)),
    Workload("stopped-200", "a bulk stream beside 200 readers that stop after 20 MiB", "pour",
             lambda loads, target: loads.stalled(target, 200, 20),
             ("haproxy", "haproxy-splice", "nginx", "relay-splice"),
             ("kept", "queued", "gbit", "alone_gbit"), ("gbit",)),
    Workload("timeouts", "how late connections are ended by timers: nine kinds of them, 13 of "
             "each, interleaved on a worker with 120 that are busy", "load",
             lambda loads, target: loads.timeouts(target), ("haproxy-timeouts",),
             ("latest", "late_median", "earliest", "missing"), (),
             sections=timeouts.sections, ports=timeouts.PORTS),
    Workload("rates", "how near connections come to download_rate and upload_rate: each way, "
             "relay and rate at once", "load",
             lambda loads, target: loads.rates(target), (), ("lowest", "highest"), (),
             sections=rates.sections, ports=rates.PORTS),
    pool("round_robin", 4, ("haproxy-roundrobin",)),
    pool("least_conn", 4, ("haproxy-leastconn", "nginx-least_conn")),
    pool("least_conn", 3, (), {ONE_SERVER: {"servers": "1"}}),
    *(pick(servers) for servers in PICKED_NS),
    *(decide(entries) for entries in DECIDED_NS),
    *(look_up(family) for family in LISTED),
    Workload("refused", "connections that deny refuses, as many as two processes make, alone and "
             "beside 1,000 messages a second of others", "echo",
             lambda loads, target: loads.refused(target), (),
             ("rate", "cpu", "slower", "p50", "p99", "p50_alone", "p99_alone", "late"), (),
             sections=knocks.sections, ports=knocks.PORTS),
    *(route(names) for names in ROUTED_NS),
    *(short_of(kind, count) for kind, count in shortage.WAITING.items()),
]
QUICK = ("http-64", "churn", "pingpong-64B-1", "bulk-1-up", "bulk-8-down", "echo-64",
         "open-proxied-50")
JUDGED = ("http-64", "http-1000", "churn", "bulk-1-up", "bulk-1-down", "bulk-1-both",
          "pingpong-64B-64")
QUICK_PEERS = ("haproxy", "haproxy-splice", "nginx", "relay", "relay-64k", "epoll-echo")


def targets():
    """
    (workload, metric, column, how, peer, bound): the ratio to a peer, the
    difference from it, or the value itself, "no more than" unless how ends in "+";
    with "~" it also does that the middle halves of both overlap.
    """
    ours = "uringproxy"
    for workload, bounds in {
            "http-64": {"haproxy": 0.85, "nginx": 0.82, "relay": 0.92},
            "http-1000": {"haproxy": 0.80, "nginx": 0.85, "relay": 0.92},
            "churn": {"haproxy": 0.88, "nginx": 0.88, "relay": 0.92},
            "pingpong-16K-64": {"haproxy": 1, "nginx": 1},
            "echo-64": {"epoll-echo": 0.85}, "echo-1000": {"epoll-echo": 0.85}}.items():
        for peer, bound in bounds.items():
            yield workload, "cpu", ours, "ratio", peer, bound
    for workload in ("http-64", "http-1000"):
        for peer in ALL:
            yield workload, "rate", ours, "ratio+", peer, 1
    for streams in (1, 8):
        for way in ("up", "down", "both"):
            name = f"bulk-{streams}-{way}"
            for peer, bound in {"haproxy": 0.32, "haproxy-auto": 0.80, "haproxy-splice": 1,
                                "nginx-64k": 0.45}.items():
                yield name, "cpu_gib", ours, "ratio", peer, bound
            for peer in ("haproxy", "haproxy-auto", "haproxy-splice", "nginx-64k"):
                yield name, "gbit", ours, "ratio+", peer, 1
            yield name, "cpu_gib", "copy", "ratio", "haproxy", 0.60
    yield "pingpong-64B-1", "p50", "busy-50us", "ratio", "haproxy", 0.40
    yield "pingpong-64B-1", "p50", "sqpoll", "ratio", "haproxy", 0.45
    for peer in ("haproxy", "nginx", "socket-proxyd", "socat"):
        yield "pingpong-64B-1", "p50", ours, "ratio", peer, 1
    for workload in OPEN_LOOPS:
        yield workload.name, "p50", ours, "ratio~", UNCOALESCED, 1.10
        yield workload.name, "p99", ours, "ratio~", UNCOALESCED, 1.15
    yield "idle", "rss", ours, "value", None, 1
    yield "idle", "kernel", ours, "difference", "relay", 1.5
    yield "beside-idle", "growth", ours, "value", None, 1.05
    yield "ending", "end", ours, "value", None, 100
    yield "ending", "growth", ours, "value", None, 3
    yield "ending", "stop", ours, "value", None, 3
    for column in (ours, "copy"):
        for metric in ("p50", "p99"):
            for peer in ("haproxy-auto", "haproxy-splice"):
                yield "beside-bulk", metric, column, "ratio", peer, 1
    yield "pool-round_robin-4", "cpu", ours, "ratio", "haproxy-roundrobin", 0.88
    for peer in ("haproxy-leastconn", "nginx-least_conn"):
        yield "pool-least_conn-4", "cpu", ours, "ratio", peer, 0.88
    yield "pool-least_conn-3", "cpu", ours, "ratio~", ONE_SERVER, 1
    for servers, bound in PICKED_NS.items():
        for balance in BALANCES:
            yield f"pick-{servers}", balance, ours, "value", None, bound
    for entries, bound in DECIDED_NS.items():
        for metric in ("ns", "count_ns", "rate_ns"):
            yield f"clients-{entries}", metric, ours, "value", None, bound
    for names, bound in ROUTED_NS.items():
        for found in ("found_ns", "missed_ns"):
            yield f"route-{names}", found, ours, "value", None, bound
    for family, bounds in LISTED.items():
        for metric, bound in (("load_ms", bounds["load_ms"]), ("mb", bounds["mb"]),
                              ("listed_ns", bounds["ns"]), ("other_ns", bounds["ns"])):
            yield f"list-v{family}", metric, ours, "value", None, bound
    yield "refused", "slower", ours, "value", None, 2
    for kind in shortage.WAITING:
        yield f"shortage-{kind}", "waiting", ours, "value", None, 2
        yield f"shortage-{kind}", "slower", ours, "value", None, 2
    yield "timeouts", "latest", ours, "value", None, 20
    yield "timeouts", "earliest", ours, "value+", None, -5
    yield "timeouts", "missing", ours, "value", None, 0
    yield "rates", "lowest", ours, "value+", None, 0.95
    yield "rates", "highest", ours, "value", None, 1.05
    yield "stalled", "kept", ours, "value+", None, 0.90
    yield "stalled", "queued", ours, "value", None, 512
    yield "stalled-200", "kept", ours, "value+", None, 0.80
    yield "stopped-200", "kept", ours, "value+", None, 0.80
