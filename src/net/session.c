#include "net/session.h"

#include "lane/rest.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "net/deadline.h"
#include "net/ending.h"
#include "net/handshake.h"
#include "net/hop.h"
#include "net/record.h"
#include "net/section.h"
#include "net/sessions.h"
#include "net/shortage.h"
#include "net/upstream.h"

#include <errno.h>

#define NEVER (-1)

/* A cancel misses an operation that is between its submission and its first wait. */
#define CANCEL_AGAIN_MS 100

#define FAREWELL_MS 2000 /* for the client to read a service's last words and close */

/* clang-format off */
static const signed char next_state[SESSION_STATE_COUNT][SESSION_EVENT_COUNT] = {
	/*                     ACCEPTED            SERVED            CONNECTED         ATTEMPT_FAILED    RETRY               ENDED            QUIET         CUT */
	[SESSION_FREE]       = {SESSION_CONNECTING, SESSION_RELAYING, NEVER,            NEVER,            NEVER,              NEVER,           NEVER,        NEVER},
	[SESSION_CONNECTING] = {NEVER,              NEVER,            SESSION_RELAYING, SESSION_RETRYING, NEVER,              SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_RETRYING]   = {NEVER,              NEVER,            NEVER,            NEVER,            SESSION_CONNECTING, SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_RELAYING]   = {NEVER,              NEVER,            NEVER,            NEVER,            NEVER,              SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_CLOSING]    = {NEVER,              NEVER,            NEVER,            NEVER,            NEVER,              NEVER,           SESSION_FREE, SESSION_FREE},
};
/* clang-format on */

/* What the lanes may do. */
static const uint8_t gates[SESSION_STATE_COUNT][LANE_COUNT] = {
	[SESSION_CONNECTING] = {[LANE_UP] = GATE_TRIES, [LANE_DOWN] = GATE_TRIES},
	[SESSION_RETRYING] = {[LANE_UP] = GATE_GATHERS},
	[SESSION_RELAYING] = {[LANE_UP] = GATE_FLOWS, [LANE_DOWN] = GATE_FLOWS},
};

int session_next(enum session_state state, enum session_event event)
{
	assert(state < SESSION_STATE_COUNT);
	assert(event < SESSION_EVENT_COUNT);
	return next_state[state][event];
}

/* ---- Entering a state ------------------------------------------------------------------------ */

static void enter_relaying(struct session *session)
{
	deadline_clear(session, DEADLINE_CONNECT);
	deadline_clear(session, DEADLINE_LOOK);
	if (road_has_upstream(&session->road)) {
		/* The first byte or end from the server, or to it, proved the connect. */
		upstream_connected(session);
		session->road.active_ms = session->road.loop->now_ms;
		lane_mark(&session->road.lanes[LANE_UP]);
		lane_mark(&session->road.lanes[LANE_DOWN]);
	} else {
		strategy_start(&session->road.lanes[LANE_UP]);
	}
	deadline_update(session);
}

/* Whose descriptor an operation uses. */
static unsigned side_of(const struct session *session, unsigned lane, unsigned kind)
{
	switch (kind) {
	case OP_SEND:
	case OP_POLL_OUT:
		return session->road.lanes[lane].to;
	case OP_CONNECT:
		return SIDE_UPSTREAM;
	default: /* receives, polls for the source, and a watch, whose lane is its side */
		return lane;
	}
}

void session_cancel_side(struct session *session, unsigned side)
{
	assert(!session->road.loop->handling);
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++)
			if (op_flies(&session->road.flight, lane, (enum op_kind)kind) &&
			    side_of(session, lane, kind) == side)
				op_cancel(session->road.loop, &session->road.flight, lane,
					  (enum op_kind)kind);
}

void session_cancel(struct session *session)
{
	assert(session->state == SESSION_CLOSING);
	session_cancel_side(session, SIDE_CLIENT);
	session_cancel_side(session, SIDE_UPSTREAM);
	deadline_set(session, DEADLINE_CANCEL, session->road.loop->now_ms + CANCEL_AGAIN_MS);
}

