/* The snapshot as one object of JSON; keys are added, never changed. */
#include "control/status.h"

#include "control/member.h"

#include <string.h>

/* The end of the bucket in which it is; null of nothing, and beyond all buckets. */
static void add_quantile(struct sheet *sheet, const char *name, const struct histogram_total *total,
			 const struct histogram_scale *scale, double quantile)
{
	uint64_t end = histogram_quantile(total, scale, quantile);

	if (end && end != UINT64_MAX) {
		member_seconds(sheet, name, end, scale->units_per_second);
		return;
	}
	member_key(sheet, name);
	sheet_add(sheet, "null");
}

static void add_quantiles(struct sheet *sheet, const char *name,
			  const struct histogram_total *total, const struct histogram_scale *scale)
{
	member_key(sheet, name);
	sheet_add(sheet, "{");
	member_number(sheet, "count", histogram_count(total));
	add_quantile(sheet, "p50", total, scale, 0.5);
	add_quantile(sheet, "p90", total, scale, 0.9);
	add_quantile(sheet, "p99", total, scale, 0.99);
	sheet_add(sheet, "}");
}

static void add_rates(struct sheet *sheet, const struct metrics_rates *rates)
{
	member_number(sheet, "connections_per_second", rates->connections);
	member_number(sheet, "bytes_up_per_second", rates->bytes_up);
	member_number(sheet, "bytes_down_per_second", rates->bytes_down);
}

/* By name, all sides together; those that never were are left out. */
static void add_reasons(struct sheet *sheet, const char *name, const uint64_t *numbers,
			unsigned width)
{
	member_key(sheet, name);
	sheet_add(sheet, "{");
	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		uint64_t count = 0;

		for (unsigned i = 0; i < width; i++)
			count += numbers[reason * width + i];
		if (count)
			member_number(sheet, reason_name((enum reason)reason), count);
	}
	sheet_add(sheet, "}");
}

/* ---- Lists -------------------------------------------------------------------------------------
 */

static void add_workers(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "workers");
	for (size_t i = 0; i < snapshot->worker_count; i++) {
		const struct metrics_worker *worker = &snapshot->workers[i];

		member_object(sheet, i);
		member_number(sheet, "worker", worker->index);
		member_number(sheet, "connections", worker->connections);
		member_number(sheet, "buffer_bytes", worker->buffer_bytes);
		member_number(sheet, "buffer_bytes_used", worker->buffer_bytes_used);
		add_quantiles(sheet, "lag_seconds", &worker->lag, &HISTOGRAM_LAG);
		member_key(sheet, "counters");
		sheet_add(sheet, "{");
		for (unsigned counter = 0; counter < STATS_COUNT; counter++)
			member_number(sheet, stats_name(counter), worker->counters[counter]);
		sheet_add(sheet, "}}");
	}
	sheet_add(sheet, "]");
}

