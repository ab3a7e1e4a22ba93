#include "control/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- By name -----------------------------------------------------------------------------------
 */

static bool is_of(const struct history_entry *entry, const char *group, const char *name)
{
	size_t length = strlen(group);

	return strncmp(entry->name, group, length) == 0 && entry->name[length] == '/' &&
	       strcmp(entry->name + length + 1, name) == 0;
}

/* Names mostly keep their place: there it is looked for first.  NULL where it is new. */
static const struct history_entry *find(const struct history_list *list, size_t place,
					const char *group, const char *name)
{
	if (place < list->count && is_of(&list->entries[place], group, name))
		return &list->entries[place];
	for (size_t i = 0; i < list->count; i++)
		if (is_of(&list->entries[i], group, name))
			return &list->entries[i];
	return NULL;
}

static void free_list(struct history_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].name);
	free(list->entries);
	*list = (struct history_list){0};
}

static uint64_t rate(uint64_t now, uint64_t before, uint64_t ms)
{
	return now > before && ms ? (uint64_t)((double)(now - before) * 1000 / (double)ms + 0.5)
				  : 0;
}

/* totals has a name's numbers, and where it stands in the list that is being made. */
static int add_entry(struct history_list *list, const struct history_list *before,
		     struct history_entry totals, const char *group, const char *name, uint64_t ms)
{
	const struct history_entry *old = find(before, list->count, group, name);

	if (asprintf(&totals.name, "%s/%s", group, name) < 0)
		return -ENOMEM;
	if (old)
		totals.rates = (struct metrics_rates){
			.connections = rate(totals.connections, old->connections, ms),
			.bytes_up = rate(totals.bytes_up, old->bytes_up, ms),
			.bytes_down = rate(totals.bytes_down, old->bytes_down, ms),
		};
	list->entries[list->count++] = totals;
	return 0;
}

#define TOTALS(item)                                                                               \
	(struct history_entry)                                                                     \
	{                                                                                          \
		.connections = (item)->connections_total, .bytes_up = (item)->bytes_up,            \
		.bytes_down = (item)->bytes_down                                                   \
	}

static int list_proxies(struct history_list *list, const struct history_list *before,
			const struct metrics_snapshot *snapshot, uint64_t ms)
{
	int r = 0;

	list->entries = calloc(snapshot->proxy_count + 1, sizeof(*list->entries));
	if (!list->entries)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < snapshot->proxy_count; i++) {
		const struct metrics_proxy *proxy = &snapshot->proxies[i];

		r = add_entry(list, before, TOTALS(proxy), proxy->kind, proxy->name, ms);
	}
	return r;
}

static int list_servers(struct history_list *list, const struct history_list *before,
			const struct metrics_snapshot *snapshot, uint64_t ms)
{
	int r = 0;

	list->entries = calloc(snapshot->server_count + 1, sizeof(*list->entries));
	if (!list->entries)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < snapshot->server_count; i++) {
		const struct metrics_server *server = &snapshot->servers[i];

		r = add_entry(list, before, TOTALS(server), server->pool, server->name, ms);
	}
	return r;
}

/* ---- All together -------------------------------------------------------------------------------
 */

static void add_point(struct history *history, const struct metrics_point *point)
{
	if (history->point_count == HISTORY_POINTS) {
		memmove(history->points, history->points + 1,
			(HISTORY_POINTS - 1) * sizeof(history->points[0]));
		history->point_count--;
	}
	history->points[history->point_count++] = *point;
}

/* Of what came between the two; a worker that began anew counts less than before. */
static uint64_t lag_between(const struct histogram_total *now, const struct histogram_total *before)
{
	struct histogram_total between = {0};
	uint64_t end;

	for (size_t i = 0; i < array_size(between.counts); i++)
		if (now->counts[i] > before->counts[i])
			between.counts[i] = now->counts[i] - before->counts[i];
	end = histogram_quantile(&between, &HISTOGRAM_LAG, 0.99);
	return end != UINT64_MAX ? end : histogram_end(&HISTOGRAM_LAG, HISTOGRAM_LAG.buckets);
}

static void add_totals(struct histogram_total *sum, const struct histogram_total *lag)
{
	for (size_t i = 0; i < array_size(sum->counts); i++)
		sum->counts[i] += lag->counts[i];
}

/* With the first snapshot nothing is known of what came before it. */
static void take_sums(struct history *history, const struct metrics_snapshot *snapshot, uint64_t ms)
{
	struct histogram_total lag = {0};
	uint64_t connections = 0, bytes = 0;

	for (size_t i = 0; i < snapshot->worker_count; i++)
		add_totals(&lag, &snapshot->workers[i].lag);
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		connections += snapshot->proxies[i].connections_total;
		bytes += snapshot->proxies[i].bytes_up + snapshot->proxies[i].bytes_down;
	}
	if (history->at_ms)
		add_point(history, &(struct metrics_point){
					   .at_ms = snapshot->now_ms,
					   .connections = snapshot->connections,
					   .accepted_per_second =
						   rate(connections, history->connections, ms),
					   .bytes_per_second = rate(bytes, history->bytes, ms),
					   .lag_p99_ns = lag_between(&lag, &history->lag),
				   });
	history->connections = connections;
	history->bytes = bytes;
	history->lag = lag;
	history->at_ms = snapshot->now_ms;
}

int history_take(struct history *history, const struct metrics_snapshot *snapshot)
{
	struct history_list proxies = {0}, servers = {0};
	uint64_t ms = snapshot->now_ms > history->at_ms ? snapshot->now_ms - history->at_ms : 0;
	int r = list_proxies(&proxies, &history->proxies, snapshot, ms);

	if (r == 0)
		r = list_servers(&servers, &history->servers, snapshot, ms);
	if (r < 0) {
		free_list(&proxies);
		free_list(&servers);
		return r;
	}
	free_list(&history->proxies);
	free_list(&history->servers);
	history->proxies = proxies;
	history->servers = servers;
	take_sums(history, snapshot, ms);
	return 0;
}

void history_show(const struct history *history, struct metrics_snapshot *snapshot)
{
	const struct history_entry *entry;

	snapshot->points = history->points;
	snapshot->point_count = history->point_count;
	for (size_t i = 0; i < snapshot->proxy_count; i++) {
		struct metrics_proxy *proxy = &snapshot->proxies[i];

		entry = find(&history->proxies, i, proxy->kind, proxy->name);
		proxy->rates = entry ? entry->rates : (struct metrics_rates){0};
	}
	for (size_t i = 0; i < snapshot->server_count; i++) {
		struct metrics_server *server = &snapshot->servers[i];

		entry = find(&history->servers, i, server->pool, server->name);
		server->rates = entry ? entry->rates : (struct metrics_rates){0};
	}
}

void history_done(struct history *history)
{
	free_list(&history->proxies);
	free_list(&history->servers);
	*history = (struct history){0};
}
