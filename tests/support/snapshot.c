#include "support/snapshot.h"

#include "pool/departure.h"

enum { POINTS = 300 };

static const struct histogram_total some = {.counts = {5, 4, 3, 2, 1}, .sum = 123456789};

static struct metrics_worker workers[] = {
	{.index = 0, .connections = 700, .buffer_bytes = 33554432, .buffer_bytes_used = 1048576},
	{.index = 1, .connections = 504, .buffer_bytes = 33554432},
};

static struct metrics_listener listeners[] = {
	{"web", "0.0.0.0:80", 90211},
	{"web", "[::]:443", 17},
	{"echo", "unix:" SNAPSHOT_EVIL, 1},
};

static struct metrics_proxy proxies[] = {
	{
		.name = "web",
		.kind = "proxy",
		.connections = 1203,
		.connections_max = 10000,
		.connections_total = 90227,
		.bytes_up = 1u << 20,
		.bytes_down = UINT64_C(5000000000),
		.rates = {310, 120000, 24000000},
		.ended = {[REASON_COMPLETED] = {80000, 9000}, [REASON_CONNECT_REFUSED] = {0, 24}},
		.refused = {[REFUSED_DENIED] = 3, [REFUSED_CLIENT_FAST] = 17},
	},
	{.name = "echo", .kind = "echo", .connections = 1, .connections_total = 1},
};

static struct metrics_pool pools[] = {
	{.name = "web", .servers = 3, .servers_up = 2, .queued = 0, .retries = 24},
};

static const struct source source = {.text = "10.0.0.5"};
static const _Atomic uint32_t ports = 28232;
static struct way way = {
	.ports = &ports,
	.count = 1,
	.berths = {{.way = &way, .source = &source, .open = 228}},
};

static struct metrics_server servers[] = {
	{
		.pool = "web",
		.name = "app1",
		.address = "10.0.0.1:8080",
		.state = "up",
		.why = "",
		.up = 1,
		.weight = 10,
		.connections = 603,
		.connections_max = 1000,
		.connections_total = 45000,
		.bytes_up = 1u << 19,
		.bytes_down = UINT64_C(2500000000),
		.rates = {155, 60000, 12000000},
		.checked = 1,
		.check_ns = 1200000,
	},
	{
		.pool = "web",
		.name = "app2",
		.address = "10.0.0.2:8080",
		.state = "down",
		.why = "check: connection refused",
		.weight = 10,
		.connections_total = 20,
		.failures = {[REASON_CONNECT_REFUSED] = 24},
		.checked = 1,
		.check_ns = 300000,
		.check_failures = 7,
		.ejections = 1,
		.way = &way,
	},
	{
		.pool = "web",
		.name = SNAPSHOT_EVIL,
		.address = "[2001:db8::3]:8080",
		.state = "drain",
		.why = "by root: " SNAPSHOT_EVIL,
		.up = 1,
		.weight = 1,
		.weight_configured = 3,
		.priority = 256,
		.backup = 1,
		.ruling = "drain",
		.reason = SNAPSHOT_EVIL,
		.said_state = {"root", UINT64_C(1794999990000)},
		.said_weight = {"root", UINT64_C(1794999990000)},
		.said_limit = {"root", UINT64_C(1794999990000)},
		.ruling_until_ms = UINT64_C(1795000600000),
		.connections = 600,
		.connections_total = 45180,
	},
};

static struct metrics_name names[] = {
	{.name = "db.example", .resolved = 12, .failed = 1, .records = 2},
};

static const char *const warnings[] = {
	"pool web: server app2 is down: check: connection refused",
	"[proxy " SNAPSHOT_EVIL "] listen: no interface of this machine has that address now",
};

static struct metrics_point points[POINTS];

static struct metrics_rule rules[] = {
	{"web", "deny = file:" SNAPSHOT_EVIL, "/etc/uringproxy.conf", 12, 4211},
	{"web", "no line of allow names them", NULL, 0, 0},
};

static struct metrics_snapshot snapshot = {
	.version = "0.2.0+test",
	.state = "serving",
	.ready = 1,
	.now_ms = UINT64_C(1795000000000),
	.started_ms = UINT64_C(1794900000000),
	.edition = 7,
	.editions = 2,
	.reloads = 6,
	.reloads_failed = 1,
	.reload_good = 1,
	.reload_ms = UINT64_C(1794999000500),
	.connections = 1204,
	.connections_max = 9936,
	.log_dropped = 3,
	.cpu_ns = UINT64_C(12345678901),
	.resident_bytes = 20 << 20,
	.descriptors = 2500,
	.descriptors_max = 20000,
	.workers = workers,
	.listeners = listeners,
	.rules = rules,
	.proxies = proxies,
	.pools = pools,
	.servers = servers,
	.names = names,
	.worker_count = array_size(workers),
	.listener_count = array_size(listeners),
	.rule_count = array_size(rules),
	.proxy_count = array_size(proxies),
	.pool_count = array_size(pools),
	.server_count = array_size(servers),
	.name_count = array_size(names),
	.warnings = warnings,
	.warning_count = array_size(warnings),
	.points = points,
	.point_count = POINTS,
};

struct metrics_snapshot *snapshot_sample(void)
{
	for (unsigned i = 0; i < POINTS; i++)
		points[i] = (struct metrics_point){
			.at_ms = snapshot.now_ms - (POINTS - 1 - i) * 2000ull,
			.connections = 1000 + i % 50 * 8,
			.accepted_per_second = i % 7 * 100,
			.bytes_per_second = i * 1000000ull,
			.lag_p99_ns = i % 100 == 99 ? 20480000 : 80000,
		};
	for (unsigned i = 0; i < array_size(workers); i++) {
		for (unsigned counter = 0; counter < STATS_COUNT; counter++)
			workers[i].counters[counter] = 1000 * (i + 1) + counter;
		workers[i].counters[STATS_INDEX_stale_completions] = 0;
		workers[i].counters[STATS_INDEX_buffers_missing] = 0;
		workers[i].lag = some;
	}
	for (unsigned i = 0; i < array_size(proxies); i++)
		proxies[i].lifetime = proxies[i].first_byte = proxies[i].rtt = some;
	pools[0].connect = pools[0].rtt = some;
	for (unsigned i = 0; i < array_size(servers); i++)
		servers[i].changed_ms = snapshot.now_ms - i * 60000;
	names[0].answered_ms = snapshot.now_ms - 1500;
	return &snapshot;
}
