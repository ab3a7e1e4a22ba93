#include "session/greeting.h"

#include "lane/strategy.h"
#include "session/ending.h"
#include "session/life.h"
#include "session/section.h"
#include "session/session.h"
#include "session/tenancy.h"

#include <errno.h>

/* Of the lane that gathers: the bytes are looked at behind it, and go nowhere yet. */
static const struct strategy gathering = {
	.name = "greeting",
	.start = lane_mark,
	.complete = lane_complete,
	.flush = lane_flush,
};

static const struct greet_step *const steps[ASK_COUNT] = {
	[ASK_PREFACE] = &greet_postgres,
	[ASK_HELLO] = &greet_hello,
	[ASK_PROXY] = &greet_proxy,
};

static const struct greet_step *step_of(const struct session *session)
{
	return steps[__builtin_ctz(session->asks)];
}

static struct lane *lane_of(struct session *session)
{
	return &session->road.lanes[LANE_UP];
}

/* The first step that has something to ask begins; GREETED_DONE: there is none. */
static enum greeted begin_next(struct session *session)
{
	deadline_clear(session, DEADLINE_GREETING);
	while (session->asks) {
		const struct greet_step *step = step_of(session);
		enum greeted greeted = step->begin ? step->begin(session) : GREETED_MORE;
		uint32_t timeout_ms;

		if (greeted == GREETED_OVER)
			return greeted;
		if (greeted == GREETED_MORE) {
			timeout_ms = step->timeout_ms(session);
			if (timeout_ms)
				deadline_set(session, DEADLINE_GREETING,
					     session->road.loop->now_ms + timeout_ms);
			return greeted;
		}
		session->asks &= (uint8_t)(session->asks - 1);
	}
	return GREETED_DONE;
}

static void served(struct session *session)
{
	deadline_clear(session, DEADLINE_GREETING);
	lane_become(lane_of(session), session->branch->section->strategy);
	session_step(session,
		     road_has_upstream(&session->road) ? SESSION_ACCEPTED : SESSION_SERVED);
}

static bool hold(struct session *session)
{
	if (preface_hold(lane_of(session)))
		return true;
	session->resetting[SIDE_CLIENT] = true;
	session_end(session, REASON_NO_MEMORY, SIDE_CLIENT, -ENOMEM);
	return false;
}

/* One look at what there is. */
static enum greeted look_once(struct session *session)
{
	struct lane *lane = lane_of(session);
	const unsigned char *bytes;
	uint32_t length, take = 0;
	enum greeted greeted;

	if (lane->chunks > 1 && !hold(session))
		return GREETED_OVER;
	bytes = lane_peek(lane, &length);
	greeted = step_of(session)->look(session, bytes, length, lane->state != LANE_OPEN, &take);
	assert(greeted == GREETED_OVER || take <= length);
	if (greeted != GREETED_OVER)
		lane_consume(lane, take);
	return greeted;
}

static void look(struct session *session)
{
	enum greeted greeted = GREETED_DONE;

	while (session->asks && greeted == GREETED_DONE) {
		greeted = look_once(session);
		if (greeted != GREETED_DONE)
			break;
		session->asks &= (uint8_t)(session->asks - 1);
		greeted = begin_next(session);
		if (greeted == GREETED_MORE) /* what it asks for may be here */
			greeted = GREETED_DONE;
	}
	if (greeted == GREETED_DONE)
		served(session);
	else if (greeted == GREETED_MORE && hold(session))
		lane_mark(lane_of(session));
}

static void enter(struct session *session)
{
	enum greeted greeted;

	lane_become(lane_of(session), &gathering);
	greeted = begin_next(session);
	if (greeted == GREETED_DONE)
		served(session);
	else if (greeted == GREETED_MORE)
		lane_mark(lane_of(session));
}

static void complete(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	if (tag.kind == OP_WATCH) {
		ending_watched(session, tag.lane, done);
	} else if (tag.kind != OP_CANCEL) {
		strategy_complete(&session->road.lanes[tag.lane], (enum op_kind)tag.kind, done);
		if (!session->over && tag.kind == OP_RECV)
			look(session);
	}
}

static void late(struct session *session)
{
	enum greeted greeted = step_of(session)->late(session);

	if (greeted == GREETED_OVER)
		return;
	session->asks &= (uint8_t)(session->asks - 1);
	if (begin_next(session) == GREETED_DONE)
		served(session);
	else if (!session->over)
		look(session);
}

static void due(struct session *session, enum deadline which)
{
	if (which == DEADLINE_GREETING)
		late(session);
	else
		ending_due(session, which);
}

const struct phase phase_greeting = {
	.name = "greeting",
	.gates = {[LANE_UP] = GATE_HOLDS},
	.enter = enter,
	.complete = complete,
	.due = due,
};
