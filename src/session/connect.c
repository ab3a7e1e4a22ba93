#include "session/connect.h"

#include "lane/strategy.h"
#include "loop/socket.h"
#include "session/attempt.h"
#include "session/choose.h"
#include "session/ending.h"
#include "session/handshake.h"
#include "session/hop.h"
#include "session/introduction.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/memo.h"
#include "session/queued.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/shortage.h"
#include "session/tally.h"
#include "session/tenancy.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>

#define LOOK_AFTER_MS 10 /* most connects have ended by then */

static void note_shortage(struct session *session, int error)
{
	if (shortage_is_own(session))
		return; /* its place is there, whatever other servers lack */
	session->lacks = error;
	session->lacking = session->reach;
}

static void note_failure(struct session *session, int error)
{
	struct sessions *all = session->all;
	enum fault fault = server_fault(session->reach->server, error);

	session->connect_error = error;
	session->failed = true;
	memo_tried(session, error);
	stats_count(&all->loop->stats, connect_failed, 1);
	cell_count(session->reach->cell, tally_ended(reason_of_connect(fault), SIDE_UPSTREAM), 1);
	if (shortage_is(fault))
		note_shortage(session, error);
	if (condition_of(fault) != CONDITION_COUNT) {
		condition_enter(all->loop, condition_of(fault), error);
	} else {
		session->failures++;
		reach_failed(all, session->reach, error);
		choose_failed(session);
	}
}

void connect_succeeded(struct session *session)
{
	struct reach *reach = session->reach;

	deadline_clear(session, DEADLINE_CONNECT);
	deadline_clear(session, DEADLINE_LOOK);
	measure_connect(session);
	session->served = true;
	choose_retried(session);
	choose_took(session, session->connect_us);
	reach_took(session->all, reach);
	atomic_fetch_add_explicit(&reach->server->account->connections, 1, memory_order_relaxed);
	cell_count(reach->cell, TALLY_CONNECTIONS, 1);
	if (unlikely(server_is_failing(reach->server)))
		reach_answered(session->all, reach);
}

/* ---- An attempt ------------------------------------------------------------------------------ */

static void attempt_under_way(struct session *session)
{
	uint32_t timeout = session->desk->pool->config->settings.connect_timeout_ms;

	uint64_t now_ms = session->road.loop->now_ms;

	deadline_clear(session, DEADLINE_RETRY);
	deadline_set(session, DEADLINE_LOOK, now_ms + LOOK_AFTER_MS);
	deadline_set(session, DEADLINE_CONNECT, timeout ? now_ms + timeout : DEADLINE_NONE);
	/* A later attempt finds the client's lane begun, perhaps with bytes to send. */
	for (unsigned i = 0; i < LANE_COUNT; i++)
		strategy_start(&session->road.lanes[i]);
	/* Still without a buffer from the last attempt: no receive will tell. */
	if (list_is_linked(&session->road.lanes[LANE_DOWN].starved))
		connect_poll(session);
}

void connect_give_up(struct session *session)
{
	const struct reach *reach = session->lacks ? session->lacking : session->reach;
	int error = session->lacks ? session->lacks : session->connect_error;

	session->resetting[SIDE_CLIENT] = true;
	session_end(session,
		    error ? reason_of_connect(server_fault(reach->server, error))
			  : REASON_NO_SERVER,
		    SIDE_UPSTREAM, error);
}

void connect_end_full(struct session *session, enum reason reason)
{
	session->resetting[SIDE_CLIENT] = true;
	session_end(session, reason, SIDE_UPSTREAM, 0);
}

/* Nobody is left to try in this round, and others might do if one waits. */
static void await_others(struct session *session, uint64_t until)
{
	deadline_set(session, DEADLINE_RETRY, until);
	/* That a first server is known is told by connect_servers_known(). */
	if (session->lacks)
		shortage_wait(session, session->lacking, session->lacks);
	ending_unread(session, SIDE_CLIENT);
}

