#include "net/ending.h"

#include "net/session.h"
#include "net/socket.h"
#include "net/timing.h"
#include "net/worker.h"

#include <errno.h>

#define LINGER_FIRST_MS 1
#define LINGER_MAX_MS   100
#define WATCH_AFTER_MS  10

static void break_sink(struct lane *lane)
{
	if (lane->state == LANE_SHUT || lane->state == LANE_BROKEN)
		return;
	lane->state = LANE_BROKEN;
	lane_cancel_receive(lane);
	lane_mark(lane);
}

/* Our kernel's trouble: both peers are well, and would wait for each other for ever. */
static bool is_local(int error)
{
	return error == -ENOMEM || error == -ENOBUFS;
}

/* The client is gone before any server has answered: is there one who shall hear of it? */
static bool reached_upstream(struct session *session)
{
	if (session->state != SESSION_CONNECTING ||
	    socket_phase(session->fd[SIDE_UPSTREAM]) != SOCKET_CONNECTED)
		return false;
	session_step(session, SESSION_CONNECTED);
	return true;
}

void ending_broken(struct session *session, unsigned side, int error)
{
	struct lane *source = &session->lanes[side];

	assert(error < 0);
	if (session->state == SESSION_CLOSING)
		return;
	if (!session->broken[side])
		session->broken[side] = error;
	if (is_local(error) || !session_has_upstream(session)) {
		session->resetting[SIDE_CLIENT] = session->resetting[SIDE_UPSTREAM] = true;
		session_end(session, reason_of_error(side, error), side, error);
		return;
	}
	if (side == SIDE_CLIENT && session->state != SESSION_RELAYING &&
	    !reached_upstream(session)) {
		session_end(session, reason_of_error(side, error), side, error);
		return;
	}
	break_sink(&session->lanes[!side]);
	lane_mark(source); /* there may be more to read: it is armed again, if it is not */
	ending_check(session);
}

/* Whether everything that was meant for the side has reached the far end's kernel. */
static bool delivered(struct session *session, const struct lane *lane)
{
	if (lane->queued || lane->sending || lane->held)
		return false;
	if (session->broken[lane->to])
		return true;
	if (socket_unacknowledged(session->fd[lane->to]) == 0)
		return true;
	/* No event tells of acknowledgements: look again, ever less often. */
	session->linger_ms = session->linger_ms ? session->linger_ms * 2 : LINGER_FIRST_MS;
	if (session->linger_ms > LINGER_MAX_MS)
		session->linger_ms = LINGER_MAX_MS;
	session->retry_ms = session->worker->now_ms + session->linger_ms;
	timing_update(session);
	return false;
}

static void check_broken(struct session *session, unsigned side)
{
	struct lane *source = &session->lanes[side];
	int error = session->broken[side];

	if (source->state == LANE_OPEN || source->state == LANE_ENDING)
		return;
	if (!delivered(session, source))
		return;
	session->resetting[!side] = true;
	session_end(session, reason_of_error(side, error), side, error);
}

void ending_check(struct session *session)
{
	const struct lane *lanes = session->lanes;

	if (session->state == SESSION_CLOSING)
		return;
	if (session->state == SESSION_RELAYING)
		session->retry_ms = 0;
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		if (session->broken[side])
			check_broken(session, side);
		if (session->state == SESSION_CLOSING)
			return;
	}
	if (lanes[LANE_UP].state == LANE_SHUT && lanes[LANE_DOWN].state == LANE_SHUT) {
		session_end(session, REASON_COMPLETED, SIDE_CLIENT, 0);
	} else if (lanes[LANE_UP].state == LANE_SHUT || lanes[LANE_DOWN].state == LANE_SHUT) {
		timing_update(session);
	}
}

void ending_begun(struct session *session)
{
	if (!session_has_upstream(session))
		return;
	session->watch_ms = session->worker->now_ms + WATCH_AFTER_MS;
	timing_update(session);
}

void ending_watch(struct session *session)
{
	session->watch_ms = 0;
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		struct io_uring_sqe *sqe;

		unsigned state = session->lanes[side].state;

		if ((state != LANE_SHUT && state != LANE_ENDING) || session->watched[side] ||
		    session->broken[side])
			continue;
		sqe = worker_entry(session->worker);
		/* Errors are always told, and so is the end that is known: multishot tells it once.
		 */
		ring_prep_poll(sqe, session->fd[side], 0, IORING_POLL_ADD_MULTI);
		session_submit(session, side, OP_WATCH, sqe);
		session->watched[side] = true;
	}
}

void ending_watched(struct session *session, unsigned side, const struct io_uring_cqe *done)
{
	int error;

	session->watched[side] = done->flags & IORING_CQE_F_MORE;
	if (done->res < 0) /* cancelled */
		return;
	error = socket_error(session->fd[side]);
	/* Both directions shut is told too, and is no error. */
	if (error < 0)
		ending_broken(session, side, error);
	else if (socket_phase(session->fd[side]) == SOCKET_DEAD &&
		 session->lanes[!side].state != LANE_SHUT)
		ending_broken(session, side, -ECONNRESET);
}
