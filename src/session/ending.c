#include "session/ending.h"

#include "loop/socket.h"
#include "session/handshake.h"
#include "session/session.h"
#include "session/sessions.h"

#include <errno.h>
#include <poll.h>

#define WATCH_AFTER_MS  10
#define UNREAD_AFTER_MS 100
#define LOOK_PART       8 /* acknowledgements are waited for by so much of the time it took yet */
#define LOOK_MAX_MS     1000

/* Our kernel's trouble: both peers are well, and would wait for each other for ever. */
static bool is_local(int error)
{
	return fault_of(FAULT_AT_STREAM, error) == FAULT_MEMORY;
}

static void end_both(struct session *session, unsigned side, int error)
{
	session->resetting[SIDE_CLIENT] = session->resetting[SIDE_UPSTREAM] = true;
	session_end(session, reason_of_error(side, error), side, error);
}

/* The side's error ends the session, now. */
static void end_broken(struct session *session, unsigned side)
{
	int error = session->road.broken[side];

	session->resetting[!side] = true;
	session_end(session, reason_of_error(side, error), side, error);
}

/* The client is gone before any server has answered: a server that is connected shall hear of it.
 */
static bool reach_upstream(struct session *session)
{
	if (session->state != SESSION_CONNECTING || session->over ||
	    socket_phase(session->road.fd[SIDE_UPSTREAM]) != SOCKET_CONNECTED)
		return false;
	session_step(session, SESSION_CONNECTED);
	return true;
}

static void note_broken(struct session *session, unsigned side, int error)
{
	if (session->road.broken[side])
		return;
	session->road.broken[side] = error;
	if (session->road.broken[!side])
		return;
	session->broken_ms = session->taken_ms = session->road.loop->now_ms;
	session->taken = INT64_MIN;
}

void ending_broken(struct session *session, unsigned side, int error)
{
	assert(error < 0);
	if (session->over)
		return;
	note_broken(session, side, error);
	if (is_local(error) || !road_has_upstream(&session->road)) {
		end_both(session, side, error);
		return;
	}
	if (session->road.broken[!side]) { /* nobody is left */
		end_broken(session, !side);
		return;
	}
	if (side == SIDE_CLIENT && session->state != SESSION_RELAYING && !reach_upstream(session)) {
		session_end(session, reason_of_error(side, error), side, error);
		return;
	}
	lane_break(&session->road.lanes[!side]);
	lane_mark(&session->road.lanes[side]); /* there may be more to read: it is armed again */
	ending_check(session);
}

void ending_unsent(struct session *session, struct lane *lane, int error)
{
	unsigned side = lane->to;

	if (session->over)
		return;
	if (socket_is_gone(session->road.fd[side])) {
		ending_broken(session, side, error);
	} else if (error == -EPIPE && road_has_upstream(&session->road) &&
		   socket_is_unix(session->road.fd[side])) { /* it takes no more */
		lane_break(lane);
		if (socket_is_unix(session->road.fd[lane->index]))
			socket_shut_read(session->road.fd[lane->index]);
	} else {
		note_broken(session, side, error);
		end_both(session, side, error);
	}
}

/* Whether everything that was meant for the side has reached the far end's kernel. */
static bool is_delivered(const struct session *session, const struct lane *lane)
{
	int fd = session->road.fd[lane->to];

	return !lane->queued && !lane->sending && !lane->held &&
	       (socket_is_gone(fd) || socket_unacknowledged(fd) == 0);
}

/* No event tells of acknowledgements: look again, ever less often. */
static void look_later(struct session *session)
{
	uint64_t now = session->road.loop->now_ms;
	uint64_t wait = (now - session->broken_ms) / LOOK_PART;

	wait = wait < LOOK_MAX_MS ? wait : LOOK_MAX_MS;
	deadline_set(session, DEADLINE_ACKNOWLEDGED, now + (wait ? wait : 1));
}

static void check_broken(struct session *session, unsigned side)
{
	const struct lane *source = &session->road.lanes[side];

	if (source->state == LANE_OPEN || source->state == LANE_ENDING)
		return;
	if (is_delivered(session, source))
		end_broken(session, side);
	else if (!source->queued && !source->sending && !source->held)
		look_later(session);
}

