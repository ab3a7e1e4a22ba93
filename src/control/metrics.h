/*
 * What there is to be seen of a daemon at one moment, as plain data, and the metrics
 * made of it.
 *
 * Whoever can see counters and states fills a snapshot in, without holding anybody up;
 * who shows it, as metrics (here) or as a page (status.h), reads nothing else.  Every
 * string is whoever's filled it in, and may be anything: it is escaped where it is shown.
 *
 * The families, their types, labels and words are rows of one table, metrics.c; the
 * dashboard, the alerts and the manual are held against it by tests.
 */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "control/exposition.h"
#include "ops/stats.h"
#include "session/reason.h"
#include "session/refused.h"

/* Times are milliseconds since 1970, other durations as said; a truth is 0 or 1. */

/* What came lately, each second: for pages, not for metrics. */
struct metrics_rates {
	uint64_t connections, bytes_up, bytes_down;
};

struct metrics_worker {
	uint32_t index;
	uint64_t connections;
	uint64_t buffer_bytes, buffer_bytes_used;
	uint64_t counters[STATS_COUNT];
	struct histogram_total lag; /* HISTOGRAM_LAG: from one turn's wake-up to its end */
};

struct metrics_listener {
	const char *proxy, *address;
	uint64_t accepted;
};

/* A line of allow or deny that has refused somebody, or may. */
struct metrics_rule {
	const char *proxy, *rule; /* "web", "deny = 10.0.0.0/8" */
	const char *file;         /* where it is written; NULL: it is what no line of allow is */
	uint64_t line;
	uint64_t refused;
};

struct metrics_proxy {
	const char *name, *kind;               /* "web", "proxy" */
	uint64_t connections, connections_max; /* 0: no limit of its own */
	uint64_t connections_total;
	uint64_t draining;
	uint64_t bytes_up, bytes_down;
	struct metrics_rates rates;
	uint64_t ended[REASON_COUNT][SIDE_COUNT];
	uint64_t refused[REFUSED_COUNT];
	uint64_t connections_kept;
	struct histogram_total lifetime, first_byte, rtt; /* HISTOGRAM_LIFETIME, ... */
};

struct metrics_pool {
	const char *name;
	uint64_t servers, servers_up;
	uint64_t panic;
	uint64_t queued, retries;
	struct histogram_total connect, rtt; /* HISTOGRAM_CONNECT, HISTOGRAM_RTT */
};

/* What an operator has said of a server, and holds. */
struct metrics_said {
	const char *by; /* NULL: nobody has said it */
	uint64_t at_ms;
};

struct way;

struct metrics_server {
	const char *pool, *name, *address;
	const char *state; /* one word: "up", "down", "drain", "maint" */
	const char *why;   /* ... in words; "" where there is nothing to say */
	uint64_t up;       /* nobody has something against it */
	uint64_t takes;    /* it gets new connections, if it is only to be tried */
	uint64_t weight, weight_configured, priority, backup;
	uint64_t connections, connections_max; /* 0: no limit */
	uint64_t connections_max_configured;
	struct metrics_said said_state, said_weight, said_limit;
	const char *ruling;       /* "drain", "maint", where said_state is said ... */
	const char *reason;       /* ... with this reason, "" for none ... */
	uint64_t ruling_until_ms; /* ... until then; 0: until it is taken back */
	uint64_t queued;
	uint64_t connections_total;
	uint64_t bytes_up, bytes_down;
	struct metrics_rates rates;
	uint64_t failures[REASON_COUNT]; /* of attempts to connect, by what it would have ended for
					  */
	uint64_t checked;                /* by active checks: only then are the next two shown */
	uint64_t check_ns, check_failures;
	const char *check_word; /* "L7OK" ... */
	const char *check_text; /* ... "http GET / answered 200" */
	const char *health;     /* "up", "up 2/3" */
	uint64_t changed_ms;    /* into its state */
	uint64_t ejections;
	const struct way *way; /* where connections come from; NULL: anywhere */
};

struct metrics_name {
	const char *name;
	uint64_t resolved, failed;
	uint64_t changes;
	uint64_t records;
	uint64_t answered_ms; /* 0: never */
};

/* What the page's graphs show: rates since the point before. */
struct metrics_point {
	uint64_t at_ms;
	uint64_t connections;
	uint64_t accepted_per_second;
	uint64_t bytes_per_second; /* both ways */
	uint64_t lag_p99_ns;
};

struct metrics_snapshot {
	const char *version;
	const char *state; /* "serving", "draining", "stopping" */
	uint64_t ready;
	uint64_t now_ms, started_ms;
	uint64_t edition;  /* of the configuration */
	uint64_t editions; /* that connections still hold, this one among them */
	uint64_t reloads, reloads_failed;
	uint64_t reload_good; /* the last one, 1 where there was none */
	uint64_t reload_ms;   /* when; the start, where there was none */
	uint64_t connections, connections_max;
	uint64_t clients, clients_max, clients_evicted; /* in the table of limits */
	uint64_t log_dropped, access_dropped;
	uint64_t cpu_ns, resident_bytes, descriptors, descriptors_max; /* of the process */

	struct metrics_worker *workers;
	struct metrics_listener *listeners;
	struct metrics_rule *rules;
	struct metrics_proxy *proxies;
	struct metrics_pool *pools;
	struct metrics_server *servers; /* those of a pool one behind the other */
	struct metrics_name *names;
	size_t worker_count, listener_count, rule_count, proxy_count, pool_count, server_count,
		name_count;

	const char *const *warnings; /* in words, as the log has them */
	size_t warning_count;
	const struct metrics_point *points; /* the oldest first */
	size_t point_count;
};

enum metrics_scope {
	METRICS_PROCESS,
	METRICS_WORKER,
	METRICS_LISTENER,
	METRICS_RULE,
	METRICS_PROXY,
	METRICS_POOL,
	METRICS_SERVER,
	METRICS_NAME,
	METRICS_SCOPE_COUNT,
};

/* A family by its index, up to metrics_family_count(). */
struct metrics_family {
	const char *name;
	enum exposition_type type;
	enum metrics_scope scope;
	const char *labels; /* separated by blanks; "" for none */
	const char *help;
};
unsigned metrics_family_count(void);
const struct metrics_family *metrics_family(unsigned index);
/* NULL where there is none; a histogram's also by its name with _bucket, _sum, _count. */
const struct metrics_family *metrics_find(const char *name);

/* What of it to show; all zeroes: everything. */
struct metrics_filter {
	const char *prefix; /* of the names; NULL: any */
	bool has_scope;
	enum metrics_scope scope;
};
/* ?scope= by its word: "server".  0, or -EINVAL for a word that is none. */
int metrics_filter_scope(struct metrics_filter *filter, const char *word) must_check;

/* All that the filter lets through, and the end of the page. */
void metrics_print(const struct metrics_snapshot *snapshot, const struct metrics_filter *filter,
		   struct exposition *page);

#endif
