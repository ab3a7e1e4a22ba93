/* The snapshot as one object of JSON; keys are added, never changed. */
#include "control/status.h"

#include <inttypes.h>
#include <time.h>

/* A key, with the comma that is due before it. */
static void key(struct sheet *sheet, const char *name)
{
	bool is_first = sheet->used && sheet->bytes[sheet->used - 1] == '{';

	sheet_add(sheet, "%s\"%s\":", is_first ? "" : ",", name);
}

static void add_text(struct sheet *sheet, const char *name, const char *text)
{
	key(sheet, name);
	sheet_add_json(sheet, text);
}

static void add_number(struct sheet *sheet, const char *name, uint64_t number)
{
	key(sheet, name);
	sheet_add(sheet, "%" PRIu64, number);
}

static void add_truth(struct sheet *sheet, const char *name, bool truth)
{
	key(sheet, name);
	sheet_add(sheet, "%s", truth ? "true" : "false");
}

static void add_seconds(struct sheet *sheet, const char *name, uint64_t units, uint64_t per_second)
{
	key(sheet, name);
	sheet_add(sheet, "%.9g", (double)units / (double)per_second);
}

/* null for a time that has not been. */
static void add_time(struct sheet *sheet, const char *name, uint64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[32] = "";
	struct tm tm;

	key(sheet, name);
	if (ms && gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		sheet_add(sheet, "\"%s.%03uZ\"", text, (unsigned)(ms % 1000));
	else
		sheet_add(sheet, "null");
}

/* The end of the bucket in which it is; null of nothing, and beyond all buckets. */
static void add_quantile(struct sheet *sheet, const char *name, const struct histogram_total *total,
			 const struct histogram_scale *scale, double quantile)
{
	uint64_t end = histogram_quantile(total, scale, quantile);

	if (end && end != UINT64_MAX) {
		add_seconds(sheet, name, end, scale->units_per_second);
		return;
	}
	key(sheet, name);
	sheet_add(sheet, "null");
}

static void add_quantiles(struct sheet *sheet, const char *name,
			  const struct histogram_total *total, const struct histogram_scale *scale)
{
	key(sheet, name);
	sheet_add(sheet, "{");
	add_number(sheet, "count", histogram_count(total));
	add_quantile(sheet, "p50", total, scale, 0.5);
	add_quantile(sheet, "p90", total, scale, 0.9);
	add_quantile(sheet, "p99", total, scale, 0.99);
	sheet_add(sheet, "}");
}

static void begin_list(struct sheet *sheet, const char *name)
{
	key(sheet, name);
	sheet_add(sheet, "[");
}

/* An object in a list. */
static void begin_object(struct sheet *sheet, size_t index)
{
	sheet_add(sheet, "%s\n{", index ? "," : "");
}

static void add_rates(struct sheet *sheet, const struct metrics_rates *rates)
{
	add_number(sheet, "connections_per_second", rates->connections);
	add_number(sheet, "bytes_up_per_second", rates->bytes_up);
	add_number(sheet, "bytes_down_per_second", rates->bytes_down);
}

/* By name, all sides together; those that never were are left out. */
static void add_reasons(struct sheet *sheet, const char *name, const uint64_t *numbers,
			unsigned width)
{
	key(sheet, name);
	sheet_add(sheet, "{");
	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		uint64_t count = 0;

		for (unsigned i = 0; i < width; i++)
			count += numbers[reason * width + i];
		if (count)
			add_number(sheet, reason_name((enum reason)reason), count);
	}
	sheet_add(sheet, "}");
}

/* ---- Lists -------------------------------------------------------------------------------------
 */

static void add_workers(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "workers");
	for (size_t i = 0; i < snapshot->worker_count; i++) {
		const struct metrics_worker *worker = &snapshot->workers[i];

		begin_object(sheet, i);
		add_number(sheet, "worker", worker->index);
		add_number(sheet, "connections", worker->connections);
		add_number(sheet, "buffer_bytes", worker->buffer_bytes);
		add_number(sheet, "buffer_bytes_used", worker->buffer_bytes_used);
		add_quantiles(sheet, "lag_seconds", &worker->lag, &HISTOGRAM_LAG);
		key(sheet, "counters");
		sheet_add(sheet, "{");
		for (unsigned counter = 0; counter < STATS_COUNT; counter++)
			add_number(sheet, stats_name(counter), worker->counters[counter]);
		sheet_add(sheet, "}}");
	}
	sheet_add(sheet, "]");
}

