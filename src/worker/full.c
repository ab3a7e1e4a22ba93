#include "worker/full.h"

#include "worker/worker.h"

#include "ops/log.h"

#include <inttypes.h>

void full_init(struct full *full)
{
	*full = (struct full){0};
	list_init(&full->branches);
	list_init(&full->paced);
}

/* Of the section, or of [global] as of now. */
static const char *place_of(const struct worker *worker, const struct branch *branch, char *text,
			    size_t size)
{
	const struct tenancy *tenancy = branch ? branch->tenancy : worker->tenancy;

	return config_place(tenancy->edition->config, branch ? branch->section->config : NULL,
			    "max_connections", text, size);
}

/* All places are taken: which max_connections that is, or what else allows no more. */
static void tell_all(const struct worker *worker, uint32_t most)
{
	char place[CONFIG_PLACE_MAX];

	if (most != worker->tenancy->edition->config->max_connections)
		log_warning("worker %u: paused accepting: max_connections is reached, which is %u "
			    "for want of descriptors; raise LimitNOFILE= of the unit (ulimit -n), "
			    "and restart",
			    worker->loop.index, most);
	else
		log_warning("worker %u: paused accepting: max_connections is reached; raise it: "
			    "%s = %u",
			    worker->loop.index, place_of(worker, NULL, place, sizeof(place)), most);
}

static void tell(const struct worker *worker, const struct branch *branch, enum place why)
{
	const struct config_section *section = branch->section->config;
	uint32_t all = atomic_load_explicit(&worker->engine->connections_max, memory_order_relaxed);
	uint32_t others = branch->section->edition->kept - branch->section->kept;
	char place[CONFIG_PLACE_MAX];

	if (why == PLACE_NONE)
		tell_all(worker, all);
	else if (why == PLACE_NONE_OWN)
		log_warning("worker %u: paused accepting for %s: max_connections is reached; raise "
			    "it: %s = %u",
			    worker->loop.index, section->title,
			    place_of(worker, branch, place, sizeof(place)),
			    section->settings.max_connections);
	else
		log_warning("worker %u: paused accepting for %s: max_connections is reached, but "
			    "for %u place%s kept for other sections; raise it: %s = %u",
			    worker->loop.index, section->title, others, others == 1 ? "" : "s",
			    place_of(worker, NULL, place, sizeof(place)), all);
}

void full_enter(struct worker *worker, struct branch *branch, enum place why)
{
	struct spell *spell = why == PLACE_NONE ? &worker->full.all : &branch->full;
	bool begins = spell_meet(spell, worker->loop.now_ms);

	condition_settle_by(&worker->loop, spell_over_ms(spell));
	if (!begins)
		return;
	if (why != PLACE_NONE)
		list_push(&worker->full.branches, &branch->full_link);
	stats_count(&worker->loop.stats, paused_connections, 1);
	tell(worker, branch, why);
}

void full_pace(struct worker *worker, struct branch *branch)
{
	const struct config_section *section = branch->section->config;
	const struct config *config = branch->section->edition->config;
	bool begins = spell_meet(&branch->paced, worker->loop.now_ms);
	char text[CONFIG_EXPLAIN_MAX];

	condition_settle_by(&worker->loop, spell_over_ms(&branch->paced));
	if (!begins)
		return;
	list_push(&worker->full.paced, &branch->paced_link);
	stats_count(&worker->loop.stats, paused_rate, 1);
	log_info("worker %u: accepting no faster for %s: %s", worker->loop.index, section->title,
		 config_explain(config, section, "accept_rate", text, sizeof(text)));
}

void full_forget(struct branch *branch)
{
	if (list_is_linked(&branch->full_link))
		list_remove(&branch->full_link);
	if (list_is_linked(&branch->paced_link))
		list_remove(&branch->paced_link);
}

/* Whether it is over, and said. */
static bool settle(struct worker *worker, struct spell *spell, const char *title, const char *said)
{
	uint64_t lasted = spell_lasted_ms(spell);

	if (worker->loop.now_ms < spell_over_ms(spell)) {
		condition_settle_by(&worker->loop, spell_over_ms(spell));
		return false;
	}
	log_info("worker %u: %s%s%s (after %" PRIu64 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 worker->loop.index, title, *title ? ": " : "", said, lasted / 1000, lasted % 1000,
		 spell->met);
	spell_end(spell, worker->loop.now_ms);
	return true;
}

static void settle_paced(struct worker *worker)
{
	struct list *node = worker->full.paced.next, *next;

	for (; node != &worker->full.paced; node = next) {
		struct branch *branch = container_of(node, struct branch, paced_link);

		next = node->next;
		if (settle(worker, &branch->paced, branch->section->config->title,
			   "accepting at once again: accept_rate is not reached"))
			list_remove(node);
	}
}

void full_settle(struct worker *worker)
{
	static const char room[] = "accepting again: there is room for connections";
	struct list *node = worker->full.branches.next, *next;

	settle_paced(worker);
	if (worker->full.all.met)
		(void)settle(worker, &worker->full.all, "", room);
	for (; node != &worker->full.branches; node = next) {
		struct branch *branch = container_of(node, struct branch, full_link);

		next = node->next;
		if (settle(worker, &branch->full, branch->section->config->title, room))
			list_remove(node);
	}
}