static void wait_for_burial(struct session *session)
{
	deadline_clear_all(session);
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
		close_side(session, SIDE_CLIENT);
		close_side(session, SIDE_UPSTREAM);
	}
	if (session->road.flight.in_flight == 0)
		wait_for_burial(session);
}

static void enter_closing(struct session *session)
{
	deadline_clear_all(session);
	if (session->road.flight.in_flight > session->road.flight.notices)
		session_cancel(session);
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
}

static void enter_free(struct session *session)
{
	for (unsigned i = 0; i < LANE_COUNT; i++)
		stop_lane(&session->road.lanes[i]);
	close_side(session, SIDE_CLIENT);
	close_side(session, SIDE_UPSTREAM);
	sessions_closed(session->all, session);
}

/* ---- What its road tells --------------------------------------------------------------------- */

static void ended(struct road *road, unsigned side)
{
	(void)side;
	ending_begun(session_of(road));
}

static void broken(struct road *road, unsigned side, int error)
{
	ending_broken(session_of(road), side, error);
}

static void unsent(struct road *road, struct lane *lane, int error)
{
	ending_unsent(session_of(road), lane, error);
}

static void delivered(struct road *road)
{
	ending_check(session_of(road));
}

static void dropped(struct road *road, unsigned side)
{
	ending_dropped(session_of(road), side);
}

static void heard(struct road *road)
{
	handshake_answered(session_of(road));
}

static void unread(struct road *road, unsigned side)
{
	ending_unread(session_of(road), side);
}

static void end_waits(struct road *road)
{
	upstream_poll(session_of(road));
}

static void farewell(struct road *road, enum lane_farewell why)
{
	static const uint8_t reasons[] = {
		[FAREWELL_ANSWERED] = REASON_ANSWERED,
		[FAREWELL_BAD_REQUEST] = REASON_BAD_REQUEST,
		[FAREWELL_TOO_LARGE] = REASON_REQUEST_TOO_LARGE,
	};
	struct session *session = session_of(road);
	uint64_t until_ms = road->loop->now_ms + FAREWELL_MS;

	if (session->end.reason == REASON_NONE)
		session->end.reason = reasons[why];
	if (why != FAREWELL_ANSWERED)
		return;
	if (until_ms < session->deadlines.at_ms[DEADLINE_LIFETIME]) /* max_lifetime may be before */
		deadline_set(session, DEADLINE_LIFETIME, until_ms);
}

static const struct road_events events = {
	.ended = ended,
	.broken = broken,
	.unsent = unsent,
	.delivered = delivered,
	.dropped = dropped,
	.heard = heard,
	.unread = unread,
	.end_waits = end_waits,
	.farewell = farewell,
};

static void step(struct session *session, enum session_event event)
{
	static void (*const enter[])(struct session *) = {
		[SESSION_FREE] = enter_free,          [SESSION_CONNECTING] = upstream_connect,
		[SESSION_RETRYING] = upstream_settle, [SESSION_RELAYING] = enter_relaying,
		[SESSION_CLOSING] = enter_closing,
	};
	static_assert(array_size(enter) == SESSION_STATE_COUNT, "every state is entered");
	int next = session_next((enum session_state)session->state, event);

	assert(next != NEVER);
	assert(next != SESSION_FREE || event == SESSION_CUT || session->road.flight.in_flight == 0);
	session->state = (uint8_t)next;
	if (!session->over)
		for (unsigned i = 0; i < LANE_COUNT; i++)
			session->road.lanes[i].gate = gates[next][i];
	enter[next](session);
}

/* Step by what is noted, an end behind all else and only where that may be done now. */
static void run(struct session *session, bool may_end)
{
	unsigned now = may_end ? UINT8_MAX : UINT8_MAX & ~(1u << SESSION_ENDED);

	assert(!session->road.loop->handling);
	session->stepping = true;
	while (session->pending & now) {
		unsigned event = (unsigned)__builtin_ctz(session->pending & now);

		session->pending &= (uint8_t) ~(1u << event);
		if (event == SESSION_QUIET || event == SESSION_CUT) {
			step(session, (enum session_event)event); /* there is no session any more */
			return;
		}
		step(session, (enum session_event)event);
	}
	session->stepping = false;
}

