#include "control/metrics.h"

#include "control/metrics_item.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Scopes ------------------------------------------------------------------------------------
 */

static void label_worker(struct metrics_item *item)
{
	const struct metrics_worker *worker = item->at;

	snprintf(item->index, sizeof(item->index), "%u", worker->index);
	item_label(item, "worker", item->index);
}

static void label_listener(struct metrics_item *item)
{
	const struct metrics_listener *listener = item->at;

	item_label(item, "proxy", listener->proxy);
	item_label(item, "listener", listener->address);
}

static void label_rule(struct metrics_item *item)
{
	const struct metrics_rule *rule = item->at;

	item_label(item, "proxy", rule->proxy);
	item_label(item, "rule", rule->rule);
}

static void label_proxy(struct metrics_item *item)
{
	const struct metrics_proxy *proxy = item->at;

	item_label(item, "proxy", proxy->name);
	item_label(item, "kind", proxy->kind);
}

static void label_pool(struct metrics_item *item)
{
	const struct metrics_pool *pool = item->at;

	item_label(item, "pool", pool->name);
}

static void label_server(struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	item_label(item, "pool", server->pool);
	item_label(item, "server", server->name);
}

static void label_name(struct metrics_item *item)
{
	const struct metrics_name *name = item->at;

	item_label(item, "name", name->name);
}