static void add_listeners(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "listeners");
	for (size_t i = 0; i < snapshot->listener_count; i++) {
		const struct metrics_listener *listener = &snapshot->listeners[i];

		begin_object(sheet, i);
		add_text(sheet, "proxy", listener->proxy);
		add_text(sheet, "address", listener->address);
		add_number(sheet, "accepted", listener->accepted);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_proxies(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "proxies");
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		const struct metrics_proxy *proxy = &snapshot->proxies[i];

		begin_object(sheet, i);
		add_text(sheet, "name", proxy->name);
		add_text(sheet, "kind", proxy->kind);
		add_truth(sheet, "draining", proxy->draining);
		add_number(sheet, "connections", proxy->connections);
		add_number(sheet, "connections_max", proxy->connections_max);
		add_number(sheet, "connections_total", proxy->connections_total);
		add_number(sheet, "bytes_up", proxy->bytes_up);
		add_number(sheet, "bytes_down", proxy->bytes_down);
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

static void add_pools(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "pools");
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		const struct metrics_pool *pool = &snapshot->pools[i];

		begin_object(sheet, i);
		add_text(sheet, "name", pool->name);
		add_number(sheet, "servers", pool->servers);
		add_number(sheet, "servers_up", pool->servers_up);
		add_truth(sheet, "panic", pool->panic);
		add_number(sheet, "queued", pool->queued);
		add_number(sheet, "retries", pool->retries);
		add_quantiles(sheet, "connect_seconds", &pool->connect, &HISTOGRAM_CONNECT);
		add_quantiles(sheet, "rtt_seconds", &pool->rtt, &HISTOGRAM_RTT);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_server(struct sheet *sheet, const struct metrics_server *server)
{
	add_text(sheet, "pool", server->pool);
	add_text(sheet, "name", server->name);
	add_text(sheet, "address", server->address);
	add_text(sheet, "state", server->state);
	add_text(sheet, "why", server->why);
	add_time(sheet, "since", server->changed_ms);
	add_truth(sheet, "up", server->up);
	add_truth(sheet, "backup", server->backup);
	add_number(sheet, "weight", server->weight);
	add_number(sheet, "connections", server->connections);
	add_number(sheet, "connections_max", server->connections_max);
	add_number(sheet, "queued", server->queued);
	add_number(sheet, "connections_total", server->connections_total);
	add_number(sheet, "bytes_up", server->bytes_up);
	add_number(sheet, "bytes_down", server->bytes_down);
	add_rates(sheet, &server->rates);
	add_reasons(sheet, "failures", server->failures, 1);
	if (server->checked) {
		add_seconds(sheet, "check_seconds", server->check_ns, HISTOGRAM_NS);
		add_number(sheet, "check_failures", server->check_failures);
	}
	add_number(sheet, "ejections", server->ejections);
}

static void add_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "servers");
	for (size_t i = 0; i < snapshot->server_count; i++) {
		begin_object(sheet, i);
		add_server(sheet, &snapshot->servers[i]);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_names(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "names");
	for (size_t i = 0; i < snapshot->name_count; i++) {
		const struct metrics_name *name = &snapshot->names[i];

		begin_object(sheet, i);
		add_text(sheet, "name", name->name);
		add_number(sheet, "records", name->records);
		add_number(sheet, "resolved", name->resolved);
		add_number(sheet, "failed", name->failed);
		add_time(sheet, "answered", name->answered_ms);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

static void add_points(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	begin_list(sheet, "points");
	for (size_t i = 0; i < snapshot->point_count; i++) {
		const struct metrics_point *point = &snapshot->points[i];

		begin_object(sheet, i);
		add_time(sheet, "time", point->at_ms);
		add_number(sheet, "connections", point->connections);
		add_number(sheet, "accepted_per_second", point->accepted_per_second);
		add_number(sheet, "bytes_per_second", point->bytes_per_second);
		add_seconds(sheet, "lag_p99_seconds", point->lag_p99_ns, HISTOGRAM_NS);
		sheet_add(sheet, "}");
	}
	sheet_add(sheet, "]");
}

/* ---- All of it ----------------------------------------------------------------------------------
 */

static void add_process(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	add_text(sheet, "version", snapshot->version);
	add_text(sheet, "state", snapshot->state);
	add_truth(sheet, "ready", snapshot->ready);
	add_time(sheet, "time", snapshot->now_ms);
	add_time(sheet, "started", snapshot->started_ms);
	add_number(sheet, "edition", snapshot->edition);
	add_number(sheet, "editions", snapshot->editions);
	add_number(sheet, "reloads", snapshot->reloads);
	add_number(sheet, "reloads_failed", snapshot->reloads_failed);
	add_truth(sheet, "reload_good", snapshot->reload_good);
	add_time(sheet, "reloaded", snapshot->reload_ms);
	add_number(sheet, "connections", snapshot->connections);
	add_number(sheet, "connections_max", snapshot->connections_max);
	add_number(sheet, "log_dropped", snapshot->log_dropped);
	add_number(sheet, "access_dropped", snapshot->access_dropped);
	add_seconds(sheet, "cpu_seconds", snapshot->cpu_ns, HISTOGRAM_NS);
	add_number(sheet, "resident_bytes", snapshot->resident_bytes);
	add_number(sheet, "descriptors", snapshot->descriptors);
	add_number(sheet, "descriptors_max", snapshot->descriptors_max);
}

void status_json(struct sheet *sheet, const struct metrics_snapshot *snapshot)
{
	sheet_add(sheet, "{");
	add_process(sheet, snapshot);
	begin_list(sheet, "warnings");
	for (size_t i = 0; i < snapshot->warning_count; i++) {
		sheet_add(sheet, "%s", i ? "," : "");
		sheet_add_json(sheet, snapshot->warnings[i]);
	}
	sheet_add(sheet, "]");
	add_proxies(sheet, snapshot);
	add_listeners(sheet, snapshot);
	add_pools(sheet, snapshot);
	add_servers(sheet, snapshot);
	add_workers(sheet, snapshot);
	add_names(sheet, snapshot);
	add_points(sheet, snapshot);
	sheet_add(sheet, "}\n");
}
