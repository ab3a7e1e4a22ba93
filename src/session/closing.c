/*
 * The phase in which a session ends: whatever it has in flight is cancelled, its sockets
 * are closed when nothing uses them any more, and its slot is free when all has come back.
 */
#include "lane/rest.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "session/handshake.h"
#include "session/hop.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/section.h"
#include "session/session.h"
#include "session/sessions.h"

/* A cancel misses an operation that is between its submission and its first wait. */
#define CANCEL_AGAIN_MS 100

static void wait_for_burial(struct session *session)
{
	wheel_clear(&session->road.loop->wheel, &session->deadlines.timer);
	list_push(&session->all->quiet, &session->link);
}

static void close_side(struct session *session, unsigned side)
{
	assert(!session->road.loop->handling);
	if (session->road.fd[side] < 0)
		return;
	if (side == SIDE_UPSTREAM)
		hop_forget(session);
	if (session->resetting[side]) {
		if (side == SIDE_UPSTREAM)
			handshake_reset(session);
		socket_linger_none(session->road.fd[side]);
	}
	socket_close(session->road.fd[side]);
	session->road.fd[side] = -1;
}

/*
 * In CLOSING, what there is still to wait for.  A notification comes when the
 * bytes are acknowledged, which a peer that reads nothing never does, or when
 * the socket is gone; and it is no operation on the socket any more.
 */
static void settle_closing(struct session *session)
{
	if (session->road.flight.in_flight == session->road.flight.notices) {
		measure_wires(session);
		close_side(session, SIDE_CLIENT);
		close_side(session, SIDE_UPSTREAM);
	}
	if (session->road.flight.in_flight == 0)
		wait_for_burial(session);
}

/* Cancel on both sides, and once more when that has not ended all of them. */
static void cancel(struct session *session)
{
	session_cancel_side(session, SIDE_CLIENT);
	session_cancel_side(session, SIDE_UPSTREAM);
	deadline_set(session, DEADLINE_CANCEL, session->road.loop->now_ms + CANCEL_AGAIN_MS);
}

static void enter_closing(struct session *session)
{
	deadline_clear_all(session);
	if (session->road.flight.in_flight > session->road.flight.notices)
		cancel(session);
	else
		settle_closing(session);
}

static void stop_lane(struct lane *lane)
{
	strategy_stop(lane);
	lane_drop(lane);
	if (list_is_linked(&lane->dirty))
		list_remove(&lane->dirty);
	if (list_is_linked(&lane->starved))
		list_remove(&lane->starved);
	rest_cut(lane);
	throttle_end(lane);
}

static void enter_free(struct session *session)
{
	for (unsigned i = 0; i < LANE_COUNT; i++)
		stop_lane(&session->road.lanes[i]);
	close_side(session, SIDE_CLIENT);
	close_side(session, SIDE_UPSTREAM);
	sessions_closed(session->all, session);
}

/* It has ended, and lets go of what its operations bring. */
static void complete_closing(struct session *session, struct op_tag tag,
			     const struct io_uring_cqe *done)
{
	struct lane *lane = &session->road.lanes[tag.lane];

	if (tag.kind == OP_RECV) {
		lane->receiving = done->flags & IORING_CQE_F_MORE;
		stock_return(&session->road.loop->stock, done);
	} else if (tag.kind == OP_SEND) {
		if (done->res > 0 && !(done->flags & IORING_CQE_F_NOTIF))
			lane_delivered(lane, (uint32_t)done->res);
		if (!(done->flags & IORING_CQE_F_MORE))
			lane->sending = 0;
	}
	if (session->state == SESSION_CLOSING)
		settle_closing(session);
}

static void due_closing(struct session *session, enum deadline which)
{
	if (which == DEADLINE_CANCEL)
		cancel(session);
}

const struct phase phase_closing = {
	.name = "closing",
	.enter = enter_closing,
	.complete = complete_closing,
	.due = due_closing,
};

/* Nobody has the slot. */
const struct phase phase_free = {.name = "free", .enter = enter_free};
