#include "session/session.h"

#include "lane/strategy.h"
#include "session/life.h"
#include "session/measure.h"
#include "session/memo.h"
#include "session/record.h"
#include "session/sessions.h"
#include "session/tally.h"
#include "session/tenancy.h"

#include <errno.h>

#define NEVER (-1)

/* clang-format off */
static const signed char next_state[SESSION_STATE_COUNT][SESSION_EVENT_COUNT] = {
	/*                     GREETS            ACCEPTED            SERVED            CONNECTED         ATTEMPT_FAILED    RETRY               WAITS           ENDED            QUIET         CUT */
	[SESSION_FREE]       = {SESSION_GREETING, SESSION_CONNECTING, SESSION_RELAYING, NEVER,            NEVER,            NEVER,              NEVER,          NEVER,           NEVER,        NEVER},
	[SESSION_GREETING]   = {NEVER,            SESSION_CONNECTING, SESSION_RELAYING, NEVER,            NEVER,            NEVER,              NEVER,          SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_CONNECTING] = {NEVER,            NEVER,              NEVER,            SESSION_RELAYING, SESSION_RETRYING, NEVER,              NEVER,          SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_RETRYING]   = {NEVER,            NEVER,              NEVER,            NEVER,            NEVER,            SESSION_CONNECTING, SESSION_QUEUED, SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_QUEUED]     = {NEVER,            NEVER,              NEVER,            NEVER,            NEVER,            SESSION_CONNECTING, NEVER,          SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_RELAYING]   = {NEVER,            NEVER,              NEVER,            NEVER,            NEVER,            NEVER,              NEVER,          SESSION_CLOSING, NEVER,        SESSION_FREE},
	[SESSION_CLOSING]    = {NEVER,            NEVER,              NEVER,            NEVER,            NEVER,            NEVER,              NEVER,          NEVER,           SESSION_FREE, SESSION_FREE},
};
/* clang-format on */

