/*
 * The phases of a connection whose server is to be asked for TLS before it hears the client: of
 * clients that asked for it by a request of PostgreSQL's, which we have answered.
 *
 *   connecting --> SSLRequest --> S: relaying     N, or anything else: reset
 *
 * Nothing of the client's goes before the answer: the server would take it for what it is not
 * protected from (CVE-2021-23214), and drops such connections.  The same holds for what a server
 * says behind its answer.  Other clients go through as ever.
 */
#include "config/config.h"
#include "greet/postgres.h"
#include "lane/strategy.h"
#include "loop/socket.h"
#include "session/connect.h"
#include "session/introduced.h"
#include "session/life.h"
#include "session/section.h"
#include "session/session.h"
#include "session/tenancy.h"

#include <errno.h>

/* What comes is kept, and nothing goes on. */
static const struct strategy holding = {
	.name = "asking",
	.start = lane_mark,
	.complete = lane_complete,
	.flush = lane_flush,
};

static bool asks(const struct session *session)
{
	return session->introduced && session->introduced->by_request;
}

/* On as one that has nothing to ask. */
static void become(struct session *session, const struct phase *phase)
{
	session->phase = phase;
	for (unsigned i = 0; i < LANE_COUNT; i++)
		session->road.lanes[i].gate = phase->gates[i];
}

static void end(struct session *session, enum reason reason, int error)
{
	session->resetting[SIDE_CLIENT] = session->resetting[SIDE_UPSTREAM] = true;
	session_end(session, reason, SIDE_UPSTREAM, error);
}

/* ---- Connecting ------------------------------------------------------------------------------ */

static void enter_connecting(struct session *session)
{
	if (!asks(session)) {
		become(session, &phase_connecting);
		phase_connecting.enter(session);
		return;
	}
	for (unsigned i = 0; i < LANE_COUNT; i++)
		lane_become(&session->road.lanes[i], &holding);
	phase_connecting.enter(session);
	/* Nothing is sent that would tell. */
	if (!session->pending && !session->over && session->road.fd[SIDE_UPSTREAM] >= 0)
		connect_poll(session);
}

static void hear(struct session *session);

static void complete_connecting(struct session *session, struct op_tag tag,
				const struct io_uring_cqe *done)
{
	phase_connecting.complete(session, tag, done);
	if (session->phase == &phase_asking)
		hear(session);
}

static void due_connecting(struct session *session, enum deadline which)
{
	phase_connecting.due(session, which);
}

const struct phase phase_asking_connecting = {
	.name = "connecting",
	.gates = {[LANE_UP] = GATE_GATHERS, [LANE_DOWN] = GATE_HOLDS},
	.enter = enter_connecting,
	.complete = complete_connecting,
	.due = due_connecting,
};

/* ---- Asking ---------------------------------------------------------------------------------- */

/* Behind what each server hears first, a PROXY header, in one packet with it. */
static int send_request(struct session *session)
{
	struct lane *up = &session->road.lanes[LANE_UP];
	int fd = session->road.fd[SIDE_UPSTREAM], sent;
	uint32_t ours = up->preface ? up->preface->ours : 0;

	if (ours) {
		sent = socket_send_last(fd, up->preface->bytes + up->preface->offset, ours);
		if (sent != (int)ours)
			return sent < 0 ? sent : -EPIPE;
		lane_consume(up, ours);
	}
	sent = socket_send(fd, postgres_ssl_request, sizeof(postgres_ssl_request));
	if (sent == (int)sizeof(postgres_ssl_request))
		return 0;
	return sent < 0 ? sent : -EPIPE;
}

static void enter_asking(struct session *session)
{
	uint32_t timeout = session->desk->pool->config->settings.connect_timeout_ms;
	int r;

	if (!asks(session)) {
		become(session, &phase_relaying);
		phase_relaying.enter(session);
		return;
	}
	connect_succeeded(session);
	session->road.active_ms = session->road.loop->now_ms;
	r = send_request(session);
	if (r < 0) {
		end(session, reason_of_error(SIDE_UPSTREAM, r), r);
		return;
	}
	deadline_set(session, DEADLINE_GREETING, session->road.loop->now_ms + timeout);
	lane_mark(&session->road.lanes[LANE_UP]);
	lane_mark(&session->road.lanes[LANE_DOWN]);
}

static void go_on(struct session *session)
{
	const struct strategy *strategy = session->branch->section->strategy;

	lane_consume(&session->road.lanes[LANE_DOWN], 1);
	deadline_clear(session, DEADLINE_GREETING);
	become(session, &phase_relaying);
	for (unsigned i = 0; i < LANE_COUNT; i++) {
		lane_become(&session->road.lanes[i], strategy);
		strategy_start(&session->road.lanes[i]);
	}
	deadline_update(session);
}

/* What the server has said to the request, if anything. */
static void hear(struct session *session)
{
	struct lane *down = &session->road.lanes[LANE_DOWN];
	const unsigned char *answer;
	uint32_t length;

	if (session->over)
		return;
	answer = lane_peek(down, &length);
	if (length == 1 && down->chunks == 1 && *answer == 'S')
		go_on(session);
	else if (length || down->state != LANE_OPEN)
		end(session, REASON_SERVER_NO_TLS, 0);
}

static void complete_asking(struct session *session, struct op_tag tag,
			    const struct io_uring_cqe *done)
{
	phase_relaying.complete(session, tag, done);
	if (session->phase == &phase_asking)
		hear(session);
}

static void due_asking(struct session *session, enum deadline which)
{
	if (which == DEADLINE_GREETING)
		end(session, REASON_CONNECT_TIMED_OUT, -ETIMEDOUT);
	else
		phase_relaying.due(session, which);
}

const struct phase phase_asking = {
	.name = "relaying", /* as records have it, which are written when it is over */
	.gates = {[LANE_UP] = GATE_GATHERS, [LANE_DOWN] = GATE_HOLDS},
	.enter = enter_asking,
	.complete = complete_asking,
	.due = due_asking,
};
