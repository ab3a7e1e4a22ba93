#include "net/greeting.h"

#include "net/session.h"
#include "net/socket.h"
#include "net/worker.h"

#define SUSPENSE_MS    100
#define DOUBT_FIRST_MS 60000
#define DOUBT_MAX_MS   3600000

/* ---- What is believed ------------------------------------------------------------------------ */

bool greeting_awaits(const struct greeting *greeting, uint64_t now_ms)
{
	return greeting->spoken_to >= GREETING_LEARN && now_ms >= greeting->trusted_ms;
}

void greeting_spoken_to(struct greeting *greeting)
{
	greeting->spoken_to += greeting->spoken_to < GREETING_LEARN;
}

void greeting_met_silence(struct greeting *greeting, uint64_t now_ms)
{
	if (greeting->trusted_ms < now_ms + SUSPENSE_MS)
		greeting->trusted_ms = now_ms + SUSPENSE_MS;
}

void greeting_spoke(struct greeting *greeting, uint64_t after_ms, uint64_t now_ms)
{
	uint32_t times = greeting->spoke < 6 ? greeting->spoke : 6;
	uint64_t doubt_ms = (uint64_t)DOUBT_FIRST_MS << times;

	if (after_ms > GREETING_LATE_MS)
		return;
	greeting->spoken_to = 0;
	greeting->spoke++;
	greeting->trusted_ms = now_ms + (doubt_ms < DOUBT_MAX_MS ? doubt_ms : DOUBT_MAX_MS);
}

/* ---- What is done ---------------------------------------------------------------------------- */

static bool client_has_spoken(const struct session *session)
{
	return session->lanes[LANE_UP].received > 0;
}

static struct greeting *greeting_of(const struct session *session)
{
	return &worker_health(session->worker, session->section, session->server)->greeting;
}

void greeting_begin(struct session *session)
{
	uint64_t now = session->worker->now_ms;

	session->greeting_until_ms = UINT64_MAX;
	if (!greeting_awaits(greeting_of(session), now))
		return;
	socket_hold_ack(session->fd[SIDE_UPSTREAM]);
	session->greeting_until_ms = now + GREETING_MS;
}

void greeting_answered(struct session *session)
{
	uint64_t now = session->worker->now_ms;

	if (client_has_spoken(session))
		greeting_spoken_to(greeting_of(session));
	else if (session->lanes[LANE_UP].state == LANE_OPEN) /* what follows an end answers it */
		greeting_spoke(greeting_of(session), now - session->started_ms, now);
}

void greeting_expired(struct session *session)
{
	session->greeting_until_ms = UINT64_MAX;
	if (client_has_spoken(session))
		return;
	greeting_met_silence(greeting_of(session), session->worker->now_ms);
	if (session->fd[SIDE_UPSTREAM] >= 0)
		socket_release_ack(session->fd[SIDE_UPSTREAM]);
}

void greeting_reset(struct session *session)
{
	/* Bytes take the ACK along; those of a client that has spoken may not have gone out. */
	if (session->lanes[LANE_UP].bytes == 0)
		socket_release_ack(session->fd[SIDE_UPSTREAM]);
}