int session_next(enum session_state state, enum session_event event)
{
	assert(state < SESSION_STATE_COUNT);
	assert(event < SESSION_EVENT_COUNT);
	return next_state[state][event];
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

static void step(struct session *session, enum session_event event)
{
	int next = session_next((enum session_state)session->state, event);
	const struct phase *phase;

	assert(next != NEVER);
	assert(next != SESSION_FREE || event == SESSION_CUT || session->road.flight.in_flight == 0);
	session->state = (uint8_t)next;
	phase = session->branch->section->life->phases[next];
	if (!session->over) {
		session->phase = phase;
		for (unsigned i = 0; i < LANE_COUNT; i++)
			session->road.lanes[i].gate = phase->gates[i];
	}
	phase->enter(session);
}

/* Step by what is noted, an end behind all else and only where that may be done now. */
static void run(struct session *session, bool may_end)
{
	unsigned now = may_end ? UINT16_MAX : UINT16_MAX & ~(1u << SESSION_ENDED);

	assert(!session->road.loop->handling);
	session->stepping = true;
	while (session->pending & now) {
		unsigned event = (unsigned)__builtin_ctz(session->pending & now);

		session->pending &= (uint16_t) ~(1u << event);
		step(session, (enum session_event)event);
	}
	session->stepping = false;
}

static void decide(struct session *session, enum session_event event)
{
	session->pending |= (uint16_t)(1u << event);
	if (!list_is_linked(&session->link))
		list_push(&session->all->decided, &session->link);
}

void session_step(struct session *session, enum session_event event)
{
	static_assert(SESSION_EVENT_COUNT <= 16, "a bit for each event");
	if (session->road.loop->handling) {
		decide(session, event);
		return;
	}
	session->pending |= (uint16_t)(1u << event);
	if (!session->stepping)
		run(session, false);
}

/* The last one: there is no session any more. */
static void leave(struct session *session, enum session_event event)
{
	assert(!session->road.loop->handling && !session->stepping);
	step(session, event);
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

static void set_rates(struct session *session)
{
	const struct config_settings *settings = session->road.settings;

	if (unlikely(settings->upload_rate))
		throttle_begin(&session->road.lanes[LANE_UP], settings->upload_rate);
	if (unlikely(settings->download_rate))
		throttle_begin(&session->road.lanes[LANE_DOWN], settings->download_rate);
}

void session_open(struct sessions *all, struct branch *branch, const char *listener,
		  const struct let_in *let_in)
{
	const struct section *section = branch->section;
	uint32_t slot;
	struct session *session = slab_take(&all->slab, &slot);

	assert(session); /* the worker took a place for it */
	session->road.loop = all->loop;
	session->road.events = section->life->events;
	session->road.shared = section->shared;
	session->road.settings = &section->config->settings;
	session->all = all;
	session->branch = branch;
	session->desk = branch->desk;
	session->asks = section->asks;
	tenancy_use(branch->tenancy);
	cell_count(branch->cell, TALLY_CONNECTIONS, 1);
	session->listener = listener;
	session->road.flight.slot = slot;
	session->road.flight.generation = all->slab.generation[slot];
	session->id = sessions_next_id(all);
	session->road.fd[SIDE_CLIENT] = let_in->fd;
	session->place = (uint8_t)let_in->place;
	session->counted = let_in->counted;
	session->road.fd[SIDE_UPSTREAM] = -1;
	session->started_ms = session->road.active_ms = all->loop->now_ms;
	session->started_ns = all->loop->coalesce.now_ns;
	deadline_clear_all(session);
	deadline_set(session, DEADLINE_LIFETIME, lifetime_until(all, &section->config->settings));
	lane_init(&session->road.lanes[LANE_UP], LANE_UP,
		  section->has_upstream ? SIDE_UPSTREAM : SIDE_CLIENT, LANE_OPEN);
	lane_init(&session->road.lanes[LANE_DOWN], LANE_DOWN, SIDE_CLIENT,
		  section->has_upstream ? LANE_OPEN : LANE_SHUT);
	set_rates(session);
	session->road.lanes[LANE_UP].strategy = section->strategy;
	if (memo_wanted(all))
		memo_begin(session);
	if (section->has_upstream)
		session->road.lanes[LANE_DOWN].strategy = section->strategy;
	if (unlikely(session->asks))
		session_step(session, SESSION_GREETS);
	else
		session_step(session, section->has_upstream ? SESSION_ACCEPTED : SESSION_SERVED);
}

static void handle(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	session_catch_up(session);
	session->phase->complete(session, tag, done);
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
	session->phase = session->branch->section->life->phases[SESSION_CLOSING];
	session->end = (struct session_end){
		/* Who had a reason to let it end by itself has set it. */
		.reason = session->end.reason ? session->end.reason : (uint8_t)reason,
		.side = (uint8_t)side,
		.state = connected ? SESSION_RELAYING : session->state,
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

/* What only this phase has it wait for. */
static void give_up(struct session *session)
{
	if (session->phase->give_up)
		session->phase->give_up(session);
}

void session_end(struct session *session, enum reason reason, unsigned side, int error)
{
	if (session->over)
		return;
	give_up(session);
	note_end(session, reason, side, error);
	decide(session, SESSION_ENDED);
}

void session_expired(struct session *session)
{
	session_catch_up(session);
	for (unsigned which = 0; (which = deadline_due(session, which)) < DEADLINE_COUNT; which++) {
		session->phase->due(session, (enum deadline)which);
		if (session->over && session->state != SESSION_CLOSING)
			return;
	}
	deadline_again(session);
}

void session_bury(struct session *session)
{
	record_write(session);
	leave(session, SESSION_QUIET);
}

void session_cut(struct session *session, enum reason reason)
{
	assert(!list_is_linked(&session->link));
	give_up(session);
	note_end(session, reason, SIDE_CLIENT, 0);
	deadline_clear_all(session);
	measure_wires(session);
	record_write(session);
	leave(session, SESSION_CUT);
}
