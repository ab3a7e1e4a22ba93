#include "session/sessions.h"
#include "session/introduced.h"

#include "loop/op.h"
#include "session/admission.h"
#include "session/choose.h"
#include "session/memo.h"
#include "session/place.h"
#include "session/refused.h"
#include "session/session.h"
#include "session/tenancy.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t room_for(const struct engine *engine)
{
	uint64_t room = (uint64_t)engine->sessions_max * ENGINE_HOPS_TIMES;

	if (!engine->hops.table)
		return engine->sessions_max;
	return room < 1u << OP_SLOT_BITS ? (uint32_t)room : 1u << OP_SLOT_BITS;
}

int sessions_init(struct sessions *all, struct loop *loop, struct engine *engine)
{
	*all = (struct sessions){.loop = loop, .engine = engine, .next_id = loop->index};
	list_init(&all->decided);
	list_init(&all->quiet);
	list_init(&all->recovering);
	list_init(&all->returning);
	list_init(&all->refused);
	shortage_init(&all->shortages);
	all->shortages.timer.kind = TIMER_SHORTAGE;
	list_init(&all->queues.lines);
	all->queues.timer.kind = TIMER_QUEUES;
	all->memos = calloc(room_for(engine), sizeof(*all->memos));
	all->crowds = refused_crowds_make();
	if (!all->memos || !all->crowds)
		return -ENOMEM;
	return slab_init(&all->slab, room_for(engine), sizeof(struct session));
}

void sessions_done(struct sessions *all)
{
	slab_done(&all->slab);
	free(all->memos);
	free(all->crowds);
	all->memos = NULL;
	all->crowds = NULL;
}

void sessions_closed(struct sessions *all, struct session *session)
{
	struct branch *branch = session->branch;

	admission_over(all, &session->counted);
	place_leave(all->engine, branch->section, (enum place)session->place);
	if (session->served)
		atomic_fetch_sub_explicit(&session->reach->server->account->connections, 1,
					  memory_order_relaxed);
	choose_leave(session);
	choose_retried(session);
	introduced_done(session);
	tried_done(&session->tried);
	stats_count(&all->loop->stats, closed, 1);
	shortage_ease(all, session);
	tenancy_leave(branch->tenancy);
	slab_release(&all->slab, session->road.flight.slot);
}