/* Nobody is left to try in this round. */
static void round_failed(struct session *session)
{
	const struct config_settings *settings = &session->desk->pool->config->settings;
	uint64_t until = session->started_ms + settings->connect_timeout_ms;
	enum chosen chosen = (enum chosen)session->chosen;

	if (chosen == CHOSEN_SPENT)
		session->lacks = 0; /* that it might do does not matter any more */
	if (chosen == CHOSEN_HELD ||
	    (chosen == CHOSEN_FULL && !session->lacks && settings->queue)) {
		session_step(session, SESSION_WAITS);
		return;
	}
	session->attempts = 0;
	choose_retried(session);
	if (chosen == CHOSEN_FULL && !session->lacks)
		connect_end_full(session, REASON_SERVERS_FULL);
	else if (session->road.loop->now_ms < until &&
		 (session->lacks || (session->awaits_names && !session->connect_error)))
		await_others(session, until);
	else
		connect_give_up(session);
}

static void count_retry(const struct session *session)
{
	stats_count(&session->road.loop->stats, connect_retried, 1);
	cell_count(session->desk->cell, TALLY_RETRIES, 1);
}

static void begin_round(struct session *session)
{
	session->lacks = 0;
	session->failed = false;
	tried_done(&session->tried);
}

/* Another server to try, at which it has a place. */
static bool has_next(struct session *session)
{
	if (session->in_turn)
		session->in_turn = false;
	else
		session->chosen = (uint8_t)choose_server(session);
	return session->chosen == CHOSEN_SERVER;
}

/* It has tried its server in vain.  Whether it may go on to another. */
static bool leave_server(struct session *session)
{
	choose_leave(session);
	if (likely(choose_tried(session)))
		return true;
	session->chosen = CHOSEN_NOBODY;
	return false;
}

/* An attempt at its server, as far as nothing is in the way: it is under way; or false. */
static bool try_server(struct session *session)
{
	int r = shortage_ahead(session, session->reach);

	if (unlikely(r)) {
		note_shortage(session, r);
		return false;
	}
	if (session->failed)
		count_retry(session);
	session->attempt_ns = session->road.loop->coalesce.now_ns;
	r = introduction_prepare(session);
	if (r == 0)
		r = attempt_begin(session);
	if (r < 0) {
		note_failure(session, r);
		return false;
	}
	attempt_under_way(session);
	if (r > 0)
		session_step(session, SESSION_CONNECTED);
	return true;
}

/* Try servers until one attempt is under way. */
static void connect_to_next(struct session *session)
{
	struct pool *pool = session->desk->pool;

	if (unlikely(hop_comes_back(session))) {
		reach_returned(session->all, session->branch);
		session->resetting[SIDE_CLIENT] = true;
		session_end(session, REASON_LOOP, SIDE_CLIENT, 0);
		return;
	}
	if (session->attempts == 0)
		begin_round(session);
	/* Before the roster is looked at: who is known later than that is told of. */
	session->awaits_names = atomic_load_explicit(&pool->hidden, memory_order_acquire);
	while (has_next(session)) {
		if (try_server(session))
			return;
		if (!leave_server(session))
			break;
	}
	session->exhausted = true;
	session_step(session, SESSION_ATTEMPT_FAILED);
}

/* Whether an operation on the upstream's socket has not completed. */
static bool in_use(const struct session *session)
{
	const struct lane *up = &session->road.lanes[LANE_UP];

	return session->road.lanes[LANE_DOWN].receiving || up->sending || up->polling ||
	       session->connect_polling;
}

/* The attempt failed (negative errno). */
static void attempt_failed(struct session *session, int error)
{
	deadline_clear(session, DEADLINE_CONNECT);
	deadline_clear(session, DEADLINE_LOOK);
	note_failure(session, error);
	socket_shut_both(session->road.fd[SIDE_UPSTREAM]);
	if (in_use(session))
		session_cancel_side(session, SIDE_UPSTREAM);
	session_step(session, SESSION_ATTEMPT_FAILED);
}

