#include "session/sessions.h"

#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

static int init_servers(struct sessions *all)
{
	const struct engine *engine = all->engine;

	all->next_server = calloc(engine->section_count + 1, sizeof(*all->next_server));
	all->health = calloc(engine->section_count + 1, sizeof(*all->health));
	if (!all->next_server || !all->health)
		return -ENOMEM;
	for (uint32_t i = 0; i < engine->section_count; i++) {
		uint32_t servers = engine->sections[i].server_room;

		all->health[i] = calloc(servers + 1, sizeof(**all->health));
		if (!all->health[i])
			return -ENOMEM;
		for (uint32_t s = 0; s < servers; s++)
			health_init(&all->health[i][s], &engine->sections[i], s);
		/* Workers begin at different servers, or each first connection meets the same. */
		all->next_server[i] = all->loop->index;
	}
	return 0;
}

int sessions_init(struct sessions *all, struct loop *loop, struct engine *engine)
{
	*all = (struct sessions){.loop = loop, .engine = engine, .next_id = loop->index};
	list_init(&all->decided);
	list_init(&all->quiet);
	list_init(&all->failing);
	list_init(&all->returning);
	shortage_init(&all->shortages);
	all->shortages.timer.kind = TIMER_SHORTAGE;
	if (slab_init(&all->slab, engine->connections_max, sizeof(struct session)) < 0)
		return -ENOMEM;
	return init_servers(all);
}

void sessions_done(struct sessions *all)
{
	for (uint32_t i = 0; all->health && i < all->engine->section_count; i++)
		free(all->health[i]);
	free(all->health);
	free(all->next_server);
	slab_done(&all->slab);
	all->health = NULL;
	all->next_server = NULL;
}

void sessions_closed(struct sessions *all, struct session *session)
{
	struct section *section = &all->engine->sections[session->section->index];

	atomic_fetch_sub_explicit(&section->connections, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&all->engine->connections, 1, memory_order_relaxed);
	stats_count(&all->loop->stats, closed, 1);
	shortage_ease(all, session);
	slab_release(&all->slab, session->road.flight.slot);
}