static const struct {
	const char *word;
	size_t list, count, size;
	void (*label)(struct metrics_item *item);
} scopes[] = {
	[METRICS_PROCESS] = {"process", 0, 0, 0, NULL},
#define SCOPE(SCOPE, word, list)                                                                   \
	[METRICS_##SCOPE] = {#word, offsetof(struct metrics_snapshot, list),                       \
			     offsetof(struct metrics_snapshot, word##_count),                      \
			     sizeof(struct metrics_##word), label_##word}
	SCOPE(WORKER, worker, workers),
	SCOPE(LISTENER, listener, listeners),
	SCOPE(RULE, rule, rules),
	SCOPE(PROXY, proxy, proxies),
	SCOPE(POOL, pool, pools),
	SCOPE(SERVER, server, servers),
	SCOPE(NAME, name, names),
#undef SCOPE
};
static_assert(array_size(scopes) == METRICS_SCOPE_COUNT, "every scope has its row");

/* ---- The table ----------------------------------------------------------------------------------
 */

/* How its samples are made: one of own, a number at offset, or a histogram there. */
struct source {
	metrics_printer *own;
	const struct histogram_scale *scale; /* of a histogram */
	uint64_t units_per_second;           /* of a number; 0: it is no time */
	size_t offset;
};

struct row {
	struct metrics_family family;
	struct source source;
};

#define NUMBER(scope, field)                                                                       \
	{                                                                                          \
		.offset = offsetof(struct metrics_##scope, field)                                  \
	}
#define TIME(scope, field, units)                                                                  \
	{                                                                                          \
		.offset = offsetof(struct metrics_##scope, field), .units_per_second = (units)     \
	}
#define HISTOGRAM(scope, field, s)                                                                 \
	{                                                                                          \
		.offset = offsetof(struct metrics_##scope, field), .scale = &(s)                   \
	}
#define STAT(field)                                                                                \
	{                                                                                          \
		.offset = offsetof(struct metrics_worker, counters) +                              \
			  STATS_INDEX_##field * sizeof(uint64_t)                                   \
	}
#define OWN(function)                                                                              \
	{                                                                                          \
		.own = (function)                                                                  \
	}
#define ROW(scope, type, name, labels, help, ...)                                                  \
	{{name, EXPOSITION_##type, METRICS_##scope, labels, help}, __VA_ARGS__},

/* clang-format off */
static const struct row rows[] = {
ROW(PROCESS, GAUGE, "uringproxy_build_info", "version",
    "The version that runs; always 1.", OWN(item_print_build))
ROW(PROCESS, GAUGE, "uringproxy_ready", "",
    "Whether it serves and is neither draining nor stopping.", NUMBER(snapshot, ready))
ROW(PROCESS, GAUGE, "uringproxy_active_connections", "",
    "Connections there are.", NUMBER(snapshot, connections))
ROW(PROCESS, GAUGE, "uringproxy_connections_limit", "",
    "Connections there can be.", NUMBER(snapshot, connections_max))
ROW(PROCESS, GAUGE, "uringproxy_client_table_entries", "",
    "Clients that the table of max_per_client and client_rate knows.", NUMBER(snapshot, clients))
ROW(PROCESS, GAUGE, "uringproxy_client_table_limit", "",
    "Clients that it has room for.", NUMBER(snapshot, clients_max))
ROW(PROCESS, COUNTER, "uringproxy_client_table_evicted_total", "",
    "Clients that were forgotten for others, with no connection that was counted.",
    NUMBER(snapshot, clients_evicted))
ROW(PROCESS, GAUGE, "uringproxy_config_edition", "",
    "The edition of the configuration that new connections get.", NUMBER(snapshot, edition))
ROW(PROCESS, GAUGE, "uringproxy_config_editions", "",
    "Editions that connections still hold, the present one among them.", NUMBER(snapshot, editions))
ROW(PROCESS, COUNTER, "uringproxy_config_reloads_total", "result",
    "Reloads, by whether the new configuration was good.", OWN(item_print_reloads))
ROW(PROCESS, GAUGE, "uringproxy_config_reload_success", "",
    "Whether the last reload was good.", NUMBER(snapshot, reload_good))
ROW(PROCESS, GAUGE, "uringproxy_config_last_reload_timestamp_seconds", "",
    "When the configuration was read last, good or not.", TIME(snapshot, reload_ms, HISTOGRAM_MS))
ROW(PROCESS, COUNTER, "uringproxy_log_dropped_total", "log",
    "Lines of the log and of the access log that could not be written.", OWN(item_print_dropped))
ROW(PROCESS, GAUGE, "process_start_time_seconds", "",
    "When the process started.", TIME(snapshot, started_ms, HISTOGRAM_MS))
ROW(PROCESS, COUNTER, "process_cpu_seconds_total", "",
    "CPU time of all threads, the user's and the system's.", TIME(snapshot, cpu_ns, HISTOGRAM_NS))
ROW(PROCESS, GAUGE, "process_resident_memory_bytes", "",
    "Memory of the process that is in use.", NUMBER(snapshot, resident_bytes))
ROW(PROCESS, GAUGE, "process_open_fds", "",
    "File descriptors that are open.", NUMBER(snapshot, descriptors))
ROW(PROCESS, GAUGE, "process_max_fds", "",
    "File descriptors there can be.", NUMBER(snapshot, descriptors_max))

ROW(WORKER, GAUGE, "uringproxy_worker_active_connections", "worker",
    "Connections of the worker.", NUMBER(worker, connections))
ROW(WORKER, COUNTER, "uringproxy_worker_accepted_total", "worker",
    "Connections the worker accepted.", STAT(accepted))
ROW(WORKER, COUNTER, "uringproxy_worker_closed_total", "worker",
    "Connections of the worker that ended, whatever the reason.", STAT(closed))
ROW(WORKER, HISTOGRAM, "uringproxy_worker_loop_lag_seconds", "worker",
    "How long a turn of the worker took, for which whoever came next had to wait.",
    HISTOGRAM(worker, lag, HISTOGRAM_LAG))
ROW(WORKER, COUNTER, "uringproxy_worker_turns_total", "worker",
    "Turns of the worker.", STAT(turns))
ROW(WORKER, COUNTER, "uringproxy_worker_completions_total", "worker",
    "Completions taken from the ring; by turns, how many came at a time.", STAT(completions))
ROW(WORKER, GAUGE, "uringproxy_worker_buffer_bytes", "worker",
    "Receive buffers of the worker.", NUMBER(worker, buffer_bytes))
ROW(WORKER, GAUGE, "uringproxy_worker_buffer_used_bytes", "worker",
    "Receive buffers that hold what the other side has not taken.",
    NUMBER(worker, buffer_bytes_used))
ROW(WORKER, COUNTER, "uringproxy_worker_paused_total", "worker cause",
    "Times that something was short, by what it was.", OWN(item_print_paused))
ROW(WORKER, COUNTER, "uringproxy_worker_buffers_exhausted_total", "worker",
    "Receives that the kernel ended because no buffer was there.", STAT(buffers_exhausted))
ROW(WORKER, COUNTER, "uringproxy_worker_rate_waits_total", "worker",
    "Times that a direction of a connection waited for its rate.", STAT(rate_waits))
ROW(WORKER, COUNTER, "uringproxy_worker_accept_errors_total", "worker",
    "Accepts that failed.", STAT(accept_errors))
ROW(WORKER, COUNTER, "uringproxy_worker_refused_total", "worker",
    "Connections reset unserved.", STAT(refused))
ROW(WORKER, COUNTER, "uringproxy_worker_denied_total", "worker",
    "Connections refused for what their clients are.", STAT(denied))
ROW(WORKER, COUNTER, "uringproxy_worker_client_most_total", "worker",
    "Connections refused whose client had max_per_client already.", STAT(client_most))
ROW(WORKER, COUNTER, "uringproxy_worker_client_fast_total", "worker",
    "Connections refused whose client was faster than client_rate.", STAT(client_fast))
ROW(WORKER, COUNTER, "uringproxy_worker_client_table_full_total", "worker",
    "Connections let in uncounted, as the table of clients was full.", STAT(client_table_full))
ROW(WORKER, COUNTER, "uringproxy_worker_queued_total", "worker",
    "Connections that waited for a place at a server.", STAT(queued))
ROW(WORKER, COUNTER, "uringproxy_worker_queue_full_total", "worker",
    "Times that the submission queue had no entry free.", STAT(queue_full))
ROW(WORKER, COUNTER, "uringproxy_worker_overflows_total", "worker",
    "Turns that found the completion queue too short.", STAT(overflows))
ROW(WORKER, COUNTER, "uringproxy_worker_stale_completions_total", "worker",
    "Completions for a connection that had ended; expected 0.", STAT(stale_completions))
ROW(WORKER, COUNTER, "uringproxy_worker_buffers_missing_total", "worker",
    "Receive buffers not back when they should be; expected 0.", STAT(buffers_missing))

ROW(LISTENER, COUNTER, "uringproxy_listener_accepted_total", "proxy listener",
    "Connections accepted at the address.", NUMBER(listener, accepted))

ROW(RULE, COUNTER, "uringproxy_rule_refused_total", "proxy rule",
    "Connections refused by a line of allow or deny.", NUMBER(rule, refused))

ROW(PROXY, GAUGE, "uringproxy_proxy_active_connections", "proxy kind",
    "Connections of the proxy or service.", NUMBER(proxy, connections))
ROW(PROXY, GAUGE, "uringproxy_proxy_connections_limit", "proxy kind",
    "Connections it can have; 0 where only the limit of all counts.",
    NUMBER(proxy, connections_max))
ROW(PROXY, GAUGE, "uringproxy_proxy_connections_kept", "proxy kind",
    "Connections it can have whatever others have.", NUMBER(proxy, connections_kept))
ROW(PROXY, GAUGE, "uringproxy_proxy_draining", "proxy kind",
    "Whether it is drained by an operator.", NUMBER(proxy, draining))
ROW(PROXY, COUNTER, "uringproxy_proxy_connections_total", "proxy kind",
    "Connections that were served.", NUMBER(proxy, connections_total))
ROW(PROXY, COUNTER, "uringproxy_proxy_ended_total", "proxy kind reason side",
    "Connections that ended, by the reason and the side of its cause; those there were.",
    OWN(item_print_ended))
ROW(PROXY, COUNTER, "uringproxy_proxy_refused_total", "proxy kind cause",
    "Clients that were refused before they were served, by the cause; those there were.",
    OWN(item_print_refused))
ROW(PROXY, COUNTER, "uringproxy_proxy_bytes_total", "proxy kind direction",
    "Bytes that reached the other side, up from clients and down to them.",
    OWN(item_print_proxy_bytes))
ROW(PROXY, HISTOGRAM, "uringproxy_proxy_lifetime_seconds", "proxy kind",
    "How long connections lasted.", HISTOGRAM(proxy, lifetime, HISTOGRAM_LIFETIME))
ROW(PROXY, HISTOGRAM, "uringproxy_proxy_first_byte_seconds", "proxy kind",
    "From the accept to the first byte from the server.",
    HISTOGRAM(proxy, first_byte, HISTOGRAM_FIRST_BYTE))
ROW(PROXY, HISTOGRAM, "uringproxy_proxy_client_rtt_seconds", "proxy kind",
    "Round trips to clients, as the kernel has them at the end; of one connection in sixty-four, and with an access log of up to a thousand a second more for each worker.",
    HISTOGRAM(proxy, rtt, HISTOGRAM_RTT))

ROW(POOL, GAUGE, "uringproxy_pool_servers", "pool",
    "Servers of the pool.", NUMBER(pool, servers))
ROW(POOL, GAUGE, "uringproxy_pool_servers_up", "pool",
    "Servers that get new connections.", NUMBER(pool, servers_up))
ROW(POOL, GAUGE, "uringproxy_pool_panic", "pool",
    "Whether servers that are down are used for want of others.", NUMBER(pool, panic))
ROW(POOL, GAUGE, "uringproxy_pool_queued", "pool",
    "Clients that wait for a server.", NUMBER(pool, queued))
ROW(POOL, COUNTER, "uringproxy_pool_retries_total", "pool",
    "Attempts at another server after one had failed.", NUMBER(pool, retries))
ROW(POOL, HISTOGRAM, "uringproxy_pool_connect_seconds", "pool",
    "How long connecting to a server took, where it was connected to.",
    HISTOGRAM(pool, connect, HISTOGRAM_CONNECT))
ROW(POOL, HISTOGRAM, "uringproxy_pool_rtt_seconds", "pool",
    "Round trips to servers, as the kernel has them at the end; of the same connections.",
    HISTOGRAM(pool, rtt, HISTOGRAM_RTT))

ROW(SERVER, GAUGE, "uringproxy_server_up", "pool server",
    "Whether it is well, and gets new connections.", NUMBER(server, up))
ROW(SERVER, GAUGE, "uringproxy_server_state", "pool server state",
    "The state it is in: the series of that word is 1, and there is no other.", OWN(item_print_state))
ROW(SERVER, GAUGE, "uringproxy_server_ruling", "pool server ruling",
    "What an operator has said of it, and holds: drain or maint, weight, max_connections; each that there is.",
    OWN(item_print_rulings))
ROW(SERVER, GAUGE, "uringproxy_server_weight", "pool server",
    "Its share of new connections.", NUMBER(server, weight))
ROW(SERVER, GAUGE, "uringproxy_server_backup", "pool server",
    "Whether it is for when no other is left.", NUMBER(server, backup))
ROW(SERVER, GAUGE, "uringproxy_server_active_connections", "pool server",
    "Connections to it.", NUMBER(server, connections))
ROW(SERVER, GAUGE, "uringproxy_server_connections_limit", "pool server",
    "Connections it can have; 0 for no limit.", NUMBER(server, connections_max))
ROW(SERVER, GAUGE, "uringproxy_server_queued", "pool server",
    "Clients that wait for it.", NUMBER(server, queued))
ROW(SERVER, COUNTER, "uringproxy_server_connections_total", "pool server",
    "Connections to it that were established.", NUMBER(server, connections_total))
ROW(SERVER, COUNTER, "uringproxy_server_failures_total", "pool server cause",
    "Attempts to connect to it that failed, by the reason; those there were.", OWN(item_print_failures))
ROW(SERVER, COUNTER, "uringproxy_server_bytes_total", "pool server direction",
    "Bytes that reached the other side, up to the server and down from it.",
    OWN(item_print_server_bytes))
ROW(SERVER, GAUGE, "uringproxy_server_check_duration_seconds", "pool server",
    "How long the last check of it took.", OWN(item_print_check_seconds))
ROW(SERVER, COUNTER, "uringproxy_server_check_failures_total", "pool server",
    "Checks of it that failed.", OWN(item_print_check_failures))
ROW(SERVER, GAUGE, "uringproxy_server_last_change_timestamp_seconds", "pool server",
    "When it came into its state.", TIME(server, changed_ms, HISTOGRAM_MS))
ROW(SERVER, COUNTER, "uringproxy_server_ejections_total", "pool server",
    "Times that connections which failed took it out.", NUMBER(server, ejections))

ROW(SERVER, GAUGE, "uringproxy_server_free_ports", "pool server source",
    "Local ports that are left for connections to it, by the source address; where there is one.",
    OWN(item_print_free_ports))

ROW(NAME, COUNTER, "uringproxy_name_resolutions_total", "name result",
    "Look-ups of the host name, by what came of them.", OWN(item_print_name_results))
ROW(NAME, COUNTER, "uringproxy_name_changes_total", "name",
    "Times that it stood for other addresses than before.", NUMBER(name, changes))
ROW(NAME, GAUGE, "uringproxy_name_records", "name",
    "Addresses that the name has.", NUMBER(name, records))
ROW(NAME, GAUGE, "uringproxy_name_age_seconds", "name",
    "How old the last good answer is.", OWN(item_print_name_age))
};
/* clang-format on */

unsigned metrics_family_count(void)
{
	return array_size(rows);
}

const struct metrics_family *metrics_family(unsigned index)
{
	assert(index < array_size(rows));
	return &rows[index].family;
}

static bool is_histograms(const struct metrics_family *family, const char *suffix)
{
	return family->type == EXPOSITION_HISTOGRAM &&
	       (!strcmp(suffix, "_bucket") || !strcmp(suffix, "_sum") || !strcmp(suffix, "_count"));
}

const struct metrics_family *metrics_find(const char *name)
{
	for (size_t i = 0; i < array_size(rows); i++) {
		const struct metrics_family *family = &rows[i].family;
		size_t length = strlen(family->name);

		if (strncmp(name, family->name, length) == 0 &&
		    (!name[length] || is_histograms(family, name + length)))
			return family;
	}
	return NULL;
}

/* ---- Printing -----------------------------------------------------------------------------------
 */

static void print_item(struct exposition *page, const struct row *row,
		       const struct metrics_item *item)
{
	const struct source *source = &row->source;
	const unsigned char *field = (const unsigned char *)item->at + source->offset;
	uint64_t number;

	if (source->own) {
		source->own(page, item);
		return;
	}
	if (source->scale) {
		/* Of what nothing was measured there is nothing to show. */
		if (histogram_count((const struct histogram_total *)(const void *)field) == 0)
			return;
		exposition_histogram(page, item->labels, item->label_count, source->scale,
				     (const struct histogram_total *)(const void *)field);
		return;
	}
	memcpy(&number, field, sizeof(number));
	if (source->units_per_second)
		exposition_seconds(page, item->labels, item->label_count, number,
				   source->units_per_second);
	else
		exposition_count(page, item->labels, item->label_count, number);
}

static void print_row(struct exposition *page, const struct row *row,
		      const struct metrics_snapshot *snapshot)
{
	const unsigned char *base = (const unsigned char *)snapshot, *list = base;
	enum metrics_scope scope = row->family.scope;
	size_t count = 1;

	if (scopes[scope].label) {
		memcpy(&list, base + scopes[scope].list, sizeof(list));
		memcpy(&count, base + scopes[scope].count, sizeof(count));
	}
	exposition_family(page, row->family.name, row->family.type, row->family.help);
	for (size_t i = 0; i < count; i++) {
		struct metrics_item item = {.snapshot = snapshot,
					    .at = list + i * scopes[scope].size};

		if (scopes[scope].label)
			scopes[scope].label(&item);
		print_item(page, row, &item);
	}
}

int metrics_filter_scope(struct metrics_filter *filter, const char *word)
{
	for (unsigned i = 0; i < METRICS_SCOPE_COUNT; i++) {
		if (strcmp(scopes[i].word, word) != 0)
			continue;
		filter->has_scope = true;
		filter->scope = (enum metrics_scope)i;
		return 0;
	}
	return -EINVAL;
}

static bool is_wanted(const struct metrics_filter *filter, const struct metrics_family *family)
{
	if (filter->has_scope && filter->scope != family->scope)
		return false;
	return !filter->prefix ||
	       strncmp(family->name, filter->prefix, strlen(filter->prefix)) == 0;
}

void metrics_print(const struct metrics_snapshot *snapshot, const struct metrics_filter *filter,
		   struct exposition *page)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (is_wanted(filter, &rows[i].family))
			print_row(page, &rows[i], snapshot);
	exposition_end(page);
}
