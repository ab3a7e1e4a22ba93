/*
 * The phase in which a session waits for a place at a server, or to be sent to another one.  Its
 * client may go on sending, and is watched; of a server it has nothing.
 */
#include "lane/strategy.h"
#include "session/choose.h"
#include "session/connect.h"
#include "session/ending.h"
#include "session/life.h"
#include "session/queued.h"
#include "session/session.h"
#include "session/tenancy.h"

/* It has been sent to one server at least, and to no other from then on. */
static uint64_t retry_until(const struct session *session)
{
	uint32_t timeout = session->desk->pool->config->settings.retry_timeout_ms;

	return session->failures && timeout ? session->started_ms + timeout : DEADLINE_NONE;
}

static uint64_t place_until(const struct session *session)
{
	const struct config_settings *settings = &session->desk->pool->config->settings;
	uint32_t timeout = settings->queue_timeout_ms ? settings->queue_timeout_ms
						      : settings->connect_timeout_ms;

	return session->road.loop->now_ms + timeout;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void enter_queued(struct session *session)
{
	if (session->chosen == CHOSEN_HELD) {
		/* There is room for any number. */
		(void)!queued_wait(session, QUEUE_RETRIES, retry_until(session));
		return;
	}
	choose_retried(session); /* while it waits for room it goes nowhere */
	if (!queued_wait(session, QUEUE_PLACES, sooner(place_until(session), retry_until(session))))
		connect_end_full(session, REASON_POOL_QUEUE_FULL);
}

static void complete_queued(struct session *session, struct op_tag tag,
			    const struct io_uring_cqe *done)
{
	if (tag.kind == OP_WATCH)
		ending_watched(session, tag.lane, done);
	else if (!connect_abandoned(session, tag, done) && tag.kind != OP_CANCEL)
		strategy_complete(&session->road.lanes[tag.lane], (enum op_kind)tag.kind, done);
}

static void waited_too_long(struct session *session)
{
	if (retry_until(session) <= session->road.loop->now_ms)
		connect_give_up(session);
	else
		connect_end_full(session, REASON_QUEUE_TIMEOUT);
}

static void due_queued(struct session *session, enum deadline which)
{
	if (which == DEADLINE_QUEUE)
		waited_too_long(session);
	else
		ending_due(session, which);
}

const struct phase phase_queued = {
	.name = "queued",
	.gates = {[LANE_UP] = GATE_GATHERS},
	.enter = enter_queued,
	.complete = complete_queued,
	.due = due_queued,
	.give_up = queued_leave,
};
