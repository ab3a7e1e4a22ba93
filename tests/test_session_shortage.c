/* Lines of sessions that wait for what is short: who stands where, and when the first tries. */
#include "session/session.h"
#include "session/sessions.h"
#include "session/shortage.h"
#include "session/tenancy.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

enum { NOW = 100000 };

static struct loop loop;
static struct sessions all = {.loop = &loop};
static struct server local = {.address.u.un.sun_family = AF_UNIX};
static struct section section;
static struct reach servers[2];
static struct branch branch = {.section = &section};
static struct session sessions[4];

/* Four sessions of one section with two servers; nobody waits. */
static void open_worker(void)
{
	loop = (struct loop){.now_ms = NOW};
	all = (struct sessions){.loop = &loop};
	memset(sessions, 0, sizeof(sessions));
	wheel_init(&loop.wheel, NOW);
	shortage_init(&all.shortages);
	for (unsigned i = 0; i < array_size(servers); i++) {
		reach_init(&servers[i], &local);
	}
	for (unsigned i = 0; i < array_size(sessions); i++) {
		sessions[i].road.loop = &loop;
		sessions[i].all = &all;
		sessions[i].branch = &branch;
		sessions[i].reach = servers;
		sessions[i].road.lanes[LANE_UP].to = SIDE_UPSTREAM;
	}
}

static uint64_t next(void)
{
	return wheel_is_set(&all.shortages.timer) ? all.shortages.timer.expires_ms : UINT64_MAX;
}

/* After a while of trying in vain, the last time so long ago. */
static void wait_long(struct shortage_line *line, uint64_t ago_ms)
{
	line->pause_ms = 1000;
	line->failed_ms = loop.now_ms - ago_ms;
	line->next_ms = line->failed_ms + 1000;
	wheel_set(&loop.wheel, &all.shortages.timer, line->next_ms);
}

START_TEST(a_newcomer_does_not_overtake_those_who_wait_for_the_same)
{
	open_worker();
	ck_assert_int_eq(shortage_ahead(&sessions[1], &servers[0]), 0);
	shortage_wait(&sessions[0], &servers[0], -EADDRNOTAVAIL);
	ck_assert_int_eq(shortage_ahead(&sessions[1], &servers[0]), -EADDRNOTAVAIL);
	ck_assert_int_eq(shortage_ahead(&sessions[1], &servers[1]), 0);
	shortage_wait(&sessions[1], &servers[1], -EMFILE);
	ck_assert_int_eq(shortage_ahead(&sessions[2], &servers[1]), -EMFILE);
	shortage_leave(&sessions[0]);
	shortage_leave(&sessions[1]);
	ck_assert_int_eq(shortage_ahead(&sessions[2], &servers[0]), 0);
	ck_assert_uint_eq(next(), UINT64_MAX);
}
END_TEST

/* Who tries for all and does not get it has not lost its place. */
START_TEST(whoever_was_first_stays_first)
{
	struct list *line = &servers[0].ports.sessions;

	open_worker();
	for (unsigned i = 0; i < 3; i++)
		shortage_wait(&sessions[i], &servers[0], -EADDRNOTAVAIL);
	shortage_leave(&sessions[0]);
	sessions[0].woken = true;
	shortage_wait(&sessions[0], &servers[0], -EADDRNOTAVAIL);
	sessions[0].woken = false;
	ck_assert_ptr_eq(line->next, &sessions[0].waiting);
	ck_assert_ptr_eq(line->previous, &sessions[2].waiting);
}
END_TEST

/* Were each behind the other, both would wait for ever. */
START_TEST(of_two_lines_the_first_of_one_tries_whatever_the_other_waits_for)
{
	open_worker();
	shortage_wait(&sessions[0], &servers[0], -EMFILE);
	shortage_wait(&sessions[1], &servers[0], -EAGAIN);
	shortage_wait(&sessions[2], &servers[0], -ENOMEM);
	for (unsigned i = 0; i < 3; i++)
		sessions[i].woken = true;
	ck_assert_int_eq(shortage_ahead(&sessions[1], &servers[0]), 0);
	ck_assert_int_eq(shortage_ahead(&sessions[0], &servers[1]), 0);
	ck_assert_int_eq(shortage_ahead(&sessions[2], &servers[1]), 0);
	/* What these two need next has its own line. */
	ck_assert_int_eq(shortage_ahead(&sessions[0], &servers[0]), -EAGAIN);
	ck_assert_int_eq(shortage_ahead(&sessions[2], &servers[0]), -EAGAIN);
}
END_TEST

