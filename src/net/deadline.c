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

	return limit ? session->road.active_ms + limit : UINT64_MAX;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_deadline(const struct session *session)
{
	uint64_t next = session->lifetime_until_ms;

	/* No deadline that deadline_expired() would not act on: one in the past comes back at once.
	 */
	if (!session->over && session->state == SESSION_CONNECTING && session->look_ms)
		next = earlier(next, session->look_ms);
	if (session->state == SESSION_CONNECTING)
		next = earlier(next, session->connect_until_ms);
	else if (session->state == SESSION_RELAYING)
		next = earlier(next, quiet_until(session));
	next = earlier(next, session->handshake_until_ms);
	if (session->watch_ms)
		next = earlier(next, session->watch_ms);
	return session->retry_ms ? earlier(next, session->retry_ms) : next;
}

void deadline_update(struct session *session)
{
	uint64_t next = next_deadline(session);

	if (session->over || next == UINT64_MAX)
		return;
	if (!wheel_is_set(&session->timer) || next < session->timer.expires_ms)
		wheel_set(&session->road.loop->wheel, &session->timer, next);
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

void deadline_expired(struct session *session)
{
	uint64_t now = session->road.loop->now_ms;

	session_catch_up(session);
	if (session->state == SESSION_CLOSING)
		session_cancel(session);
	if (session->over)
		return;
	if (now >= session->lifetime_until_ms) {
		session_end(session, REASON_LIFETIME, SIDE_CLIENT, 0);
		return;
	}
	if (session->retry_ms && now >= session->retry_ms) {
		session->retry_ms = 0;
		if (session->state == SESSION_RETRYING)
			upstream_settle(session);
		else
			ending_check(session);
	}
	if (now >= session->handshake_until_ms)
		handshake_expired(session);
	if (!session->over && session->watch_ms && now >= session->watch_ms)
		ending_watch(session);
	if (!session->over && session->state == SESSION_CONNECTING && session->look_ms &&
	    now >= session->look_ms)
		upstream_look(session);
	if (session->over)
		return;
	if (session->state == SESSION_CONNECTING && now >= session->connect_until_ms)
		connect_too_long(session);
	else if (session->state == SESSION_RELAYING && now >= quiet_until(session))
		quiet_too_long(session);
	deadline_update(session);
}
