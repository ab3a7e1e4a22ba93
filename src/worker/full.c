#include "worker/full.h"

#include "worker/worker.h"

#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int full_init(struct full *full, uint32_t section_count)
{
	*full = (struct full){.sections = calloc(section_count + 1, sizeof(*full->sections))};
	return full->sections ? 0 : -ENOMEM;
}

void full_done(struct full *full)
{
	free(full->sections);
	full->sections = NULL;
}

/* Which max_connections, where it is written, or what else allows no more. */
static void tell(const struct worker *worker, const struct config_section *section)
{
	const struct engine *engine = worker->engine;
	uint32_t most = section ? section->settings.max_connections : engine->connections_max;
	char place[CONFIG_PLACE_MAX];

	if (!section && most != engine->config->max_connections)
		log_warning("worker %u: paused accepting: max_connections is reached, which is %u "
			    "for want of descriptors; raise LimitNOFILE= of the unit (ulimit -n)",
			    worker->loop.index, most);
	else
		log_warning("worker %u: paused accepting%s%s: max_connections is reached; raise "
			    "it: %s = %u",
			    worker->loop.index, section ? " for " : "",
			    section ? section->title : "",
			    config_place(engine->config, section, "max_connections", place,
					 sizeof(place)),
			    most);
}

void full_enter(struct worker *worker, const struct section *section)
{
	struct spell *spell = section ? &worker->full.sections[section->index] : &worker->full.all;
	bool begins = spell_meet(spell, worker->loop.now_ms);

	condition_settle_by(&worker->loop, spell_over_ms(spell));
	if (!begins)
		return;
	stats_count(&worker->loop.stats, paused_connections, 1);
	tell(worker, section ? section->config : NULL);
}

static void settle(struct worker *worker, struct spell *spell, const struct section *section)
{
	uint64_t lasted = spell_lasted_ms(spell);

	if (spell->met == 0)
		return;
	if (worker->loop.now_ms < spell_over_ms(spell)) {
		condition_settle_by(&worker->loop, spell_over_ms(spell));
		return;
	}
	log_info("worker %u: %s%saccepting again: there is room for connections (after %" PRIu64
		 ".%03" PRIu64 " s, met %" PRIu64 " times)",
		 worker->loop.index, section ? section->config->title : "", section ? ": " : "",
		 lasted / 1000, lasted % 1000, spell->met);
	spell_end(spell, worker->loop.now_ms);
}

void full_settle(struct worker *worker)
{
	settle(worker, &worker->full.all, NULL);
	for (uint32_t i = 0; i < worker->engine->section_count; i++)
		settle(worker, &worker->full.sections[i], &worker->engine->sections[i]);
}
