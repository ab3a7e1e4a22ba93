#include "config/schema.h"

#include "config/client_rule.h"
#include "config/route_line.h"
#include "config/source.h"
#include "config/suggest.h"

#include <string.h>
#include <strings.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (MIB * MIB)

#define SECOND UINT64_C(1000) /* of the fields in milliseconds */
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define OFF      "off"
#define AUTO     "auto"
#define INFINITE "infinity"

static const char *const autos[] = {
	[CONFIG_AUTO] = "auto", [CONFIG_ON] = "on", [CONFIG_OFF] = "off", NULL};
static const char *const sandboxes[] = {
	[CONFIG_SANDBOX_ON] = "on", [CONFIG_SANDBOX_OFF] = "off", NULL};
static const char *const levels[] = {[CONFIG_LEVEL_ERROR] = "error",
				     [CONFIG_LEVEL_WARNING] = "warning",
				     [CONFIG_LEVEL_INFO] = "info",
				     [CONFIG_LEVEL_DEBUG] = "debug",
				     NULL};
static const char *const checks_logged[] = {
	[CONFIG_LOG_CHECKS_CHANGES] = "changes", [CONFIG_LOG_CHECKS_ALL] = "all", NULL};
static const char *const formats[] = {[CONFIG_FORMAT_TEXT] = "text",
				      [CONFIG_FORMAT_JSON] = "json",
				      [CONFIG_FORMAT_HAPROXY] = "haproxy",
				      NULL};
static const char *const if_alives[] = {
	[CONFIG_IF_ALIVE_KEEP] = "keep", [CONFIG_IF_ALIVE_CLOSE] = "close", NULL};
static const char *const relays[] = {
#define X(NAME, name) [CONFIG_RELAY_##NAME] = #name,
	CONFIG_RELAYS(X)
#undef X
		NULL};
#define X(NAME, name) [CONFIG_BALANCE_##NAME] = #name,
static const char *const balances[] = {CONFIG_BALANCES(X) NULL};
#undef X
#define X(NAME, name) [CONFIG_CHECK_##NAME] = #name,
static const char *const checks[] = {CONFIG_CHECKS(X) NULL};
#undef X
static const char *const on_downs[] = {[CONFIG_ON_DOWN_KEEP] = "keep",
				       [CONFIG_ON_DOWN_DRAIN] = "drain",
				       [CONFIG_ON_DOWN_RESET] = "reset",
				       NULL};
static const char *const on_ups[] = {
	[CONFIG_ON_UP_KEEP] = "keep", [CONFIG_ON_UP_RESET] = "reset", NULL};
static const char *const prefaces[] = {
	[CONFIG_PREFACE_NONE] = "none", [CONFIG_PREFACE_POSTGRES] = "postgres", NULL};
static const char *const rejects[] = {[CONFIG_REJECT_RST] = "rst",
				      [CONFIG_REJECT_FIN] = "fin",
				      [CONFIG_REJECT_DROP] = "drop",
				      NULL};
static const char *const accept_proxies[] = {[CONFIG_ACCEPT_PROXY_OFF] = "off",
					     [CONFIG_ACCEPT_PROXY_V1] = "v1",
					     [CONFIG_ACCEPT_PROXY_V2] = "v2",
					     [CONFIG_ACCEPT_PROXY_ANY] = "any",
					     NULL};
static const char *const others[] = {
	[CONFIG_OTHERS_REJECT] = "reject", [CONFIG_OTHERS_PLAIN] = "plain", NULL};
static const char *const send_proxies[] = {[CONFIG_SEND_PROXY_OFF] = "off",
					   [CONFIG_SEND_PROXY_V1] = "v1",
					   [CONFIG_SEND_PROXY_V2] = "v2",
					   NULL};
static const char *const families[] = {[CONFIG_FAMILY_AUTO] = "auto",
				       [CONFIG_FAMILY_IPV4] = "ipv4",
				       [CONFIG_FAMILY_IPV6] = "ipv6",
				       [CONFIG_FAMILY_IPV4_FIRST] = "ipv4_first",
				       [CONFIG_FAMILY_IPV6_FIRST] = "ipv6_first",
				       NULL};

/* What a change of its value needs. */
#define RELOAD  false
#define RESTART true

