#include "net/greeting.h"

#include "net/session.h"
#include "net/socket.h"
#include "net/worker.h"

static bool client_has_spoken(const struct session *session)
{
	const struct lane *up = &session->lanes[LANE_UP];

	return up->bytes > 0 || up->queued > 0;
}

static struct server_health *health_of(const struct session *session)
{
	return worker_health(session->worker, session->section, session->server);
}

void greeting_begin(struct session *session)
{
	session->greeting_until_ms = UINT64_MAX;
	if (!health_of(session)->client_first)
		return;
	socket_hold_ack(session->fd[SIDE_UPSTREAM]);
	session->greeting_until_ms = session->worker->now_ms + GREETING_MS;
}

void greeting_answered(struct session *session)
{
	health_of(session)->client_first = client_has_spoken(session);
}

void greeting_expired(struct session *session)
{
	session->greeting_until_ms = UINT64_MAX;
	if (!client_has_spoken(session) && session->fd[SIDE_UPSTREAM] >= 0)
		socket_release_ack(session->fd[SIDE_UPSTREAM]);
}
