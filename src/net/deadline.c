#include "net/deadline.h"

#include "loop/socket.h"
#include "net/ending.h"
#include "net/handshake.h"
#include "net/section.h"
#include "net/session.h"
#include "net/sessions.h"
#include "net/upstream.h"

#include <errno.h>

static const struct config_settings *settings_of(const struct session *session)
{
	return &session->section->config->settings;
}

static bool half_closed(const struct session *session)
{
	return road_has_upstream(&session->road) &&
	       (session->road.lanes[LANE_UP].state != LANE_OPEN ||
		session->road.lanes[LANE_DOWN].state != LANE_OPEN);
}

static uint64_t quiet_until(const struct session *session)
{
	const struct config_settings *settings = settings_of(session);
	uint32_t limit =
		half_closed(session) ? settings->half_close_timeout_ms : settings->idle_timeout_ms;

	if (session->over || session->state != SESSION_RELAYING)
		return DEADLINE_NONE;
	return limit ? session->road.active_ms + limit : DEADLINE_NONE;
}

void deadline_clear_all(struct session *session)
{
	struct deadlines *deadlines = &session->deadlines;

	wheel_clear(&session->road.loop->wheel, &deadlines->timer);
	for (unsigned i = 0; i < array_size(deadlines->at_ms); i++)
		deadlines->at_ms[i] = DEADLINE_NONE;
}

static void fire_by(struct session *session, uint64_t at_ms)
{
	struct wheel_timer *timer = &session->deadlines.timer;

	if (at_ms != DEADLINE_NONE && (!wheel_is_set(timer) || at_ms < timer->expires_ms))
		wheel_set(&session->road.loop->wheel, timer, at_ms);
}

void deadline_set(struct session *session, enum deadline which, uint64_t at_ms)
{
	session->deadlines.at_ms[which] = at_ms;
	fire_by(session, at_ms);
}

void deadline_clear(struct session *session, enum deadline which)
{
	session->deadlines.at_ms[which] = DEADLINE_NONE;
}

bool deadline_is_set(const struct session *session, enum deadline which)
{
	return session->deadlines.at_ms[which] != DEADLINE_NONE;
}

void deadline_update(struct session *session)
{
	if (!session->over)
		fire_by(session, quiet_until(session));
}

/* A quiet connection whose peers both answer keepalive probes is idle, not dead; and a peer on a
 * unix socket cannot vanish without its kernel, which is ours. */
static bool spared(const struct session *session)
{
	const struct config_settings *settings = settings_of(session);
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

static void quiet_too_long(struct session *session)
{
	bool waiting_to_reset =
		session->road.broken[SIDE_CLIENT] || session->road.broken[SIDE_UPSTREAM];

	if (half_closed(session)) {
		session_end(session,
			    waiting_to_reset || undelivered(session) ? REASON_UNDELIVERED
								     : REASON_HALF_CLOSE_TIMEOUT,
			    SIDE_CLIENT, 0);
	} else if (spared(session)) {
		session->road.active_ms = session->road.loop->now_ms;
	} else {
		session_end(session, REASON_IDLE_TIMEOUT, SIDE_CLIENT, 0);
	}
}

static void connect_too_long(struct session *session)
{
	if (socket_phase(session->road.fd[SIDE_UPSTREAM]) == SOCKET_CONNECTED)
		session_step(session, SESSION_CONNECTED);
	else
		upstream_failed(session, -ETIMEDOUT);
}

static void due(struct session *session, enum deadline which)
{
	switch (which) {
	case DEADLINE_LIFETIME:
		session_end(session, REASON_LIFETIME, SIDE_CLIENT, 0);
		break;
	case DEADLINE_RETRY:
		upstream_settle(session);
		break;
	case DEADLINE_ACKNOWLEDGED:
		ending_check(session);
		break;
	case DEADLINE_HANDSHAKE:
		handshake_expired(session);
		break;
	case DEADLINE_WATCH:
		ending_watch(session);
		break;
	case DEADLINE_LOOK:
		upstream_look(session);
		break;
	case DEADLINE_CONNECT:
		connect_too_long(session);
		break;
	case DEADLINE_CANCEL:
		session_cancel(session);
		break;
	case DEADLINE_QUIET:
		quiet_too_long(session);
		break;
	case DEADLINE_COUNT:
		break;
	}
}

void deadline_expired(struct session *session)
{
	uint64_t now = session->road.loop->now_ms;
	uint64_t *at_ms = session->deadlines.at_ms;

	session_catch_up(session);
	for (unsigned which = 0; which < DEADLINE_QUIET; which++) {
		if (session->over && session->state != SESSION_CLOSING)
			return;
		if (at_ms[which] > now)
			continue;
		at_ms[which] = DEADLINE_NONE;
		due(session, (enum deadline)which);
	}
	if (quiet_until(session) <= now)
		due(session, DEADLINE_QUIET);
	if (session->over && session->state != SESSION_CLOSING)
		return;
	for (unsigned which = 0; which < DEADLINE_QUIET; which++)
		fire_by(session, at_ms[which]);
	fire_by(session, quiet_until(session));
}