static void add_listeners(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "listeners");
	for (size_t i = 0; i < snapshot->listener_count; i++) {
		const struct metrics_listener *listener = &snapshot->listeners[i];

		member_object(sheet, i);
		member_text(sheet, "proxy", listener->proxy);
		member_text(sheet, "address", listener->address);
		member_number(sheet, "accepted", listener->accepted);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_rules(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "rules");
	for (size_t i = 0; i < snapshot->rule_count; i++) {
		const struct metrics_rule *rule = &snapshot->rules[i];

		member_object(sheet, i);
		member_text(sheet, "proxy", rule->proxy);
		member_text(sheet, "rule", rule->rule);
		if (rule->file) {
			member_text(sheet, "file", rule->file);
			member_number(sheet, "line", rule->line);
		}
		member_number(sheet, "refused", rule->refused);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_proxies(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "proxies");
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		const struct metrics_proxy *proxy = &snapshot->proxies[i];

		member_object(sheet, i);
		member_text(sheet, "name", proxy->name);
		member_text(sheet, "kind", proxy->kind);
		member_truth(sheet, "draining", proxy->draining);
		member_number(sheet, "connections", proxy->connections);
		member_number(sheet, "connections_max", proxy->connections_max);
		member_number(sheet, "connections_total", proxy->connections_total);
		member_number(sheet, "bytes_up", proxy->bytes_up);
		member_number(sheet, "bytes_down", proxy->bytes_down);
		add_rates(sheet, &proxy->rates);
		add_reasons(sheet, "ended", &proxy->ended[0][0], SIDE_COUNT);
		add_quantiles(sheet, "lifetime_seconds", &proxy->lifetime, &HISTOGRAM_LIFETIME);
		add_quantiles(sheet, "first_byte_seconds", &proxy->first_byte,
			      &HISTOGRAM_FIRST_BYTE);
		add_quantiles(sheet, "client_rtt_seconds", &proxy->rtt, &HISTOGRAM_RTT);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_pools(struct sheet *sheet, const struct metrics_snapshot *snapshot,
		      const char *only)
{
	size_t count = 0;

	member_list(sheet, "pools");
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		const struct metrics_pool *pool = &snapshot->pools[i];

		if (only && strcmp(pool->name, only) != 0)
			continue;
		member_object(sheet, count++);
		member_text(sheet, "name", pool->name);
		member_number(sheet, "servers", pool->servers);
		member_number(sheet, "servers_up", pool->servers_up);
		member_truth(sheet, "panic", pool->panic);
		member_number(sheet, "queued", pool->queued);
		member_number(sheet, "retries", pool->retries);
		add_quantiles(sheet, "connect_seconds", &pool->connect, &HISTOGRAM_CONNECT);
		add_quantiles(sheet, "rtt_seconds", &pool->rtt, &HISTOGRAM_RTT);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_said(struct sheet *sheet, const char *name, const struct metrics_said *said)
{
	if (!said->by)
		return;
	member_key(sheet, name);
	sheet_add(sheet, "{");
	member_text(sheet, "by", said->by);
	member_time(sheet, "at", said->at_ms);
	sheet_add(sheet, "}");
}

/* What somebody has said of it, and holds: nothing of what nobody has. */
static void add_operator(struct sheet *sheet, const struct metrics_server *server)
{
	member_key(sheet, "operator");
	sheet_add(sheet, "{");
	if (server->said_state.by) {
		member_key(sheet, "state");
		sheet_add(sheet, "{");
		member_text(sheet, "is", server->ruling);
		member_text(sheet, "by", server->said_state.by);
		member_time(sheet, "at", server->said_state.at_ms);
		member_text(sheet, "reason", server->reason);
		member_time(sheet, "until", server->ruling_until_ms);
		sheet_add(sheet, "}");
	}
	add_said(sheet, "weight", &server->said_weight);
	add_said(sheet, "max_connections", &server->said_limit);
	sheet_add(sheet, "}");
}

void status_json_server(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			const struct metrics_server *server)
{
	member_text(sheet, "pool", server->pool);
	member_text(sheet, "name", server->name);
	member_text(sheet, "address", server->address);
	member_text(sheet, "state", server->state);
	member_text(sheet, "why", server->why);
	member_time(sheet, "since", server->changed_ms);
	member_seconds(sheet, "since_seconds",
		       snapshot->now_ms > server->changed_ms ? snapshot->now_ms - server->changed_ms
							     : 0,
		       1000);
	member_truth(sheet, "up", server->up);
	member_truth(sheet, "takes_connections", server->takes);
	member_number(sheet, "priority", server->priority);
	member_truth(sheet, "backup", server->backup);
	member_number(sheet, "weight", server->weight);
	member_number(sheet, "weight_configured", server->weight_configured);
	member_number(sheet, "connections", server->connections);
	member_number(sheet, "connections_max", server->connections_max);
	member_number(sheet, "connections_max_configured", server->connections_max_configured);
	add_operator(sheet, server);
	member_number(sheet, "queued", server->queued);
	member_number(sheet, "connections_total", server->connections_total);
	member_number(sheet, "bytes_up", server->bytes_up);
	member_number(sheet, "bytes_down", server->bytes_down);
	add_rates(sheet, &server->rates);
	add_reasons(sheet, "failures", server->failures, 1);
	if (server->checked) {
		member_seconds(sheet, "check_seconds", server->check_ns, HISTOGRAM_NS);
		member_number(sheet, "check_failures", server->check_failures);
	}
	if (server->check_word) {
		member_text(sheet, "check_result", server->check_word);
		member_text(sheet, "check_text", server->check_text);
		member_text(sheet, "health", server->health);
	}
	member_number(sheet, "ejections", server->ejections);
}

/* Those of that pool; NULL: of all. */
static void add_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			const char *pool)
{
	size_t count = 0;

	member_list(sheet, "servers");
	for (size_t i = 0; i < snapshot->server_count; i++) {
		if (pool && strcmp(snapshot->servers[i].pool, pool) != 0)
			continue;
		member_object(sheet, count++);
		status_json_server(sheet, snapshot, &snapshot->servers[i]);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_names(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "names");
	for (size_t i = 0; i < snapshot->name_count; i++) {
		const struct metrics_name *name = &snapshot->names[i];

		member_object(sheet, i);
		member_text(sheet, "name", name->name);
		member_number(sheet, "records", name->records);
		member_number(sheet, "resolved", name->resolved);
		member_number(sheet, "failed", name->failed);
		member_time(sheet, "answered", name->answered_ms);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_points(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_list(sheet, "points");
	for (size_t i = 0; i < snapshot->point_count; i++) {
		const struct metrics_point *point = &snapshot->points[i];

		member_object(sheet, i);
		member_time(sheet, "time", point->at_ms);
		member_number(sheet, "connections", point->connections);
		member_number(sheet, "accepted_per_second", point->accepted_per_second);
		member_number(sheet, "bytes_per_second", point->bytes_per_second);
		member_seconds(sheet, "lag_p99_seconds", point->lag_p99_ns, HISTOGRAM_NS);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

static void add_process(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	member_text(sheet, "version", snapshot->version);
	member_text(sheet, "state", snapshot->state);
	member_truth(sheet, "ready", snapshot->ready);
	member_time(sheet, "time", snapshot->now_ms);
	member_time(sheet, "started", snapshot->started_ms);
	member_number(sheet, "edition", snapshot->edition);
	member_number(sheet, "editions", snapshot->editions);
	member_number(sheet, "reloads", snapshot->reloads);
	member_number(sheet, "reloads_failed", snapshot->reloads_failed);
	member_truth(sheet, "reload_good", snapshot->reload_good);
	member_time(sheet, "reloaded", snapshot->reload_ms);
	member_number(sheet, "connections", snapshot->connections);
	member_number(sheet, "connections_max", snapshot->connections_max);
	member_number(sheet, "log_dropped", snapshot->log_dropped);
	member_number(sheet, "access_dropped", snapshot->access_dropped);
	member_seconds(sheet, "cpu_seconds", snapshot->cpu_ns, HISTOGRAM_NS);
	member_number(sheet, "resident_bytes", snapshot->resident_bytes);
	member_number(sheet, "descriptors", snapshot->descriptors);
	member_number(sheet, "descriptors_max", snapshot->descriptors_max);
}

void status_json_proxies(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	sheet_add(sheet, "{\"edition\":%llu", (unsigned long long)snapshot->edition);
	add_proxies(sheet, snapshot);
	add_listeners(sheet, snapshot);
	add_rules(sheet, snapshot);
	sheet_add(sheet, "}\n");
}

void status_json_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot,
			 const char *pool)
{
	sheet_add(sheet, "{\"edition\":%llu", (unsigned long long)snapshot->edition);
	add_pools(sheet, snapshot, pool);
	add_servers(sheet, snapshot, pool);
	sheet_add(sheet, "}\n");
}

void status_json(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	sheet_add(sheet, "{");
	add_process(sheet, snapshot);
	member_list(sheet, "warnings");
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		sheet_add(sheet, "%s", i ? "," : "");
		sheet_add_json(sheet, snapshot->warnings[i]);
	}
	sheet_add(sheet, "]");
	add_proxies(sheet, snapshot);
	add_listeners(sheet, snapshot);
	add_rules(sheet, snapshot);
	add_pools(sheet, snapshot, NULL);
	add_servers(sheet, snapshot, NULL);
	add_workers(sheet, snapshot);
	add_names(sheet, snapshot);
	add_points(sheet, snapshot);
	sheet_add(sheet, "}\n");
}
