#include "net/silent.h"

#include "net/session.h"
#include "net/worker.h"

bool silent_may(const struct worker *worker, const struct lane *lane)
{
	return worker->has_silent && worker->silent.count < SILENT_MAX &&
	       lane->state == LANE_OPEN && lane->receiving && lane->chunks == 1 &&
	       lane_session(lane)->state == SESSION_RELAYING;
}

void silent_note(struct worker *worker, uint64_t tag)
{
	worker->silent.tags[worker->silent.count++] = tag;
	worker->silent.noted_ms = worker->now_ms;
}

static void succeed(struct worker *worker, uint64_t user_data)
{
	struct op_tag tag = op_unpack(user_data);
	struct session *session = slab_find(&worker->sessions, tag.slot, tag.generation);
	struct io_uring_cqe done = {.user_data = user_data};
	uint64_t noted_ms = worker->silent.noted_ms, active_ms;
	struct lane *lane;

	if (!session)
		return; /* it said that it failed, and the session is gone */
	lane = &session->lanes[tag.lane];
	if (!lane->unanswered)
		return;
	done.res = (int32_t)lane->sending;
	session->in_flight--;
	active_ms = session->active_ms;
	session_complete(session, tag, &done);
	session->active_ms = active_ms > noted_ms ? active_ms : noted_ms;
}

void silent_conclude(struct worker *worker)
{
	struct silent *silent = &worker->silent;
	uint32_t count = silent->count;

	if (count == 0)
		return;
	/* Failures may still be on their way where not all was taken, or completions overflowed. */
	silent->postponed = ring_sq_ready(&worker->ring) > 0 || ring_cq_overflowed(&worker->ring);
	if (silent->postponed)
		return;
	for (uint32_t i = 0; i < count; i++)
		succeed(worker, silent->tags[i]);
	assert(silent->count == count);
	silent->count = 0;
}