/* A round goes on with other servers, and who waits for those is not overtaken. */
START_TEST(whoever_tries_for_all_keeps_its_line_through_a_round_of_servers)
{
	open_worker();
	shortage_wait(&sessions[0], &servers[0], -EADDRNOTAVAIL);
	shortage_wait(&sessions[1], &servers[1], -EAGAIN);
	shortage_leave(&sessions[0]);
	sessions[0].woken = true;
	ck_assert_int_eq(shortage_ahead(&sessions[0], &servers[0]), 0);
	ck_assert(!shortage_is_own(&sessions[0]));
	sessions[0].lacks = -EADDRNOTAVAIL;
	sessions[0].lacking = &servers[0];
	ck_assert(shortage_is_own(&sessions[0]));
	ck_assert_int_eq(shortage_ahead(&sessions[0], &servers[1]), -EAGAIN);
	sessions[0].lacks = -EMFILE;
	ck_assert(!shortage_is_own(&sessions[0]));
	sessions[0].woken = false;
	sessions[0].lacks = -EADDRNOTAVAIL;
	ck_assert(!shortage_is_own(&sessions[0]));
}
END_TEST

/* So much later what nothing has met, and nobody waits for, is over. */
static void later(uint64_t ms)
{
	loop.now_ms += ms;
	shortage_hold(&all);
	condition_settle(&loop);
}

START_TEST(a_condition_lasts_while_somebody_stands_in_line)
{
	open_worker();
	condition_enter(&loop, CONDITION_PORTS, 0);
	condition_enter(&loop, CONDITION_DESCRIPTORS, 0);
	shortage_wait(&sessions[0], &servers[0], -EADDRNOTAVAIL);
	later(10000);
	ck_assert_uint_ne(loop.conditions.of[CONDITION_PORTS].met, 0);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_DESCRIPTORS].met, 0);
	shortage_leave(&sessions[0]);
	later(10000);
	ck_assert_uint_eq(loop.conditions.of[CONDITION_PORTS].met, 0);
}
END_TEST

struct easing {
	int error;
	unsigned server; /* of the session that is over; the line is of the first */
	bool helps;
};

static const struct easing easings[] = {
	{-EMFILE, 1, true},         {-ENOBUFS, 1, true}, {-EADDRNOTAVAIL, 0, true},
	{-EADDRNOTAVAIL, 1, false}, {-EAGAIN, 0, false},
};
enum { EASINGS = sizeof(easings) / sizeof(easings[0]) };

START_TEST(a_session_that_is_over_lets_the_first_try_at_once_if_that_helps)
{
	const struct easing *easing = &easings[_i];

	open_worker();
	shortage_wait(&sessions[0], &servers[0], easing->error);
	wait_long(sessions[0].line, 500);
	sessions[3].reach = &servers[easing->server];
	shortage_ease(&all, &sessions[3]);
	ck_assert_uint_eq(next(), easing->helps ? NOW : NOW + 500);
}
END_TEST

/* A port that was closed is not always free: many that end are not as many attempts. */
START_TEST(sessions_that_end_without_help_do_not_make_the_first_try_all_the_time)
{
	open_worker();
	shortage_wait(&sessions[0], &servers[0], -EADDRNOTAVAIL);
	wait_long(sessions[0].line, 0);
	shortage_ease(&all, &sessions[3]);
	ck_assert_uint_ge(next(), NOW + 50);
	ck_assert_uint_le(next(), NOW + 100);
}
END_TEST

SUITE_OF("shortage", 60, ONCE(a_newcomer_does_not_overtake_those_who_wait_for_the_same),
	 ONCE(whoever_was_first_stays_first),
	 ONCE(of_two_lines_the_first_of_one_tries_whatever_the_other_waits_for),
	 ONCE(whoever_tries_for_all_keeps_its_line_through_a_round_of_servers),
	 ONCE(a_condition_lasts_while_somebody_stands_in_line),
	 EACH(a_session_that_is_over_lets_the_first_try_at_once_if_that_helps, EASINGS),
	 ONCE(sessions_that_end_without_help_do_not_make_the_first_try_all_the_time))
