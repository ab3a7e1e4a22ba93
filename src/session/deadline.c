#include "session/deadline.h"

#include "loop/loop.h"
#include "session/life.h"
#include "session/session.h"
#include "session/tenancy.h"

static uint64_t quiet_until(const struct session *session)
{
	const struct phase *phase = session->branch->section->life->phases[session->state];
	uint32_t limit = phase->quiet_ms && !session->over ? phase->quiet_ms(session) : 0;

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
	fire_by(session, quiet_until(session));
}

void deadline_again(struct session *session)
{
	for (unsigned which = 0; which < DEADLINE_QUIET; which++)
		fire_by(session, session->deadlines.at_ms[which]);
	fire_by(session, quiet_until(session));
}

unsigned deadline_due(struct session *session, unsigned from)
{
	uint64_t now = session->road.loop->now_ms;
	unsigned which = from;

	for (; which < DEADLINE_QUIET; which++)
		if (session->deadlines.at_ms[which] <= now) {
			session->deadlines.at_ms[which] = DEADLINE_NONE;
			return which;
		}
	return which == DEADLINE_QUIET && quiet_until(session) <= now ? DEADLINE_QUIET
								      : DEADLINE_COUNT;
}