void ending_dropped(struct session *session, unsigned side)
{
	const struct lane *lane = &session->road.lanes[!side];
	uint64_t now = session->road.loop->now_ms;
	int64_t taken;

	if (!session->road.broken[!side])
		return; /* it takes no more, and may still say something */
	/*
	 * Below zero where a send has not completed yet, and on a unix socket, of which the
	 * kernel tells what it keeps for the bytes.
	 */
	taken = (int64_t)lane->bytes - socket_unacknowledged(session->road.fd[side]);
	if (taken > session->taken) {
		session->taken = taken;
		session->taken_ms = now;
	} else if (now >= session->taken_ms + ENDING_DEAF_MS) {
		end_broken(session, !side);
	}
}

void ending_check(struct session *session)
{
	const struct lane *lanes = session->road.lanes;

	if (session->over)
		return;
	deadline_clear(session, DEADLINE_ACKNOWLEDGED);
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		if (session->road.broken[side])
			check_broken(session, side);
		if (session->over)
			return;
	}
	if (lanes[LANE_UP].state == LANE_SHUT && lanes[LANE_DOWN].state == LANE_SHUT) {
		session_end(session, REASON_COMPLETED, SIDE_CLIENT, 0);
	} else if (lanes[LANE_UP].state == LANE_SHUT || lanes[LANE_DOWN].state == LANE_SHUT) {
		deadline_update(session);
	}
}

static void watch_within(struct session *session, uint64_t ms)
{
	uint64_t at = session->road.loop->now_ms + ms;

	if (at < session->deadlines.at_ms[DEADLINE_WATCH])
		deadline_set(session, DEADLINE_WATCH, at);
}

void ending_begun(struct session *session)
{
	if (road_has_upstream(&session->road))
		watch_within(session, WATCH_AFTER_MS);
}

void ending_unread(struct session *session, unsigned side)
{
	if (road_has_upstream(&session->road) && !session->watched[side] &&
	    !deadline_is_set(session, DEADLINE_WATCH))
		watch_within(session, UNREAD_AFTER_MS);
}

static bool is_to_be_watched(const struct session *session, unsigned side)
{
	if (session->watched[side] || session->road.broken[side] || session->road.fd[side] < 0)
		return false;
	/* How a connect has ended others are told. */
	if (side == SIDE_UPSTREAM && session->state != SESSION_RELAYING)
		return false;
	return !(session->road.flight.flying[side] & (1u << OP_RECV | 1u << OP_POLL_IN));
}

static void watch(struct session *session)
{
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		struct io_uring_sqe *sqe;

		if (!is_to_be_watched(session, side))
			continue;
		sqe = loop_entry(session->road.loop);
		/* Errors are always told, and so is the end that is known: multishot tells it once.
		 */
		ring_prep_poll(sqe, session->road.fd[side], 0, IORING_POLL_ADD_MULTI);
		op_submit(&session->road.flight, side, OP_WATCH, sqe);
		session->watched[side] = true;
	}
}

void ending_watched(struct session *session, unsigned side, const struct io_uring_cqe *done)
{
	int error;

	session->watched[side] = done->flags & IORING_CQE_F_MORE;
	if (done->res < 0) /* cancelled */
		return;
	if (!session->watched[side] && !(done->res & POLLHUP)) /* the queue was full */
		ending_begun(session);
	error = socket_error(session->road.fd[side]);
	/* Both directions shut is told too, and is no error. */
	if (error < 0)
		ending_broken(session, side, error);
	else if (socket_phase(session->road.fd[side]) == SOCKET_DEAD &&
		 session->road.lanes[!side].state != LANE_SHUT)
		ending_broken(session, side, -ECONNRESET);
}

void ending_due(struct session *session, enum deadline which)
{
	switch ((unsigned)which) {
	case DEADLINE_LIFETIME:
		session_end(session, REASON_LIFETIME, SIDE_CLIENT, 0);
		break;
	case DEADLINE_ACKNOWLEDGED:
		ending_check(session);
		break;
	case DEADLINE_HANDSHAKE:
		handshake_expired(session);
		break;
	case DEADLINE_WATCH:
		watch(session);
		break;
	default: /* not of an ending */
		break;
	}
}
