/*
 * The phase in which bytes flow: between a client and its server, or a client and a service.
 */
#include "config/config.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "session/connect.h"
#include "session/ending.h"
#include "session/life.h"
#include "session/section.h"
#include "session/session.h"
#include "session/sessions.h"

static bool half_closed(const struct session *session)
{
	return road_has_upstream(&session->road) &&
	       (session->road.lanes[LANE_UP].state != LANE_OPEN ||
		session->road.lanes[LANE_DOWN].state != LANE_OPEN);
}

/* A quiet connection whose peers both answer keepalive probes is idle, not dead; and a peer on a
 * unix socket cannot vanish without its kernel, which is ours. */
static bool spared(const struct session *session)
{
	const struct config_settings *settings = session->road.settings;
	int64_t most = 2 * (int64_t)settings->keepalive_ms;

	if (settings->idle_if_alive != CONFIG_IF_ALIVE_KEEP || !settings->keepalive_ms)
		return false;
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		if (session->road.fd[side] < 0)
			continue;
		if (socket_silent_ms(session->road.fd[side]) > most)
			return false;
	}
	return true;
}

static bool undelivered(const struct session *session)
{
	for (unsigned i = 0; i < LANE_COUNT; i++)
		if (session->road.lanes[i].queued || session->road.lanes[i].held)
			return true;
	return false;
}

/* Nobody is silent: it is we who do not listen, for a moment. */
static bool waits_for_its_rate(const struct session *session)
{
	return throttle_waits(&session->road.lanes[LANE_UP].throttle) ||
	       throttle_waits(&session->road.lanes[LANE_DOWN].throttle);
}

static void quiet_too_long(struct session *session)
{
	bool waiting_to_reset =
		session->road.broken[SIDE_CLIENT] || session->road.broken[SIDE_UPSTREAM];
	bool throttled = waits_for_its_rate(session);

	if (half_closed(session) && !throttled) {
		session_end(session,
			    waiting_to_reset || undelivered(session) ? REASON_UNDELIVERED
								     : REASON_HALF_CLOSE_TIMEOUT,
			    SIDE_CLIENT, 0);
	} else if (throttled || spared(session)) {
		session->road.active_ms = session->road.loop->now_ms;
	} else {
		session_end(session, REASON_IDLE_TIMEOUT, SIDE_CLIENT, 0);
	}
}

static uint32_t quiet_ms(const struct session *session)
{
	const struct config_settings *settings = session->road.settings;

	return half_closed(session) ? settings->half_close_timeout_ms : settings->idle_timeout_ms;
}

static void due(struct session *session, enum deadline which)
{
	if (which == DEADLINE_QUIET)
		quiet_too_long(session);
	else
		ending_due(session, which);
}

/* ---- A server's ------------------------------------------------------------------------------ */

static void enter_relaying(struct session *session)
{
	/* The first byte or end from the server, or to it, proved the connect. */
	connect_succeeded(session);
	session->road.active_ms = session->road.loop->now_ms;
	lane_mark(&session->road.lanes[LANE_UP]);
	lane_mark(&session->road.lanes[LANE_DOWN]);
	deadline_update(session);
}

static void complete(struct session *session, struct op_tag tag, const struct io_uring_cqe *done)
{
	if (tag.kind == OP_WATCH)
		ending_watched(session, tag.lane, done);
	else if (tag.kind == OP_CONNECT)
		connect_polled(session);
	else if (tag.kind != OP_CANCEL)
		strategy_complete(&session->road.lanes[tag.lane], (enum op_kind)tag.kind, done);
}

const struct phase phase_relaying = {
	.name = "relaying",
	.gates = {[LANE_UP] = GATE_FLOWS, [LANE_DOWN] = GATE_FLOWS},
	.enter = enter_relaying,
	.complete = complete,
	.due = due,
	.quiet_ms = quiet_ms,
};

/* ---- A service's ----------------------------------------------------------------------------- */

static void due_serving(struct session *session, enum deadline which)
{
	struct lane *lane = &session->road.lanes[LANE_UP];

	if (which != DEADLINE_REQUEST) {
		due(session, which);
		return;
	}
	lane->overdue = true;
	lane_mark(lane);
}

static void enter_serving(struct session *session)
{
	strategy_start(&session->road.lanes[LANE_UP]);
	deadline_update(session);
}

const struct phase phase_serving = {
	.name = "relaying",
	.gates = {[LANE_UP] = GATE_FLOWS, [LANE_DOWN] = GATE_FLOWS},
	.enter = enter_serving,
	.complete = complete,
	.due = due_serving,
	.quiet_ms = quiet_ms,
};