/* Something completed, or it is time: move on when the failed socket is quiet. */
static void settle(struct session *session)
{
	/* A cancel names an operation by its tag, and the next attempt has the same. */
	if (in_use(session) || session->road.flight.cancels)
		return;
	if (session->road.fd[SIDE_UPSTREAM] >= 0) {
		hop_forget(session);
		socket_close(session->road.fd[SIDE_UPSTREAM]);
		session->road.fd[SIDE_UPSTREAM] = -1;
		session->exhausted |= !leave_server(session);
	}
	if (list_is_linked(&session->waiting)) {
		if (deadline_is_set(session, DEADLINE_RETRY))
			return; /* the line goes on from here, or the timer */
		shortage_leave(session);
		connect_give_up(session);
		return;
	}
	if (session->exhausted) {
		session->exhausted = false;
		round_failed(session);
		return;
	}
	session_step(session, SESSION_RETRY);
}

static void look(struct session *session)
{
	if (session->state != SESSION_CONNECTING)
		return;
	if (socket_phase(session->road.fd[SIDE_UPSTREAM]) != SOCKET_CONNECTED) {
		connect_poll(session);
		return;
	}
	measure_connect_seen(session);
	session_step(session, SESSION_CONNECTED);
	/* Nothing has moved since. */
	session->road.active_ms = session->attempt_ns / CLOCK_NS_PER_MS;
	deadline_update(session);
}

/* It waits for nothing but that a server is known. */
static bool waits_for_names(const struct session *session)
{
	return !session->over && session->state == SESSION_RETRYING && !session->connect_error &&
	       !session->lacks;
}

void connect_servers_known(struct sessions *all)
{
	queued_look_again(all);
	for (uint32_t slot = 0; slot < all->slab.capacity; slot++) {
		struct session *session = slab_find(&all->slab, slot, all->slab.generation[slot]);
		const struct pool *pool;

		if (!session || !waits_for_names(session))
			continue;
		pool = session->desk->pool;
		if (!pool_roster(pool)->count &&
		    atomic_load_explicit(&pool->hidden, memory_order_acquire))
			continue;
		deadline_clear(session, DEADLINE_RETRY);
		settle(session);
	}
}

void connect_poll(struct session *session)
{
	struct io_uring_sqe *sqe;

	if (session->connect_polling)
		return;
	sqe = loop_entry(session->road.loop);
	ring_prep_poll(sqe, session->road.fd[SIDE_UPSTREAM], POLLOUT, 0);
	op_submit(&session->road.flight, LANE_UP, OP_CONNECT, sqe);
	session->connect_polling = true;
}

void connect_polled(struct session *session)
{
	int fd = session->road.fd[SIDE_UPSTREAM], error;

	session->connect_polling = false;
	if (session->state != SESSION_CONNECTING)
		return;
	if (socket_phase(fd) == SOCKET_CONNECTED) {
		session_step(session, SESSION_CONNECTED);
	} else if (socket_phase(fd) == SOCKET_DEAD && !session->road.lanes[LANE_DOWN].receiving) {
		/* Otherwise the receive is told, and brings the error. */
		error = socket_error(fd);
		attempt_failed(session, error ? error : -ECONNREFUSED);
	}
}

/* ---- The phase of an attempt ----------------------------------------------------------------- */

