#include "worker/roll.h"

#include "loop/loop.h"
#include "session/memo.h"
#include "session/record.h"
#include "session/session.h"
#include "session/sessions.h"

void roll_set(struct roll *roll, struct loop *loop, uint32_t every_ms)
{
	roll->timer.kind = TIMER_ROLL;
	roll->slot = 0;
	wheel_clear(&loop->wheel, &roll->timer);
	if (every_ms)
		wheel_set(&loop->wheel, &roll->timer, loop->now_ms + every_ms);
}

static void begin(struct roll *roll, const struct sessions *all)
{
	roll->began_ms = all->loop->now_ms;
	roll->below = all->next_id;
}

/* As many as one turn may: whether all have been looked at. */
static bool look(struct roll *roll, struct sessions *all)
{
	const struct slab *slab = &all->slab;
	unsigned written = 0;

	for (unsigned n = 0; n < ROLL_SLOTS_MAX && roll->slot < slab->fresh; n++) {
		uint32_t slot = roll->slot++;
		struct session *session = slab_find(slab, slot, slab->generation[slot]);

		if (!session || session->over || session->id >= roll->below)
			continue;
		record_open(session);
		if (++written == ROLL_RECORDS_MAX)
			break;
	}
	return roll->slot >= slab->fresh;
}

void roll_call(struct roll *roll, struct sessions *all, uint32_t every_ms)
{
	uint64_t now_ms = all->loop->now_ms;
	uint64_t next_ms = now_ms + ROLL_NAP_MS;

	if (!every_ms)
		return;
	if (roll->slot == 0)
		begin(roll, all);
	/* A log that is behind gets them later, and loses none by them. */
	if (!access_is_behind(all->access) && (!memo_wanted(all) || look(roll, all))) {
		roll->slot = 0;
		if (roll->began_ms + every_ms > next_ms)
			next_ms = roll->began_ms + every_ms;
	}
	wheel_set(&all->loop->wheel, &roll->timer, next_ms);
}