static void decide(struct session *session, enum session_event event)
{
	session->pending |= (uint8_t)(1u << event);
	if (!list_is_linked(&session->link))
		list_push(&session->all->decided, &session->link);
}

void session_step(struct session *session, enum session_event event)
{
	static_assert(SESSION_EVENT_COUNT <= 8, "a bit for each event");
	if (session->road.loop->handling) {
		decide(session, event);
		return;
	}
	session->pending |= (uint8_t)(1u << event);
	if (!session->stepping)
		run(session, false);
}

void session_catch_up(struct session *session)
{
	if (unlikely(session->pending))
		run(session, false);
}

void session_settle(struct sessions *all)
{
	struct list *node;

	while ((node = list_pop(&all->decided)))
		run(container_of(node, struct session, link), true);
}

/* ---- A life ---------------------------------------------------------------------------------- */

static uint64_t lifetime_until(struct sessions *all, const struct config_settings *settings)
{
	uint64_t lifetime = settings->max_lifetime_ms;

	if (!lifetime)
		return DEADLINE_NONE;
	if (settings->max_lifetime_jitter)
		lifetime -= lifetime *
			    (loop_random(all->loop) % (settings->max_lifetime_jitter + 1)) / 100;
	return all->loop->now_ms + lifetime;
}

void session_open(struct sessions *all, const struct section *section, const char *listener,
		  int client_fd)
{
	uint32_t slot;
	struct session *session = slab_take(&all->slab, &slot);

	assert(session); /* the worker took a place for it */
	session->road.loop = all->loop;
	session->road.events = &events;
	session->road.shared = section->shared;
	session->road.settings = &section->config->settings;
	session->all = all;
	session->section = section;
	session->listener = listener;
	session->road.flight.slot = slot;
	session->road.flight.generation = all->slab.generation[slot];
	session->id = sessions_next_id(all);
	session->road.fd[SIDE_CLIENT] = client_fd;
	session->road.fd[SIDE_UPSTREAM] = -1;
	session->started_ms = session->road.active_ms = all->loop->now_ms;
	deadline_clear_all(session);
	deadline_set(session, DEADLINE_LIFETIME, lifetime_until(all, &section->config->settings));
	lane_init(&session->road.lanes[LANE_UP], LANE_UP,
		  section->has_upstream ? SIDE_UPSTREAM : SIDE_CLIENT, LANE_OPEN);
	lane_init(&session->road.lanes[LANE_DOWN], LANE_DOWN, SIDE_CLIENT,
		  section->has_upstream ? LANE_OPEN : LANE_SHUT);
	session->road.lanes[LANE_UP].strategy = section->strategy;
	if (record_wanted(all))
		socket_peer(client_fd, &session->client);
	if (section->has_upstream) {
		session->road.lanes[LANE_DOWN].strategy = section->strategy;
		session_step(session, SESSION_ACCEPTED);
	} else {
		session_step(session, SESSION_SERVED);
	}
}

/* Whether a completion tells how the connect ended, and has been dealt with. */
static bool connect_outcome(struct session *session, struct op_tag tag,
			    const struct io_uring_cqe *done)
{
	bool receive = tag.kind == OP_RECV && tag.lane == LANE_DOWN;
	bool send = tag.kind == OP_SEND && tag.lane == LANE_UP;

	if (!receive && !send)
		return false;
	if (done->res > 0 || done->res == -ECONNRESET ||
	    (receive && done->res == 0 &&
	     socket_phase(session->road.fd[SIDE_UPSTREAM]) != SOCKET_DEAD)) {
		session_step(session, SESSION_CONNECTED);
		return false;
	}
	if (done->res == -ENOBUFS && receive)
		upstream_poll(session); /* without a buffer no receive will tell */
	if (done->res == -ENOBUFS || done->res == -EINTR || done->res == -EAGAIN ||
	    done->res == -ECANCELED)
		return false;
	if (send) {
		session->road.lanes[LANE_UP].sending = 0;
		if (!upstream_is_connect_error(done->res))
			return true; /* the receive was told the error, and brings it */
	} else {
		session->road.lanes[LANE_DOWN].receiving = false;
	}
	upstream_failed(session, done->res ? done->res : -ECONNREFUSED);
	return true;
}