/* clang-format off */
/* The offset of a field, which must have the type that its schema_type is stored as. */
#define FIELD(type, member, ctype) \
	(offsetof(struct type, member) + \
	 0 * sizeof(char[_Generic(((struct type *)0)->member, ctype: 1, default: -1)]))
#define GLOBAL(name, change, type, ctype, member, min, max, zero, words, initial, help) \
	{name, IN_GLOBAL, SCHEMA_##type, OWNER_CONFIG, FIELD(config, member, ctype), min, max, zero, words, initial, help, change, NULL, GROUP_NONE, NULL}
#define LOG(name, change, type, ctype, member, words, initial, help) \
	{name, IN_LOG, SCHEMA_##type, OWNER_CONFIG, FIELD(config, member, ctype), 0, 0, NULL, words, initial, help, change, NULL, GROUP_NONE, NULL}
#define SETTING(name, kinds, type, member, min, max, zero, words, initial, help) \
	{name, IN_DEFAULTS | (kinds), SCHEMA_##type, OWNER_SETTINGS, FIELD(config_settings, member, uint32_t), min, max, zero, words, initial, help, RELOAD, NULL, GROUP_NONE, NULL}
#define RATE(name, kinds, member, initial, help) \
	{name, IN_DEFAULTS | (kinds), SCHEMA_RATE, OWNER_SETTINGS, FIELD(config_settings, member, struct value_rate), 0, 0, OFF, NULL, initial, help, RELOAD, NULL, GROUP_NONE, NULL}
#define SERVERS(name, type, ctype, member, min, max, zero, most, words, initial, help) \
	{name, IN_DEFAULTS | SERVER, SCHEMA_##type, OWNER_SETTINGS, FIELD(config_settings, member, ctype), min, max, zero, words, initial, help, RELOAD, most, GROUP_NONE, NULL}
#define SECTION(name, kinds, type, ctype, member, min, max, initial, help) \
	{name, kinds, SCHEMA_##type, OWNER_SECTION, FIELD(config_section, member, ctype), min, max, NULL, NULL, initial, help, RELOAD, NULL, GROUP_NONE, NULL}

#define ASKED(name, where, help) \
	{name, where, SCHEMA_LISTEN, OWNER_SECTION, FIELD(config_section, listens, struct config_endpoint *), 0, 0, OFF, NULL, NULL, help, RESTART, NULL, GROUP_NONE, NULL}

/* Lines whose order counts; with a word for none or NULL. */
#define LINES(name, kinds, group, zero, check, help) \
	{name, IN_DEFAULTS | (kinds), SCHEMA_LINE, OWNER_SECTION, FIELD(config_section, lines, struct config_line *), 0, 0, zero, NULL, zero, help, RELOAD, NULL, group, check}

#define EVERY IN_EVERY_SERVICE
#define PROXY IN_PROXY
#define SERVER (IN_PROXY | IN_POOL) /* of what has servers */

const struct schema_key schema_keys[] = {
	GLOBAL("workers",         RESTART, COUNT,  uint32_t, workers,          1, CONFIG_WORKERS_MAX, AUTO, NULL,  "auto", "worker threads, each with a ring of its own"),
	GLOBAL("sqpoll",          RESTART, WORD,   enum config_auto, sqpoll,   0, 0,        NULL, autos, "auto", "whether a kernel thread polls each ring"),
	GLOBAL("sqpoll_idle",     RESTART, MS,     uint32_t, sqpoll_idle_ms,   1, MINUTE,   NULL, NULL,  "10ms", "how long that thread polls in vain before it sleeps"),
	GLOBAL("sqpoll_cpus",     RESTART, CPUS,   uint64_t *, sqpoll_cpus,    0, 0,        AUTO, NULL,  "auto", "CPUs for those threads"),
	GLOBAL("cpus",            RESTART, CPUS,   uint64_t *, cpus,           0, 0,        OFF,  NULL,  "off",  "CPUs that workers are pinned to, in order"),
	GLOBAL("busy_poll",       RELOAD,  US,     uint32_t, busy_poll_us,     1, 1000,     OFF,  NULL,  "off",  "how long a worker spins before it sleeps"),
	GLOBAL("coalesce",        RESTART, US,     uint32_t, coalesce_us,      1, 1000,     OFF,  NULL,  "200us", "how long a worker before slow servers waits for several messages at once, and bulk for more"),
	GLOBAL("max_connections", RELOAD,  COUNT,  uint32_t, max_connections,  1, 16777215, AUTO, NULL,  "auto", "connections at once, all sections together"),
	GLOBAL("client_memory",   RESTART, SIZE64, uint64_t, client_memory,    64 * KIB, 4096 * MIB, NULL, NULL, "2M", "where the connections and rates of clients are counted, 32 bytes for each"),
	GLOBAL("buffer_memory",   RESTART, SIZE64, uint64_t, buffer_memory,    MIB, TIB,    AUTO, NULL,  "auto", "receive buffers, all workers together"),
	GLOBAL("buffer_size",     RESTART, SIZE,   uint32_t, buffer_size,      KIB, MIB,    AUTO, NULL,  "auto", "one receive buffer"),
	GLOBAL("drain_timeout",   RELOAD,  MS,     uint32_t, drain_timeout_ms, 1, DAY,      INFINITE, NULL, "30s", "how long connections may finish after a stop"),
	GLOBAL("drain_announce",  RELOAD,  MS,     uint32_t, drain_announce_ms, 1, HOUR,    OFF,  NULL,  "off",  "how long the daemon is not ready, and serves, before it stops or drains"),
	GLOBAL("drain_old",       RELOAD,  MS,     uint32_t, drain_old_ms,     1, 30 * DAY, INFINITE, NULL, "infinity", "how long connections may go on after a reload under what was before it"),
	GLOBAL("ring_sandbox",    RESTART, WORD,   enum config_sandbox, ring_sandbox, 0, 0, NULL, sandboxes, "on", "whether rings are restricted to what the engine asks of them"),
	GLOBAL("without",         RESTART, NAMES,  char *,   without,          0, 0,        OFF,  NULL,  "off",  "kernel features to do without"),

	LOG("level",  RELOAD,  WORD,   enum config_level,  level,  levels,  "info", "the least important messages that are logged"),
	LOG("access", RESTART, ACCESS, enum config_access, access, NULL,    "off",  "where one line per finished connection goes"),
	LOG("format", RESTART, WORD,   enum config_format, format, formats, "text", "how those lines are written"),
	LOG("checks", RELOAD,  WORD,   enum config_log_checks, log_checks, checks_logged, "changes", "whether each check of a server is logged, or only what changes by it"),
	{"open_every", IN_LOG, SCHEMA_MS, OWNER_CONFIG, FIELD(config, open_every_ms, uint32_t), SECOND, 30 * DAY, OFF, NULL, "off", "how often there is a line for each connection that is still open", RELOAD, NULL, GROUP_NONE, NULL},

	SECTION("listen", EVERY,        LISTEN, struct config_endpoint *, listens,        0, 0,        NULL,  "where clients connect; may be repeated"),
	SECTION("server", SERVER,       SERVER, struct config_endpoint *, servers,        0, 0,        NULL,  "where the proxy connects; may be repeated"),
	{"pool", IN_PROXY, SCHEMA_TEXT, OWNER_SECTION, FIELD(config_section, pool, char *), 0, 0, "none", NULL, "none", "the [pool] whose servers the proxy has, in place of its own", RELOAD, NULL, GROUP_NONE, NULL},
	{"route_sni",  IN_PROXY, SCHEMA_LINE, OWNER_SECTION, FIELD(config_section, lines, struct config_line *), 0, 0, NULL, NULL, NULL, "where clients go by the name that TLS asks for; may be repeated", RELOAD, NULL, GROUP_ROUTES, route_line_check_sni},
	{"route_alpn", IN_PROXY, SCHEMA_LINE, OWNER_SECTION, FIELD(config_section, lines, struct config_line *), 0, 0, NULL, NULL, NULL, "... or by a protocol that it offers; may be repeated", RELOAD, NULL, GROUP_ROUTES, route_line_check_alpn},
	{"no_sni", IN_PROXY, SCHEMA_TEXT, OWNER_SECTION, FIELD(config_section, no_sni, char *), 0, 0, "reject", NULL, "reject", "... and where those that ask for no name", RELOAD, NULL, GROUP_NONE, NULL},
	SECTION("hello_timeout", PROXY, MS,   uint32_t, hello_timeout_ms, 1, 10 * MINUTE, "5s", "how long a client may take to say its ClientHello"),
	SECTION("hello_max",     PROXY, SIZE, uint32_t, hello_max, 512, 64 * KIB, "16K", "how large that may be"),
	{"preface", IN_PROXY, SCHEMA_WORD, OWNER_SECTION, FIELD(config_section, preface, uint32_t), 0, 0, NULL, prefaces, "none", "what clients say before TLS", RELOAD, NULL, GROUP_NONE, NULL},
	SECTION("size",   IN_RESPONDER, SIZE,   uint32_t,                 responder_size, 0, 16 * MIB, "128", "bytes in the body of each response"),

	ASKED("listen", IN_CONTROL, "where the daemon is controlled; may be repeated"),
	ASKED("listen", IN_METRICS, "where its state is shown; may be repeated"),

	LINES("allow", EVERY, GROUP_CLIENTS, NULL, client_rule_check, "who may connect, asked in the order of the lines; may be repeated"),
	LINES("deny",  EVERY, GROUP_CLIENTS, NULL, client_rule_check, "who may not; the first line of both keys that names a client decides"),
	SETTING("reject",              EVERY, WORD,    reject,                0, 0,        NULL, rejects,   "rst",   "what a client that may not connect sees"),

	SETTING("accept_proxy",         EVERY, WORD, accept_proxy,            0, 0,            NULL, accept_proxies, "off", "whether a PROXY header comes before what a client says"),
	LINES("accept_proxy_from", EVERY, GROUP_PROXIES, NULL, client_rule_check_addresses, "who sends one; may be repeated"),
	SETTING("accept_proxy_others",  EVERY, WORD, accept_proxy_others,     0, 0,            NULL, others,  "reject", "what becomes of the others: they are rejected, or served as they are"),
	SETTING("accept_proxy_timeout", EVERY, MS,   accept_proxy_timeout_ms, 1, 10 * MINUTE,  NULL, NULL,    "5s",     "how long the header may take to come"),

	SETTING("relay",               PROXY, WORD,    relay,                 0, 0,        NULL, relays,    "auto",  "how bytes are moved"),
	SETTING("connect_timeout",     SERVER, MS,      connect_timeout_ms,    1, 10 * MINUTE, NULL, NULL,   "5s",    "how long a server may take to accept, before the next is tried"),
	SETTING("idle_timeout",        EVERY, MS,      idle_timeout_ms,       1, 30 * DAY, OFF,  NULL,      "1h",    "close a connection that is silent in both directions for so long"),
	SETTING("idle_if_alive",       EVERY, WORD,    idle_if_alive,         0, 0,        NULL, if_alives, "close", "what idle_timeout does to peers that still answer keepalives"),
	SETTING("half_close_timeout",  PROXY, MS,      half_close_timeout_ms, 1, 30 * DAY, OFF,  NULL,      "5min",  "the same once one side has finished sending"),
	SETTING("max_lifetime",        EVERY, MS,      max_lifetime_ms,       1, 30 * DAY, OFF,  NULL,      "off",   "close a connection of this age"),
	SETTING("max_lifetime_jitter", EVERY, PERCENT, max_lifetime_jitter,   1, 90,       OFF,  NULL,      "off",   "percentage of max_lifetime taken off at random"),
	SETTING("keepalive",           EVERY, SECONDS, keepalive_ms,          SECOND, 9 * HOUR, OFF,  NULL,      "off",   "probe peers that are silent for so long (TCP keepalive)"),
	SETTING("user_timeout",        EVERY, MS,      user_timeout_ms,       1, DAY,      OFF,  NULL,      "off",   "how long sent bytes may stay unacknowledged (TCP_USER_TIMEOUT)"),
	SETTING("max_connections",     EVERY, COUNT,   max_connections,       1, 16777215, OFF,  NULL,      "off",   "connections of this section at once"),
	SETTING("backlog",             EVERY, COUNT,   backlog,               1, 65535,    NULL, NULL,      "4096",  "connections that wait to be accepted, for each worker"),
	SETTING("receive_budget",      EVERY, SIZE,    receive_budget,        16 * KIB, 64 * MIB, NULL, NULL, "256K", "bytes that one direction of a connection may have waiting"),
	SETTING("pipe_size",           PROXY, SIZE,    pipe_size,             64 * KIB, 16 * MIB, NULL, NULL, "512K", "the pipes of relay = splice and auto"),

	SETTING("download_rate",       EVERY, SIZE,    download_rate,         KIB, 2 * GIB, OFF,  NULL,       "off",   "bytes a second to the client of one connection"),
	SETTING("upload_rate",         EVERY, SIZE,    upload_rate,           KIB, 2 * GIB, OFF,  NULL,       "off",   "bytes a second from the client of one connection"),
	SETTING("request_timeout",     IN_RESPONDER, MS, request_timeout_ms,  1, HOUR,      OFF,  NULL,       "10s",   "how long a client may take for the head of a request"),
	SETTING("max_per_client",      EVERY, COUNT,   max_per_client,        1, 1000000,  OFF,  NULL,      "off",   "connections of one client at once"),
	RATE("client_rate",            EVERY, client_rate,                    "off",   "how fast one client may connect"),
	SETTING("client_prefix_v4",    EVERY, COUNT,   client_prefix_v4,      1, 32,       NULL, NULL,      "32",    "bits of an IPv4 address that make a client"),
	SETTING("client_prefix_v6",    EVERY, COUNT,   client_prefix_v6,      1, 128,      NULL, NULL,      "64",    "bits of an IPv6 address that make a client"),
	RATE("accept_rate",            EVERY, accept_rate,                    "off",   "how fast connections are accepted at each address, from all clients together"),

	SERVERS("balance",       WORD,  uint32_t, balance,          0, 0,             NULL, NULL, balances, "round_robin", "which server a connection goes to"),
	SERVERS("retries",       COUNT, uint32_t, retries,          0, 255,           NULL, "all", NULL,  "all",    "how many further servers are tried where one cannot be reached"),
	SERVERS("retry_timeout", MS,    uint32_t, retry_timeout_ms, 1, HOUR,          OFF,  NULL, NULL,   "off",    "how long after its arrival a client is still sent to another server"),
	SERVERS("queue",         COUNT, uint32_t, queue,            1, 1000000,       OFF,  NULL, NULL,   "off",    "clients that may wait where all servers have their max_connections"),
	SERVERS("queue_timeout", MS,    uint32_t, queue_timeout_ms, 1, HOUR,          "connect_timeout", NULL, NULL, "connect_timeout", "how long they wait"),
	SERVERS("send_proxy",    WORD,  uint32_t, send_proxy,       0, 0,             NULL, NULL, send_proxies, "off", "whether servers are told of the client by a PROXY header"),
	SERVERS("send_proxy_tlv", TEXT, char *,   send_proxy_tlv,   0, 0,             "none", NULL, NULL, "none",  "what a header of version 2 says besides"),
	LINES("source", SERVER, GROUP_SOURCE, AUTO, source_check, "the address of this machine that connections to servers come from; may be repeated"),
	SERVERS("interface",     INTERFACE, char *, interface,      0, 0,             AUTO, NULL, NULL,   "auto",   "the interface that connections to servers go by"),
	SERVERS("mark",          MARK,  uint32_t, mark,             1, UINT32_MAX,    OFF,  NULL, NULL,   "off",    "the mark of packets to servers, for routes and firewalls"),
	SERVERS("check",         WORD,  uint32_t, check,            0, 0,             NULL, NULL, checks, "off",    "how servers are asked whether they are well"),
	SERVERS("check_request", TEXT,  char *,   check_request,    0, 0,             NULL, NULL, NULL,   "GET /",  "what check = http asks for"),
	SERVERS("check_host",    TEXT,  char *,   check_host,       0, 0,             AUTO, NULL, NULL,   "auto",   "the Host: that check = http names"),
	SERVERS("check_send",    TEXT,  char *,   check_send,       0, 0,             "none", NULL, NULL, "none",   "what check = send says"),
	SERVERS("check_expect",  TEXT,  char *,   check_expect,     0, 0,             AUTO, NULL, NULL,   "auto",   "what a server answers that is well"),
	SERVERS("check_user",    TEXT,  char *,   check_user,       0, 0,             "none", NULL, NULL, "none",   "who check = mysql and postgres say they are"),
	SERVERS("check_every",   MS,    uint32_t, check_every_ms,   10, DAY,          NULL, NULL, NULL,   "2s",     "how often each server is asked"),
	SERVERS("check_timeout", MS,    uint32_t, check_timeout_ms, 1, 10 * MINUTE,   NULL, NULL, NULL,   "1s",     "how long a server may take to accept and answer"),
	SERVERS("check_fall",    COUNT, uint32_t, check_fall,       1, 100,           NULL, NULL, NULL,   "3",      "failed checks in a row that make a server down"),
	SERVERS("check_rise",    COUNT, uint32_t, check_rise,       1, 100,           NULL, NULL, NULL,   "2",      "good checks in a row that make it up again"),
	SERVERS("check_fast",    MS,    uint32_t, check_fast_ms,    10, DAY,          AUTO, NULL, NULL,   "auto",   "how often it is asked on its way from one to the other"),
	SERVERS("on_down",       WORD,  uint32_t, on_down,          0, 0,             NULL, NULL, on_downs, "keep", "what becomes of connections at a server that is down"),
	SERVERS("on_up",         WORD,  uint32_t, on_up,            0, 0,             NULL, NULL, on_ups, "keep",   "what becomes of connections at a backup when a better server is up again"),
	SERVERS("panic",         PERCENT, uint32_t, panic,          1, 100,           "last_resort", OFF, NULL, "last_resort", "when servers that are down are tried all the same"),
	SERVERS("resolve_min",   MS,    uint32_t, resolve_min_ms,   100, DAY,         NULL, NULL, NULL,   "5s",     "how soon a name is looked up again at the earliest"),
	SERVERS("resolve_max",   MS,    uint32_t, resolve_max_ms,   100, DAY,         NULL, NULL, NULL,   "5min",   "... and at the latest"),
	SERVERS("resolve_hold",  MS,    uint32_t, resolve_hold_ms,  SECOND, 30 * DAY, INFINITE, NULL, NULL, "infinity", "how long the last answer holds when there is none"),
	SERVERS("resolver",      RESOLVER, char *, resolver,        0, 0,             AUTO, NULL, NULL,   "auto",   "who is asked for names"),
	SERVERS("family",        WORD,  uint32_t, family,           0, 0,             NULL, NULL, families, "auto", "which addresses of a name are used"),
};
/* clang-format on */
static_assert(array_size(schema_keys) == SCHEMA_KEY_COUNT, "the header knows how many");

/* clang-format off */
#define ONE(word, where, member) {word, "[" word "]", where, false, member}
#define NAMED(word, where)       {word, "[" word "]", where, true, 0}

const struct schema_section schema_sections[] = {
	ONE("global", IN_GLOBAL, 0),
	ONE("log", IN_LOG, 0),
	ONE("control", IN_CONTROL, offsetof(struct config, control)),
	ONE("metrics", IN_METRICS, offsetof(struct config, metrics)),
	ONE("defaults", IN_DEFAULTS, 0), /* the loader's */
	NAMED("proxy", IN_PROXY),
	NAMED("pool", IN_POOL),
#define X(NAME, name) NAMED(#name, IN_##NAME),
	CONFIG_SERVICES(X)
#undef X
};
/* clang-format on */
static_assert(array_size(schema_sections) == SCHEMA_SECTION_COUNT, "the header knows how many");

const struct schema_section *schema_section(const char *word)
{
	for (size_t i = 0; i < SCHEMA_SECTION_COUNT; i++)
		if (!strcasecmp(schema_sections[i].word, word))
			return &schema_sections[i];
	return NULL;
}

const struct schema_section *schema_section_of(unsigned where)
{
	const struct schema_section *section = schema_sections;

	while (!(section->where & where))
		section++;
	return section;
}

const struct schema_key *schema_find(const char *name, unsigned where)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (schema_keys[i].where & where && suggest_is_same(name, schema_keys[i].name))
			return &schema_keys[i];
	return NULL;
}

unsigned schema_places(const char *name)
{
	unsigned places = 0;

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (suggest_is_same(name, schema_keys[i].name))
			places |= schema_keys[i].where;
	return places;
}

/* What the same thing is called elsewhere, in the plainest form. */
struct synonym {
	const char *elsewhere, *here;
};

static const struct synonym synonyms[] = {
	{"bind", "listen"},
	{"address", "listen"},
	{"port", "listen"},
	{"upstream", "server"},
	{"backend", "server"},
	{"target", "server"},
	{"remote", "server"},
	{"connect", "server"},
	{"default_backend", "pool"},
	{"use_backend", "pool"},
	{"proxy_pass", "pool"},
	{"cluster", "pool"},
	{"sni", "route_sni"},
	{"server_name", "route_sni"},
	{"server_names", "route_sni"},
	{"use_server", "route_sni"},
	{"host_sni", "route_sni"},
	{"alpn", "route_alpn"},
	{"default_route", "no_sni"},
	{"inspect_delay", "hello_timeout"},
	{"preread_timeout", "hello_timeout"},
	{"preread_buffer_size", "hello_max"},
	{"ssl_preread", "route_sni"},
	{"starttls", "preface"},
	{"algorithm", "balance"},
	{"lb_policy", "balance"},
	{"lb_algo", "balance"},
	{"option", "check"},
	{"health_check", "check"},
	{"inter", "check_every"},
	{"interval", "check_every"},
	{"check_interval", "check_every"},
	{"fast_inter", "check_fast"},
	{"timeout_check", "check_timeout"},
	{"fall", "check_fall"},
	{"rise", "check_rise"},
	{"http_check", "check_expect"},
	{"expect", "check_expect"},
	{"timeout_queue", "queue_timeout"},
	{"max_queue", "queue"},
	{"redispatch", "retries"},
	{"proxy_next_upstream_tries", "retries"},
	{"proxy_next_upstream_timeout", "retry_timeout"},
	{"resolvers", "resolver"},
	{"nameserver", "resolver"},
	{"hold", "resolve_hold"},
	{"source_address", "source"},
	{"proxy_bind", "source"},
	{"bind_address", "source"},
	{"fwmark", "mark"},
	{"so_mark", "mark"},
	{"device", "interface"},
	{"bind_device", "interface"},
	{"threads", "workers"},
	{"nbthread", "workers"},
	{"workerprocesses", "workers"},
	{"maxconn", "max_connections"},
	{"limit_conn", "max_per_client"},
	{"max_conn_per_ip", "max_per_client"},
	{"per_source", "max_per_client"},
	{"max_connections_per_source", "max_per_client"},
	{"limit_req", "client_rate"},
	{"conn_rate", "client_rate"},
	{"rate_limit", "accept_rate"},
	{"rate_limit_sessions", "accept_rate"},
	{"max_conn_rate", "accept_rate"},
	{"timeout", "idle_timeout"},
	{"proxytimeout", "idle_timeout"},
	{"timeoutconnect", "connect_timeout"},
	{"proxyconnecttimeout", "connect_timeout"},
	{"loglevel", "level"},
	{"accesslog", "access"},
};

const char *schema_suggest(const char *name, unsigned where)
{
	struct suggest suggest;

	for (size_t i = 0; i < array_size(synonyms); i++)
		if (suggest_is_same(name, synonyms[i].elsewhere) &&
		    schema_find(synonyms[i].here, where))
			return synonyms[i].here;
	suggest_begin(&suggest, name);
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (schema_keys[i].where & where)
			suggest_offer(&suggest, schema_keys[i].name);
	return suggest.best;
}

const struct schema_section *schema_suggest_section(const char *word)
{
	static const struct synonym kin[] = {
		{"upstream", "pool"}, {"backend", "pool"},   {"cluster", "pool"},
		{"servers", "pool"},  {"frontend", "proxy"}, {"server", "proxy"},
		{"listen", "proxy"},  {"stream", "proxy"},
	};
	struct suggest suggest;

	for (size_t i = 0; i < array_size(kin); i++)
		if (suggest_is_same(word, kin[i].elsewhere))
			return schema_section(kin[i].here);
	suggest_begin(&suggest, word);
	for (size_t i = 0; i < SCHEMA_SECTION_COUNT; i++)
		suggest_offer(&suggest, schema_sections[i].word);
	return suggest.best ? schema_section(suggest.best) : NULL;
}

bool schema_applies(const struct schema_key *key, const struct config_section *section)
{
	bool elsewhere = section->pool || (section->route_count && !section->server_count);

	return !(key->where & IN_POOL && elsewhere);
}

bool schema_is_list(const struct schema_key *key)
{
	return key->type == SCHEMA_LISTEN || key->type == SCHEMA_SERVER || key->type == SCHEMA_LINE;
}
