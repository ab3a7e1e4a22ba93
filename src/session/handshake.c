#include "session/handshake.h"

#include "loop/socket.h"
#include "session/reach.h"
#include "session/session.h"
#include "session/sessions.h"

#define SUSPENSE_MS    100
#define DOUBT_FIRST_MS 60000
#define DOUBT_MAX_MS   3600000

/* ---- What is believed ------------------------------------------------------------------------ */

bool handshake_awaits(const struct handshake *handshake, uint64_t now_ms)
{
	return handshake->spoken_to >= HANDSHAKE_LEARN && now_ms >= handshake->trusted_ms;
}

void handshake_spoken_to(struct handshake *handshake)
{
	handshake->spoken_to += handshake->spoken_to < HANDSHAKE_LEARN;
}

void handshake_met_silence(struct handshake *handshake, uint64_t now_ms)
{
	if (handshake->trusted_ms < now_ms + SUSPENSE_MS)
		handshake->trusted_ms = now_ms + SUSPENSE_MS;
}

void handshake_spoke(struct handshake *handshake, uint64_t after_ms, uint64_t now_ms)
{
	uint32_t times = handshake->spoke < 6 ? handshake->spoke : 6;
	uint64_t doubt_ms = (uint64_t)DOUBT_FIRST_MS << times;

	if (after_ms > HANDSHAKE_LATE_MS)
		return;
	handshake->spoken_to = 0;
	handshake->spoke++;
	handshake->trusted_ms = now_ms + (doubt_ms < DOUBT_MAX_MS ? doubt_ms : DOUBT_MAX_MS);
}

/* ---- What is done ---------------------------------------------------------------------------- */

static bool client_has_spoken(const struct session *session)
{
	return session->road.lanes[LANE_UP].received > 0;
}

static struct handshake *handshake_of(const struct session *session)
{
	return &session->reach->handshake;
}

void handshake_begin(struct session *session)
{
	uint64_t now = session->road.loop->now_ms;

	deadline_clear(session, DEADLINE_HANDSHAKE);
	if (!handshake_awaits(handshake_of(session), now))
		return;
	socket_hold_ack(session->road.fd[SIDE_UPSTREAM]);
	deadline_set(session, DEADLINE_HANDSHAKE, now + HANDSHAKE_MS);
}

void handshake_answered(struct session *session)
{
	uint64_t now = session->road.loop->now_ms;

	if (client_has_spoken(session))
		handshake_spoken_to(handshake_of(session));
	else if (session->road.lanes[LANE_UP].state ==
		 LANE_OPEN) /* what follows an end answers it */
		handshake_spoke(handshake_of(session), now - session->started_ms, now);
}

void handshake_expired(struct session *session)
{
	if (client_has_spoken(session))
		return;
	handshake_met_silence(handshake_of(session), session->road.loop->now_ms);
	if (session->road.fd[SIDE_UPSTREAM] >= 0)
		socket_release_ack(session->road.fd[SIDE_UPSTREAM]);
}

void handshake_reset(struct session *session)
{
	/* Bytes take the ACK along; those of a client that has spoken may not have gone out. */
	if (session->road.lanes[LANE_UP].bytes == 0)
		socket_release_ack(session->road.fd[SIDE_UPSTREAM]);
}