/* The upstream's socket is being given up: only its operations' ends matter. */
static bool abandoned(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
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

/* It has ended, and lets go of what its operations bring. */
static void complete_over(struct session *session, struct op_tag tag,
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

static void handle(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	struct lane *lane = &session->road.lanes[tag.lane];

	session_catch_up(session);
	if (session->over) {
		complete_over(session, tag, done);
		return;
	}
	if (tag.kind == OP_CONNECT)
		upstream_polled(session);
	else if (tag.kind == OP_WATCH)
		ending_watched(session, tag.lane, done);
	else if (session->state == SESSION_RETRYING && abandoned(session, tag, done))
		;
	else if (session->state == SESSION_CONNECTING && connect_outcome(session, tag, done))
		;
	else if (tag.kind != OP_CANCEL)
		strategy_complete(lane, (enum op_kind)tag.kind, done);
	if (session->state == SESSION_RETRYING && !session->over)
		upstream_settle(session);
}

void session_complete(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	assert(tag.lane < LANE_COUNT);
	op_landed(&session->road.flight, tag, done->flags);
	if (tag.kind == OP_SEND)
		session->road.lanes[tag.lane].unanswered = false;
	handle(session, tag, done);
}

void session_succeed(struct session *session, struct op_tag tag, uint64_t noted_ms)
{
	const struct lane *lane = &session->road.lanes[tag.lane];
	struct io_uring_cqe done = {.user_data = op_pack(tag), .res = (int32_t)lane->sending};
	uint64_t active_ms = session->road.active_ms;

	if (!lane->unanswered)
		return;
	session_complete(session, tag, &done);
	session->road.active_ms = active_ms > noted_ms ? active_ms : noted_ms;
}

void session_feed(struct lane *lane)
{
	struct session *session = session_of(road_of(lane));
	struct io_uring_cqe done = {0};

	if (!lane_feed(lane, &done.res))
		return;
	handle(session, op_tag_of(&session->road.flight, lane->index, OP_RECV), &done);
	assert(lane->fed == STOCK_NONE);
}

/* Bytes that were received have not been sent. */
static bool owes_bytes(const struct lane *lane)
{
	return lane->queued || lane->sending || lane->held;
}

/* Its source has not said that the stream is whole, and now never will. */
static bool is_cut_short(const struct lane *lane)
{
	return lane->state != LANE_SHUT && lane->state != LANE_ENDING;
}

/* The first call decides. */
static void note_end(struct session *session, enum reason reason, unsigned side, int error)
{
	/* A service that said all has said a reason; and then it owes no more. */
	bool whole = reason == REASON_COMPLETED || session->end.reason != REASON_NONE;
	bool connected = session->pending & 1u << SESSION_CONNECTED;

	if (session->over)
		return;
	session->over = true;
	session->end = (struct session_end){
		/* Who had a reason to let it end by itself has set it. */
		.reason = session->end.reason ? session->end.reason : (uint8_t)reason,
		.side = (uint8_t)side,
		.phase = connected ? SESSION_RELAYING : session->state,
		.error = error,
	};
	for (unsigned i = 0; i < LANE_COUNT; i++) {
		struct lane *lane = &session->road.lanes[i];

		lane->gate = GATE_CLOSED;
		if (owes_bytes(lane) ||
		    (!whole && (is_cut_short(lane) || session->road.broken[lane->index])))
			session->resetting[lane->to] = true;
	}
}

void session_end(struct session *session, enum reason reason, unsigned side, int error)
{
	if (session->over)
		return;
	note_end(session, reason, side, error);
	shortage_leave(session);
	decide(session, SESSION_ENDED);
}

void session_bury(struct session *session)
{
	record_write(session);
	session_step(session, SESSION_QUIET);
}

void session_cut(struct session *session, enum reason reason)
{
	assert(!list_is_linked(&session->link));
	note_end(session, reason, SIDE_CLIENT, 0);
	deadline_clear_all(session);
	shortage_leave(session);
	record_write(session);
	session_step(session, SESSION_CUT);
}