/* Whether a completion tells how the connect ended, and has been dealt with. */
static bool connect_outcome(struct session *session, struct op_tag tag,
			    const struct io_uring_cqe *done)
{
	bool receive = tag.kind == OP_RECV && tag.lane == LANE_DOWN;
	bool send = tag.kind == OP_SEND && tag.lane == LANE_UP;
	enum fault fault = FAULT_UNKNOWN;

	if (!receive && !send)
		return false;
	if (done->res > 0 || done->res == -ECONNRESET ||
	    (receive && done->res == 0 &&
	     socket_phase(session->road.fd[SIDE_UPSTREAM]) != SOCKET_DEAD)) {
		session_step(session, SESSION_CONNECTED);
		return false;
	}
	if (done->res < 0)
		fault = fault_of(receive ? FAULT_AT_RECEIVE : FAULT_AT_STREAM, done->res);
	if (fault == FAULT_BUFFERS)
		connect_poll(session); /* without a buffer no receive will tell */
	if (fault == FAULT_BUFFERS || fault == FAULT_PASSING)
		return false;
	if (send) {
		session->road.lanes[LANE_UP].sending = 0;
		if (fault == FAULT_RESET)
			return true; /* the receive was told the error, and brings it */
	} else {
		session->road.lanes[LANE_DOWN].receiving = false;
	}
	attempt_failed(session, done->res ? done->res : -ECONNREFUSED);
	return true;
}

static void connect_too_long(struct session *session)
{
	if (socket_phase(session->road.fd[SIDE_UPSTREAM]) == SOCKET_CONNECTED)
		session_step(session, SESSION_CONNECTED);
	else
		attempt_failed(session, -ETIMEDOUT);
}

static void complete_connecting(struct session *session, struct op_tag tag,
				const struct io_uring_cqe *done)
{
	if (tag.kind == OP_CONNECT)
		connect_polled(session);
	else if (tag.kind == OP_WATCH)
		ending_watched(session, tag.lane, done);
	else if (!connect_outcome(session, tag, done) && tag.kind != OP_CANCEL)
		strategy_complete(&session->road.lanes[tag.lane], (enum op_kind)tag.kind, done);
}

static void due_connecting(struct session *session, enum deadline which)
{
	if (which == DEADLINE_LOOK)
		look(session);
	else if (which == DEADLINE_CONNECT)
		connect_too_long(session);
	else
		ending_due(session, which);
}

const struct phase phase_connecting = {
	.name = "connecting",
	.gates = {[LANE_UP] = GATE_TRIES, [LANE_DOWN] = GATE_TRIES},
	.enter = connect_to_next,
	.complete = complete_connecting,
	.due = due_connecting,
};

/* ---- The phase between two attempts ---------------------------------------------------------- */

bool connect_abandoned(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	if (tag.kind == OP_RECV && tag.lane == LANE_DOWN) {
		session->road.lanes[LANE_DOWN].receiving = done->flags & IORING_CQE_F_MORE;
		stock_return(&session->road.loop->stock, done);
		return true;
	}
	if (tag.kind == OP_POLL_OUT && tag.lane == LANE_UP) {
		lane_writable(&session->road.lanes[LANE_UP]);
		return true;
	}
	if (tag.kind == OP_SEND && tag.lane == LANE_UP) {
		session->road.lanes[LANE_UP].sending = 0;
		if (done->res >
		    0) { /* it had been connected, and has had bytes no other shall get */
			session->resetting[SIDE_CLIENT] = true;
			session_end(session, REASON_UPSTREAM_ERROR, SIDE_UPSTREAM, -ECONNABORTED);
		}
		return true;
	}
	return false;
}

static void complete_retrying(struct session *session, struct op_tag tag,
			      const struct io_uring_cqe *done)
{
	if (tag.kind == OP_CONNECT)
		connect_polled(session);
	else if (tag.kind == OP_WATCH)
		ending_watched(session, tag.lane, done);
	else if (!connect_abandoned(session, tag, done) && tag.kind != OP_CANCEL)
		strategy_complete(&session->road.lanes[tag.lane], (enum op_kind)tag.kind, done);
	if (!session->over)
		settle(session);
}

static void due_retrying(struct session *session, enum deadline which)
{
	if (which == DEADLINE_RETRY)
		settle(session);
	else
		ending_due(session, which);
}

const struct phase phase_retrying = {
	.name = "connecting",
	.gates = {[LANE_UP] = GATE_GATHERS},
	.enter = settle,
	.complete = complete_retrying,
	.due = due_retrying,
	.give_up = shortage_leave,
};
