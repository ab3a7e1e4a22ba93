/* When servers are checked, on a clock that is given: how soon, how evenly, how seldom. */
#include "control/check_pace.h"

#include "pool/health.h"
#include "support/suite.h"

#include <stdlib.h>

#define EVERY   2000
#define FAST    500
#define TIMEOUT 1000
#define START   100000
#define STEP    16 /* that times are rounded down to */

/* A server, and what a check of it finds: how long that takes, and what. */
struct subject {
	struct pace pace;
	struct health health;
	uint64_t over_ms; /* the check that goes on; 0: none does */
	uint32_t checks;
	uint64_t last_begun_ms;
};

static uint64_t random_state = 88172645463325252ull;

static void subject_init(struct subject *subject, uint32_t index, uint32_t count, uint64_t now)
{
	*subject = (struct subject){0};
	pace_init(&subject->pace, EVERY, FAST, index, count, now);
	health_init(&subject->health, 2, 3);
}

/* Until that millisecond is over; a check takes so long and finds that. */
static void live(struct subject *subject, uint64_t now, uint32_t takes, bool good)
{
	if (subject->over_ms == now) {
		subject->over_ms = 0;
		health_note(&subject->health, good);
		pace_over(&subject->pace, health_is_changing(&subject->health), now, &random_state);
	}
	if (subject->pace.due_ms > now)
		return;
	ck_assert_uint_eq(subject->over_ms, 0); /* never two at once */
	pace_begin(&subject->pace, now);
	subject->last_begun_ms = now;
	subject->over_ms = now + takes;
	subject->checks++;
}

/* Good until it dies, in each phase of an interval: the longest it was believed to be well. */
static uint64_t longest(uint32_t takes, bool hurry)
{
	uint64_t most = 0;

	for (uint32_t dies = 0; dies < 3 * EVERY; dies += 7) {
		struct subject subject;
		uint64_t now = START, died = START + 5 * EVERY + dies;

		subject_init(&subject, 0, 1, now);
		for (; now < died; now++)
			live(&subject, now, 1, true);
		if (hurry)
			pace_hurry(&subject.pace, true, now);
		for (; health_is_up(&subject.health); now++)
			live(&subject, now, takes, false);
		if (now - died > most)
			most = now - died;
	}
	return most;
}

START_TEST(a_dead_server_is_found_out_within_what_the_manual_says)
{
	/* check_every and a tenth + (check_fall - 1) * the longer one + what the last one takes */
	ck_assert_uint_le(longest(1, false), EVERY + EVERY / 10 + 2 * FAST + 3);
	ck_assert_uint_ge(longest(1, false), EVERY + 2 * FAST);
	ck_assert_uint_le(longest(TIMEOUT, false), EVERY + EVERY / 10 + 2 * TIMEOUT + TIMEOUT + 3);
}
END_TEST

START_TEST(that_it_refuses_a_connection_is_enough_to_look_at_once)
{
	ck_assert_uint_le(longest(1, true), FAST + 2 * FAST + 3);
}
END_TEST

START_TEST(checks_of_many_are_spread_evenly_after_the_first)
{
	enum { MANY = 1000 };
	static struct subject subjects[MANY];
	uint32_t first = 0, in_tenth[10] = {0};

	for (uint32_t i = 0; i < MANY; i++)
		subject_init(&subjects[i], i, MANY, START);
	for (uint64_t now = START; now <= START + EVERY; now++)
		for (uint32_t i = 0; i < MANY; i++) {
			uint32_t before = subjects[i].checks;

			live(&subjects[i], now, 1, true);
			if (subjects[i].checks == before)
				continue;
			if (before == 0)
				first += now == START;
			else if (before == 1)
				in_tenth[(now - START - 1) * 10 / EVERY]++;
		}
	ck_assert_uint_eq(first, MANY);
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_ge(in_tenth[i], MANY / 10 - MANY / 100);
		ck_assert_uint_le(in_tenth[i], MANY / 10 + MANY / 100);
	}
}
END_TEST

