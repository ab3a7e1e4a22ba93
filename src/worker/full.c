#include "worker/full.h"

#include "worker/worker.h"

#include "ops/log.h"

#include <inttypes.h>

void full_init(struct full *full)
{
	*full = (struct full){0};
	list_init(&full->branches);
}

/* Which max_connections, where it is written, or what else allows no more. */
static void tell(const struct worker *worker, const struct branch *branch)
{
	const struct tenancy *tenancy = branch ? branch->tenancy : worker->tenancy;
	const struct config_section *section = branch ? branch->section->config : NULL;
	const struct config *config = tenancy->edition->config;
	uint32_t most = section ? section->settings.max_connections
				: atomic_load_explicit(&worker->engine->connections_max,
						       memory_order_relaxed);
	char place[CONFIG_PLACE_MAX];

	if (!section && most != config->max_connections)
		log_warning("worker %u: paused accepting: max_connections is reached, which is %u "
			    "for want of descriptors; raise LimitNOFILE= of the unit (ulimit -n), "
			    "and restart",
			    worker->loop.index, most);
	else
		log_warning("worker %u: paused accepting%s%s: max_connections is reached; raise "
			    "it: %s = %u",
			    worker->loop.index, section ? " for " : "",
			    section ? section->title : "",
			    config_place(config, section, "max_connections", place, sizeof(place)),
			    most);
}

void full_enter(struct worker *worker, struct branch *branch)
{
	struct spell *spell = branch ? &branch->full : &worker->full.all;
	bool begins = spell_meet(spell, worker->loop.now_ms);

	condition_settle_by(&worker->loop, spell_over_ms(spell));
	if (!begins)
		return;
	if (branch)
		list_push(&worker->full.branches, &branch->full_link);
	stats_count(&worker->loop.stats, paused_connections, 1);
	tell(worker, branch);
}

void full_forget(struct branch *branch)
{
	if (list_is_linked(&branch->full_link))
		list_remove(&branch->full_link);
}

/* Whether it is over, and said. */
static bool settle(struct worker *worker, struct spell *spell, const char *title)
{
	uint64_t lasted = spell_lasted_ms(spell);

	if (worker->loop.now_ms < spell_over_ms(spell)) {
		condition_settle_by(&worker->loop, spell_over_ms(spell));
		return false;
	}
	log_info("worker %u: %s%saccepting again: there is room for connections (after %" PRIu64
		 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 worker->loop.index, title, *title ? ": " : "", lasted / 1000, lasted % 1000,
		 spell->met);
	spell_end(spell, worker->loop.now_ms);
	return true;
}

void full_settle(struct worker *worker)
{
	struct list *node = worker->full.branches.next, *next;

	if (worker->full.all.met)
		(void)settle(worker, &worker->full.all, "");
	for (; node != &worker->full.branches; node = next) {
		struct branch *branch = container_of(node, struct branch, full_link);

		next = node->next;
		if (settle(worker, &branch->full, branch->section->config->title))
			list_remove(node);
	}
}
