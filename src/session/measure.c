#include "session/measure.h"

#include "loop/wire.h"
#include "session/memo.h"
#include "session/session.h"
#include "session/sessions.h"
#include "session/tenancy.h"

#define NS_PER_US 1000

static void note(const struct session *session, enum measure measure,
		 const struct histogram_scale *scale, uint64_t value)
{
	account_record(session->branch->section->account, session->road.loop->index, measure, scale,
		       value);
}

/* Of its way to a server, under the pool's name. */
static void note_server(const struct session *session, enum measure measure,
			const struct histogram_scale *scale, uint64_t value)
{
	account_record(session->desk->pool->account, session->road.loop->index, measure, scale,
		       value);
}

/* At most an hour and a quarter. */
static uint32_t us_since(const struct session *session, uint64_t then_ns)
{
	uint64_t us = (session->road.loop->coalesce.now_ns - then_ns) / NS_PER_US;

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void measure_connect_seen(struct session *session)
{
	struct wire wire;

	/* One round trip; unknown where the first packet was lost. */
	if (wire_look(session->road.fd[SIDE_UPSTREAM], &wire))
		session->connect_us = wire.rtt_us;
}

void measure_connect(struct session *session)
{
	if (!session->connect_us)
		session->connect_us = us_since(session, session->attempt_ns);
	note_server(session, MEASURE_CONNECT, &HISTOGRAM_CONNECT,
		    (uint64_t)session->connect_us * NS_PER_US);
}

void measure_first_byte(struct session *session)
{
	uint32_t us = us_since(session, session->started_ns);

	session->first_byte_us = us ? us : 1; /* 0 is none */
	note(session, MEASURE_FIRST_BYTE, &HISTOGRAM_FIRST_BYTE,
	     (uint64_t)session->first_byte_us * NS_PER_US);
}

/* By its number among those of its worker. */
static bool is_sampled(const struct session *session)
{
	return session->id / session->all->engine->worker_count % MEASURE_RTT_EVERY == 0;
}

bool measure_may_look(struct sessions *all)
{
	uint64_t now = all->loop->now_ms, looks = all->looks + (now - all->looks_ms);

	all->looks_ms = now;
	all->looks = looks < MEASURE_LOOKS_AHEAD ? looks : MEASURE_LOOKS_AHEAD;
	if (!all->looks)
		return false;
	all->looks--;
	return true;
}

void measure_wires(struct session *session)
{
	bool recorded = memo_wanted(session->all);

	if (!is_sampled(session) && !(recorded && measure_may_look(session->all)))
		return;
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		struct wire wire;

		if (session->road.fd[side] < 0 || !wire_look(session->road.fd[side], &wire))
			continue;
		if (wire.rtt_us && side == SIDE_CLIENT)
			note(session, MEASURE_CLIENT_RTT, &HISTOGRAM_RTT,
			     (uint64_t)wire.rtt_us * NS_PER_US);
		else if (wire.rtt_us)
			note_server(session, MEASURE_SERVER_RTT, &HISTOGRAM_RTT,
				    (uint64_t)wire.rtt_us * NS_PER_US);
		if (recorded)
			memo_wire(session, side, &wire);
	}
}

void measure_lifetime(struct session *session)
{
	note(session, MEASURE_LIFETIME, &HISTOGRAM_LIFETIME,
	     session->road.loop->now_ms - session->started_ms);
}
