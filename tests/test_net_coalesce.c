/* When a worker waits for several completions at once, and when it does not. */
#include "base/clock.h"
#include "net/coalesce.h"
#include "ring/ring.h"
#include "support/suite.h"

enum { WAIT_US = 200, WINDOW_US = 2400, TRIAL = 8 };

static struct coalesce coalesce;
static uint32_t wait_us = WAIT_US; /* tests are processes of their own */
static uint64_t sleeps;
static unsigned sleeps_counted;

static uint32_t window_us = WINDOW_US;

static uint64_t count_sleeps(void)
{
	sleeps_counted++;
	return sleeps;
}

static void begin(void)
{
	static uint32_t number = 1000;

	coalesce_init(&coalesce, 0, count_sleeps);
	coalesce.window = number += 1000; /* the marks have others */
}

static uint32_t batch(void)
{
	return coalesce_batch(&coalesce, WAIT_US, WAIT_US);
}

/*
 * One more window, in which so many sessions were busy and had so many completions, one by
 * one, and the worker slept so often.
 */
static void window(uint32_t busy, uint32_t completions, uint32_t slept)
{
	static uint32_t marks[10000];
	uint64_t began_ns = coalesce.began_ns;

	for (uint32_t i = 0; i < completions; i++) {
		coalesce_saw(&coalesce, &marks[i % busy]);
		coalesce_turn(&coalesce, began_ns + 1, 1, wait_us);
	}
	sleeps += slept;
	coalesce_turn(&coalesce, began_ns + (uint64_t)window_us * 1000, 0, wait_us);
}

static void windows(unsigned count, uint32_t busy, uint32_t completions, uint32_t slept)
{
	for (unsigned i = 0; i < count; i++)
		window(busy, completions, slept);
}

/* What is waited for after a trial in which the worker slept for each completion. */
static uint32_t after(uint32_t busy, uint32_t awaited, uint32_t completions)
{
	begin();
	coalesce.awaited = awaited;
	windows(1 + TRIAL, busy, completions, completions);
	return batch();
}

