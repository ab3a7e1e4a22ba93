#include "session/life.h"

#include "lane/strategy.h"
#include "loop/loop.h"
#include "session/connect.h"
#include "session/ending.h"
#include "session/handshake.h"
#include "session/measure.h"
#include "session/routing.h"
#include "session/section.h"

#define FAREWELL_MS 2000 /* for the client to read a service's last words and close */

/* ---- What a road tells ----------------------------------------------------------------------- */

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
	measure_first_byte(session_of(road));
}

static void unread(struct road *road, unsigned side)
{
	ending_unread(session_of(road), side);
}

static void end_waits(struct road *road)
{
	connect_poll(session_of(road));
}

static void expects(struct road *road, uint32_t ms)
{
	deadline_set(session_of(road), DEADLINE_REQUEST,
		     ms ? road->loop->now_ms + ms : DEADLINE_NONE);
}

static void farewell(struct road *road, enum lane_farewell why)
{
	static const uint8_t reasons[] = {
		[FAREWELL_ANSWERED] = REASON_ANSWERED,
		[FAREWELL_BAD_REQUEST] = REASON_BAD_REQUEST,
		[FAREWELL_TOO_LARGE] = REASON_REQUEST_TOO_LARGE,
		[FAREWELL_TOO_SLOW] = REASON_REQUEST_TIMEOUT,
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
	.expects = expects,
	.farewell = farewell,
};

/* ---- Lives ----------------------------------------------------------------------------------- */

const struct life life_proxy = {
	.phases =
		{
			[SESSION_FREE] = &phase_free,
			[SESSION_GREETING] = &phase_greeting,
			[SESSION_CONNECTING] = &phase_connecting,
			[SESSION_RETRYING] = &phase_retrying,
			[SESSION_QUEUED] = &phase_queued,
			[SESSION_RELAYING] = &phase_relaying,
			[SESSION_CLOSING] = &phase_closing,
		},
	.events = &events,
};

/* Whose servers may have to be asked for TLS. */
const struct life life_asking = {
	.phases =
		{
			[SESSION_FREE] = &phase_free,
			[SESSION_GREETING] = &phase_greeting,
			[SESSION_CONNECTING] = &phase_asking_connecting,
			[SESSION_RETRYING] = &phase_retrying,
			[SESSION_QUEUED] = &phase_queued,
			[SESSION_RELAYING] = &phase_asking,
			[SESSION_CLOSING] = &phase_closing,
		},
	.events = &events,
};

const struct life life_service = {
	.phases =
		{
			[SESSION_FREE] = &phase_free,
			[SESSION_GREETING] = &phase_greeting,
			[SESSION_RELAYING] = &phase_serving,
			[SESSION_CLOSING] = &phase_closing,
		},
	.events = &events,
};

int life_give(struct section *section, const struct config_section *config,
	      const struct strategy *strategy)
{
	section->config = config;
	section->strategy = strategy;
	section->has_upstream = config->kind == CONFIG_PROXY;
	section->life = section->has_upstream ? &life_proxy : &life_service;
	if (config->route_count && config->preface == CONFIG_PREFACE_POSTGRES)
		section->life = &life_asking;
	return strategy->prepare ? strategy->prepare(config, &section->shared) : 0;
}

void life_take(struct section *section)
{
	routing_take(section);
	if (section->strategy && section->strategy->release)
		section->strategy->release(section->shared);
}
