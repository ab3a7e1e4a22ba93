#include "control/metrics_item.h"

#include "pool/departure.h"

void item_label(struct metrics_item *item, const char *name, const char *value)
{
	assert(item->label_count < METRICS_LABELS_MAX);
	item->labels[item->label_count++] = (struct exposition_label){name, value};
}

/* A sample with one label more. */
static void print_labelled(struct exposition *page, const struct metrics_item *item,
			   const char *name, const char *value, uint64_t number)
{
	struct metrics_item copy = *item;

	item_label(&copy, name, value);
	exposition_count(page, copy.labels, copy.label_count, number);
}

void item_print_build(struct exposition *page, const struct metrics_item *item)
{
	print_labelled(page, item, "version", item->snapshot->version, 1);
}

void item_print_reloads(struct exposition *page, const struct metrics_item *item)
{
	print_labelled(page, item, "result", "good",
		       item->snapshot->reloads - item->snapshot->reloads_failed);
	print_labelled(page, item, "result", "failed", item->snapshot->reloads_failed);
}

void item_print_dropped(struct exposition *page, const struct metrics_item *item)
{
	print_labelled(page, item, "log", "log", item->snapshot->log_dropped);
	print_labelled(page, item, "log", "access", item->snapshot->access_dropped);
}

void item_print_paused(struct exposition *page, const struct metrics_item *item)
{
	static const struct {
		const char *cause;
		unsigned index;
	} causes[] = {
		{"connections", STATS_INDEX_paused_connections},
		{"descriptors", STATS_INDEX_paused_descriptors},
		{"memory", STATS_INDEX_paused_memory},
		{"ports", STATS_INDEX_paused_ports},
		{"buffers", STATS_INDEX_paused_buffers},
		{"rate", STATS_INDEX_paused_rate},
		{"accepting", STATS_INDEX_paused_accepting},
	};
	const struct metrics_worker *worker = item->at;

	for (size_t i = 0; i < array_size(causes); i++)
		print_labelled(page, item, "cause", causes[i].cause,
			       worker->counters[causes[i].index]);
}

void item_print_proxy_bytes(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_proxy *proxy = item->at;

	print_labelled(page, item, "direction", "up", proxy->bytes_up);
	print_labelled(page, item, "direction", "down", proxy->bytes_down);
}

void item_print_server_bytes(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	print_labelled(page, item, "direction", "up", server->bytes_up);
	print_labelled(page, item, "direction", "down", server->bytes_down);
}

/* Sixty series for each proxy, were it not for those that never happened. */
void item_print_ended(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_proxy *proxy = item->at;

	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		for (unsigned side = 0; side < SIDE_COUNT; side++) {
			struct metrics_item copy = *item;

			if (!proxy->ended[reason][side])
				continue;
			item_label(&copy, "reason", reason_name((enum reason)reason));
			item_label(&copy, "side", side_name(side));
			exposition_count(page, copy.labels, copy.label_count,
					 proxy->ended[reason][side]);
		}
	}
}

void item_print_refused(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_proxy *proxy = item->at;

	for (unsigned cause = 0; cause < REFUSED_COUNT; cause++)
		if (proxy->refused[cause])
			print_labelled(page, item, "cause", refused_name((enum refused_cause)cause),
				       proxy->refused[cause]);
}

void item_print_failures(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
		if (server->failures[reason])
			print_labelled(page, item, "cause", reason_name((enum reason)reason),
				       server->failures[reason]);
}

void item_print_free_ports(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	for (uint32_t i = 0; server->way && i < server->way->count; i++)
		print_labelled(page, item, "source", server->way->berths[i].source->text,
			       berth_free(&server->way->berths[i]));
}

void item_print_state(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	print_labelled(page, item, "state", server->state, 1);
}

void item_print_rulings(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	if (server->said_state.by)
		print_labelled(page, item, "ruling", server->ruling, 1);
	if (server->said_weight.by)
		print_labelled(page, item, "ruling", "weight", 1);
	if (server->said_limit.by)
		print_labelled(page, item, "ruling", "max_connections", 1);
}

void item_print_check_seconds(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	if (server->checked)
		exposition_seconds(page, item->labels, item->label_count, server->check_ns,
				   HISTOGRAM_NS);
}

void item_print_check_failures(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_server *server = item->at;

	if (server->checked)
		exposition_count(page, item->labels, item->label_count, server->check_failures);
}

void item_print_name_results(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_name *name = item->at;

	print_labelled(page, item, "result", "good", name->resolved);
	print_labelled(page, item, "result", "failed", name->failed);
}

void item_print_name_age(struct exposition *page, const struct metrics_item *item)
{
	const struct metrics_name *name = item->at;

	if (name->answered_ms && name->answered_ms <= item->snapshot->now_ms)
		exposition_seconds(page, item->labels, item->label_count,
				   item->snapshot->now_ms - name->answered_ms, HISTOGRAM_MS);
}