START_TEST(a_check_is_due_a_tenth_about_its_interval_and_by_chance)
{
	struct subject subject;
	uint64_t least = UINT64_MAX, most = 0, sum = 0;
	uint32_t count = 0;

	subject_init(&subject, 0, 1, START);
	for (uint64_t now = START, last = 0; count < 2000; now++) {
		live(&subject, now, 3, true);
		if (subject.last_begun_ms != now)
			continue;
		if (subject.checks > 2) {
			least = now - last < least ? now - last : least;
			most = now - last > most ? now - last : most;
			sum += now - last;
			count++;
		}
		last = now;
	}
	ck_assert_uint_ge(least, EVERY - EVERY / 10 - STEP);
	ck_assert_uint_lt(least, EVERY - EVERY / 12);
	ck_assert_uint_le(most, EVERY + EVERY / 10);
	ck_assert_uint_gt(most, EVERY + EVERY / 12);
	ck_assert_uint_ge(sum / count, EVERY - EVERY / 50);
	ck_assert_uint_le(sum / count, EVERY + EVERY / 50);
}
END_TEST

START_TEST(the_same_seed_is_the_same_schedule)
{
	uint64_t due[2];

	for (unsigned i = 0; i < 2; i++) {
		uint64_t random = 42;
		struct pace pace;

		pace_init(&pace, EVERY, FAST, 0, 1, START);
		for (unsigned j = 0; j < 10; j++) {
			uint64_t now = pace.due_ms;

			pace_begin(&pace, now);
			pace_over(&pace, false, now, &random);
		}
		due[i] = pace.due_ms;
	}
	ck_assert_uint_eq(due[0], due[1]);
}
END_TEST

START_TEST(a_check_that_takes_long_delays_the_next)
{
	struct subject subject;

	subject_init(&subject, 0, 1, START);
	for (uint64_t now = START; now < START + 20 * EVERY; now++)
		live(&subject, now, 3 * EVERY, true);
	ck_assert_uint_ge(subject.checks, 6);
}
END_TEST

START_TEST(however_often_connections_fail_checks_come_no_faster_than_fast)
{
	struct subject subject;

	subject_init(&subject, 0, 1, START);
	for (uint64_t now = START; now < START + 20 * FAST; now++) {
		live(&subject, now, 3, true);
		pace_hurry(&subject.pace, now % 2, now);
	}
	ck_assert_uint_ge(subject.checks, 19);
	ck_assert_uint_le(subject.checks, 21);
}
END_TEST

START_TEST(a_failure_brings_the_next_check_forward_and_nothing_else_does)
{
	struct pace pace;
	uint64_t random = 1;

	pace_init(&pace, EVERY, FAST, 0, 1, START);
	pace_begin(&pace, START);
	pace_over(&pace, false, START, &random);
	pace_begin(&pace, START + EVERY);
	pace_over(&pace, false, START + EVERY, &random);
	pace_hurry(&pace, false, START + EVERY + 100);
	ck_assert_uint_eq(pace.due_ms, START + EVERY + 100 + FAST);
	pace_hurry(&pace, true, START + EVERY + 100);
	ck_assert_uint_eq(pace.due_ms, START + EVERY + FAST);
	pace_hurry(&pace, false, START + EVERY + 300);
	ck_assert_uint_eq(pace.due_ms, START + EVERY + FAST);
	/* One that failed while a check went on is looked at soon after that. */
	pace_begin(&pace, pace.due_ms);
	pace_hurry(&pace, true, pace.begun_ms);
	ck_assert_uint_eq(pace.due_ms, UINT64_MAX);
	pace_over(&pace, false, pace.begun_ms + 1, &random);
	ck_assert_uint_eq(pace.due_ms, pace.begun_ms + FAST);
}
END_TEST

START_TEST(what_ran_out_while_this_thread_was_late_is_forgiven)
{
	ck_assert(pace_forgives(TIMEOUT + 1, TIMEOUT, 5, 10));
	ck_assert(pace_forgives(TIMEOUT + 1, TIMEOUT, 1, 1));
	ck_assert(!pace_forgives(TIMEOUT, TIMEOUT, 10, 10));    /* not so late */
	ck_assert(!pace_forgives(TIMEOUT + 1, TIMEOUT, 4, 10)); /* most are well */
	ck_assert(!pace_forgives(TIMEOUT + 1, TIMEOUT, 0, 0));
}
END_TEST

SUITE("check pace", a_dead_server_is_found_out_within_what_the_manual_says,
      that_it_refuses_a_connection_is_enough_to_look_at_once,
      checks_of_many_are_spread_evenly_after_the_first,
      a_check_is_due_a_tenth_about_its_interval_and_by_chance, the_same_seed_is_the_same_schedule,
      a_check_that_takes_long_delays_the_next,
      however_often_connections_fail_checks_come_no_faster_than_fast,
      a_failure_brings_the_next_check_forward_and_nothing_else_does,
      what_ran_out_while_this_thread_was_late_is_forgiven)
