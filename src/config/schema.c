#include "config/schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define TIB (MIB * MIB)

#define SECOND UINT64_C(1000) /* of the fields in milliseconds */
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define OFF      "off"
#define AUTO     "auto"
#define INFINITE "infinity"

#define NAME_MAX_COMPARED 64

static const char *const autos[] = {
	[CONFIG_AUTO] = "auto", [CONFIG_ON] = "on", [CONFIG_OFF] = "off", NULL};
static const char *const levels[] = {[CONFIG_LEVEL_ERROR] = "error",
				     [CONFIG_LEVEL_WARNING] = "warning",
				     [CONFIG_LEVEL_INFO] = "info",
				     [CONFIG_LEVEL_DEBUG] = "debug",
				     NULL};
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

/* What a change of its value needs. */
#define RELOAD  false
#define RESTART true

/* clang-format off */
/* The offset of a field, which must have the type that its schema_type is stored as. */
#define FIELD(type, member, ctype) \
	(offsetof(struct type, member) + \
	 0 * sizeof(char[_Generic(((struct type *)0)->member, ctype: 1, default: -1)]))
#define GLOBAL(name, change, type, ctype, member, min, max, zero, words, initial, help) \
	{name, IN_GLOBAL, SCHEMA_##type, OWNER_CONFIG, FIELD(config, member, ctype), min, max, zero, words, initial, help, change}
#define LOG(name, change, type, ctype, member, words, initial, help) \
	{name, IN_LOG, SCHEMA_##type, OWNER_CONFIG, FIELD(config, member, ctype), 0, 0, NULL, words, initial, help, change}
#define SETTING(name, kinds, type, member, min, max, zero, words, initial, help) \
	{name, IN_DEFAULTS | (kinds), SCHEMA_##type, OWNER_SETTINGS, FIELD(config_settings, member, uint32_t), min, max, zero, words, initial, help, RELOAD}
#define SECTION(name, kinds, type, ctype, member, min, max, initial, help) \
	{name, kinds, SCHEMA_##type, OWNER_SECTION, FIELD(config_section, member, ctype), min, max, NULL, NULL, initial, help, RELOAD}

#define ASKED(name, where, help) \
	{name, where, SCHEMA_LISTEN, OWNER_SECTION, FIELD(config_section, listens, struct config_endpoint *), 0, 0, OFF, NULL, NULL, help, RESTART}

#define EVERY IN_EVERY_SERVICE
#define PROXY IN_PROXY

const struct schema_key schema_keys[] = {
	GLOBAL("workers",         RESTART, COUNT,  uint32_t, workers,          1, CONFIG_WORKERS_MAX, AUTO, NULL,  "auto", "worker threads, each with a ring of its own"),
	GLOBAL("sqpoll",          RESTART, WORD,   enum config_auto, sqpoll,   0, 0,        NULL, autos, "auto", "whether a kernel thread polls each ring"),
	GLOBAL("sqpoll_idle",     RESTART, MS,     uint32_t, sqpoll_idle_ms,   1, MINUTE,   NULL, NULL,  "10ms", "how long that thread polls in vain before it sleeps"),
	GLOBAL("sqpoll_cpus",     RESTART, CPUS,   uint64_t *, sqpoll_cpus,    0, 0,        AUTO, NULL,  "auto", "CPUs for those threads"),
	GLOBAL("cpus",            RESTART, CPUS,   uint64_t *, cpus,           0, 0,        OFF,  NULL,  "off",  "CPUs that workers are pinned to, in order"),
	GLOBAL("busy_poll",       RELOAD,  US,     uint32_t, busy_poll_us,     1, 1000,     OFF,  NULL,  "off",  "how long a worker spins before it sleeps"),
	GLOBAL("coalesce",        RESTART, US,     uint32_t, coalesce_us,      1, 1000,     OFF,  NULL,  "200us", "how long a worker before slow servers waits for several messages at once, and bulk for more"),
	GLOBAL("max_connections", RELOAD,  COUNT,  uint32_t, max_connections,  1, 16777215, AUTO, NULL,  "auto", "connections at once, all sections together"),
	GLOBAL("buffer_memory",   RESTART, SIZE64, uint64_t, buffer_memory,    MIB, TIB,    AUTO, NULL,  "auto", "receive buffers, all workers together"),
	GLOBAL("buffer_size",     RESTART, SIZE,   uint32_t, buffer_size,      KIB, MIB,    AUTO, NULL,  "auto", "one receive buffer"),
	GLOBAL("drain_timeout",   RELOAD,  MS,     uint32_t, drain_timeout_ms, 1, DAY,      INFINITE, NULL, "30s", "how long connections may finish after a stop"),
	GLOBAL("drain_announce",  RELOAD,  MS,     uint32_t, drain_announce_ms, 1, HOUR,    OFF,  NULL,  "off",  "how long the daemon is not ready, and serves, before it stops or drains"),
	GLOBAL("drain_old",       RELOAD,  MS,     uint32_t, drain_old_ms,     1, 30 * DAY, INFINITE, NULL, "infinity", "how long connections may go on after a reload under what was before it"),
	GLOBAL("without",         RESTART, NAMES,  char *,   without,          0, 0,        OFF,  NULL,  "off",  "kernel features to do without"),

	LOG("level",  RELOAD,  WORD,   enum config_level,  level,  levels,  "info", "the least important messages that are logged"),
	LOG("access", RESTART, ACCESS, enum config_access, access, NULL,    "off",  "where one line per finished connection goes"),
	LOG("format", RESTART, WORD,   enum config_format, format, formats, "text", "how those lines are written"),
	{"open_every", IN_LOG, SCHEMA_MS, OWNER_CONFIG, FIELD(config, open_every_ms, uint32_t), SECOND, 30 * DAY, OFF, NULL, "off", "how often there is a line for each connection that is still open", RELOAD},

	SECTION("listen", EVERY,        LISTEN, struct config_endpoint *, listens,        0, 0,        NULL,  "where clients connect; may be repeated"),
	SECTION("server", PROXY,        SERVER, struct config_endpoint *, servers,        0, 0,        NULL,  "where the proxy connects; may be repeated"),
	SECTION("size",   IN_RESPONDER, SIZE,   uint32_t,                 responder_size, 0, 16 * MIB, "128", "bytes in the body of each response"),

	ASKED("listen", IN_CONTROL, "where the daemon is controlled; may be repeated"),
	ASKED("listen", IN_METRICS, "where its state is shown; may be repeated"),

	SETTING("relay",               PROXY, WORD,    relay,                 0, 0,        NULL, relays,    "auto",  "how bytes are moved"),
	SETTING("connect_timeout",     PROXY, MS,      connect_timeout_ms,    1, 10 * MINUTE, NULL, NULL,   "5s",    "how long a server may take to accept, before the next is tried"),
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

/* A name without what may be written either way; cut, as no key is that long. */
static void normalize(const char *name, char plain[NAME_MAX_COMPARED])
{
	size_t used = 0;

	for (; *name && used < NAME_MAX_COMPARED - 1; name++)
		if (*name != '-' && *name != '_')
			plain[used++] = (char)tolower((unsigned char)*name);
	plain[used] = 0;
}

const struct schema_key *schema_find(const char *name, unsigned where)
{
	char wanted[NAME_MAX_COMPARED], candidate[NAME_MAX_COMPARED];

	normalize(name, wanted);
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		normalize(schema_keys[i].name, candidate);
		if (schema_keys[i].where & where && !strcmp(wanted, candidate))
			return &schema_keys[i];
	}
	return NULL;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many letters have to be added, removed, replaced or swapped with their
 * neighbour to make one word of the other (optimal string alignment).
 */
static unsigned word_distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_COMPARED];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t width = strlen(b);

	for (unsigned j = 0; j <= width; j++)
		above[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[width];
}

/* The most letters that a slip of the hand gets wrong in a word of that length. */
static unsigned slip(const char *word)
{
	return strlen(word) < 4 ? 1 : strlen(word) < 8 ? 2 : 3;
}

const char *schema_suggest(const char *name, unsigned where)
{
	static const char *const others[][2] = {
		/* what the same thing is called elsewhere */
		{"bind", "listen"},
		{"address", "listen"},
		{"port", "listen"},
		{"upstream", "server"},
		{"backend", "server"},
		{"target", "server"},
		{"remote", "server"},
		{"connect", "server"},
		{"threads", "workers"},
		{"nbthread", "workers"},
		{"workerprocesses", "workers"},
		{"maxconn", "max_connections"},
		{"timeout", "idle_timeout"},
		{"proxytimeout", "idle_timeout"},
		{"timeoutconnect", "connect_timeout"},
		{"proxyconnecttimeout", "connect_timeout"},
		{"loglevel", "level"},
		{"accesslog", "access"},
	};
	char wanted[NAME_MAX_COMPARED], candidate[NAME_MAX_COMPARED];
	const char *best = NULL;
	unsigned best_distance;

	normalize(name, wanted);
	for (size_t i = 0; i < array_size(others); i++)
		if (!strcmp(wanted, others[i][0]) && schema_find(others[i][1], where))
			return others[i][1];

	best_distance = slip(wanted) + 1;
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		normalize(schema_keys[i].name, candidate);
		unsigned distance = word_distance(wanted, candidate);
		if (schema_keys[i].where & where && distance < best_distance) {
			best = schema_keys[i].name;
			best_distance = distance;
		}
	}
	return best;
}

const struct schema_section *schema_suggest_section(const char *word)
{
	const struct schema_section *best = NULL;
	char wanted[NAME_MAX_COMPARED];
	unsigned best_distance;

	normalize(word, wanted);
	best_distance = slip(wanted) + 1;
	for (size_t i = 0; i < SCHEMA_SECTION_COUNT; i++) {
		unsigned distance = word_distance(wanted, schema_sections[i].word);
		if (distance < best_distance) {
			best = &schema_sections[i];
			best_distance = distance;
		}
	}
	return best;
}

bool schema_is_list(const struct schema_key *key)
{
	return key->type == SCHEMA_LISTEN || key->type == SCHEMA_SERVER;
}