START_TEST(at_first_any_completion_is_enough)
{
	begin();
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(among_many_busy_ones_it_is_half_of_those_that_are_awaited)
{
	ck_assert_uint_eq(after(64, 32, 1000), 16);
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	ck_assert_uint_eq(after(1000, 500, 1000), 64);
	ck_assert_uint_eq(after(32, 64, 1000), 16);
}
END_TEST

START_TEST(few_are_not_waited_for)
{
	ck_assert_uint_eq(after(1, 1, 200), 1);
	ck_assert_uint_eq(after(64, 7, 200), 1);
	ck_assert_uint_eq(after(64, 8, 200), 4);
}
END_TEST

START_TEST(what_is_not_likely_in_time_is_not_waited_for)
{
	ck_assert_uint_eq(after(47, 47, 47), 1); /* 3.9 in 200 us */
	ck_assert_uint_eq(after(48, 48, 48), 4);
	ck_assert_uint_eq(after(64, 64, 120), 10);
}
END_TEST

/* Long polls, and other things that take their time. */
START_TEST(those_that_are_awaited_for_long_do_not_count)
{
	ck_assert_uint_eq(after(20, 5000, 200), 10);
	ck_assert_uint_eq(after(4, 5000, 200), 1);
}
END_TEST

START_TEST(a_wait_in_vain_is_the_last)
{
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	coalesce_turn(&coalesce, coalesce.began_ns + 1, 10, WAIT_US);
	ck_assert_uint_eq(batch(), 32);
	coalesce_turn(&coalesce, coalesce.began_ns + 2, 1, WAIT_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_turn_that_did_not_wait_so_long_was_not_in_vain)
{
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(coalesce_batch(&coalesce, 0, WAIT_US), 1);
	coalesce_turn(&coalesce, coalesce.began_ns + 1, 0, WAIT_US);
	ck_assert_uint_eq(coalesce.turns, 0);
	ck_assert_uint_eq(coalesce_batch(&coalesce, WAIT_US / 2, WAIT_US), 32);
	coalesce_turn(&coalesce, coalesce.began_ns + 2, 1, WAIT_US);
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

START_TEST(nothing_is_waited_for_past_a_deadline)
{
	uint64_t now_ns = clock_now_ns();

	ck_assert_uint_eq(after(64, 64, 1000), 32);
	ck_assert_uint_eq(coalesce_patience(&coalesce, RING_NEVER, WAIT_US), WAIT_US);
	ck_assert_uint_eq(coalesce_patience(&coalesce, RING_NOW, WAIT_US), 0);
	ck_assert_uint_eq(coalesce_patience(&coalesce, now_ns, WAIT_US), 0);
	ck_assert_uint_eq(coalesce_patience(&coalesce, now_ns + 3600 * 1000000000ull, WAIT_US),
			  WAIT_US);
	ck_assert_uint_le(coalesce_patience(&coalesce, clock_now_ns() + 50000, WAIT_US), 50);
}
END_TEST

START_TEST(without_many_sleeps_there_is_no_waiting)
{
	begin();
	coalesce.awaited = 64;
	windows(1 + TRIAL, 64, 1000, 50); /* one in twenty completions */
	ck_assert_uint_eq(batch(), 1);
	windows(TRIAL - 1, 64, 1000, 51);
	ck_assert_uint_eq(batch(), 1);
	window(64, 1000, 51);
	ck_assert_uint_eq(batch(), 32);
	window(64, 1000, 0); /* because it was waited for */
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

/* One that sleeps often while others have its peers' CPU, and not before and after. */
START_TEST(they_are_counted_over_a_whole_trial)
{
	begin();
	coalesce.awaited = 64;
	window(64, 1000, 0);
	window(64, 1000, 399);
	windows(TRIAL - 1, 64, 1000, 0);
	ck_assert_uint_eq(batch(), 1);
	window(64, 1000, 401);
	windows(TRIAL - 1, 64, 1000, 0);
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

/* 30 likely while one waits, and six times as many busy, or more. */
START_TEST(unless_the_completions_of_each_are_far_apart)
{
	static const uint32_t waits[] = {50, 200, 1000};
	uint32_t completions;

	wait_us = waits[_i];
	window_us = wait_us < 200 ? 2000 : 12 * wait_us;
	completions = 30 * window_us / wait_us;
	begin();
	coalesce.awaited = 1000;
	windows(1 + TRIAL, 180, completions, 0);
	ck_assert_uint_eq(batch(), 1);
	windows(TRIAL, 181, completions, 0);
	ck_assert_uint_eq(batch(), 30);
}
END_TEST

START_TEST(now_and_then_a_trial_without_waiting_shows_whether_it_is_worth_it)
{
	unsigned with = 0;

	ck_assert_uint_eq(after(64, 64, 1000), 32);
	while (batch() > 1 && with < 1000) {
		window(64, 1000, 0);
		with++;
	}
	ck_assert_uint_eq(with, 200);
	windows(TRIAL, 64, 1000, 0);
	ck_assert_uint_eq(batch(), 1);
	windows(TRIAL, 64, 1000, 1000);
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

START_TEST(a_quiet_window_ends_neither_a_trial_nor_the_waiting)
{
	begin();
	coalesce.awaited = 64;
	window(64, 1000, 1000);
	for (unsigned i = 0; i < TRIAL; i++)
		window(i % 2 ? 1 : 64, i % 2 ? 1 : 1000, 1000);
	ck_assert_uint_eq(batch(), 1); /* the last was a quiet one */
	window(64, 1000, 0);
	ck_assert_uint_eq(batch(), 32);
	window(1, 1, 1);
	ck_assert_uint_eq(batch(), 1);
	window(64, 1000, 0);
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

START_TEST(the_quiet_are_not_counted)
{
	begin();
	coalesce.awaited = 7;
	sleeps_counted = 0;
	windows(1000, 7, 1000, 1000);
	ck_assert_uint_eq(sleeps_counted, 0);
	coalesce.awaited = 64;
	windows(1 + 10 * TRIAL, 64, 1000, 0);
	ck_assert_uint_eq(sleeps_counted, 11);
	coalesce.awaited = 7;
	windows(1000, 7, 1000, 0);
	ck_assert_uint_eq(sleeps_counted, 12); /* the end of one trial */
}
END_TEST

START_TEST(sends_that_will_say_so_come_on_top_once)
{
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	coalesce_sent(&coalesce);
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(batch(), 34);
	ck_assert_uint_eq(batch(), 32);

	begin();
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_session_is_awaited_once_and_counted_once_in_a_window)
{
	bool awaited = false;
	uint32_t mark = 0;

	begin();
	coalesce_await(&coalesce, &awaited, true);
	coalesce_await(&coalesce, &awaited, true);
	ck_assert_uint_eq(coalesce.awaited, 1);
	coalesce_await(&coalesce, &awaited, false);
	coalesce_await(&coalesce, &awaited, false);
	ck_assert_uint_eq(coalesce.awaited, 0);
	coalesce_saw(&coalesce, &mark);
	coalesce_saw(&coalesce, &mark);
	ck_assert_uint_eq(coalesce.busy, 1);
	coalesce_turn(&coalesce, WINDOW_US * 1000, 2, WAIT_US);
	ck_assert_uint_eq(coalesce.busy, 0);
	coalesce_saw(&coalesce, &mark);
	ck_assert_uint_eq(coalesce.busy, 1);
}
END_TEST

START_TEST(without_time_to_wait_nothing_is_waited_for)
{
	begin();
	wait_us = 0;
	sleeps_counted = 0;
	coalesce.awaited = 64;
	windows(1 + TRIAL, 64, 1000, 1000);
	ck_assert_uint_eq(batch(), 1);
	ck_assert_uint_eq(sleeps_counted, 0);
}
END_TEST

SUITE_OF("net: coalescing", 60, ONCE(at_first_any_completion_is_enough),
	 ONCE(among_many_busy_ones_it_is_half_of_those_that_are_awaited),
	 ONCE(few_are_not_waited_for), ONCE(what_is_not_likely_in_time_is_not_waited_for),
	 ONCE(those_that_are_awaited_for_long_do_not_count), ONCE(a_wait_in_vain_is_the_last),
	 ONCE(a_turn_that_did_not_wait_so_long_was_not_in_vain),
	 ONCE(nothing_is_waited_for_past_a_deadline), ONCE(without_many_sleeps_there_is_no_waiting),
	 ONCE(they_are_counted_over_a_whole_trial),
	 EACH(unless_the_completions_of_each_are_far_apart, 3),
	 ONCE(now_and_then_a_trial_without_waiting_shows_whether_it_is_worth_it),
	 ONCE(a_quiet_window_ends_neither_a_trial_nor_the_waiting), ONCE(the_quiet_are_not_counted),
	 ONCE(sends_that_will_say_so_come_on_top_once),
	 ONCE(a_session_is_awaited_once_and_counted_once_in_a_window),
	 ONCE(without_time_to_wait_nothing_is_waited_for))
