/* When a worker waits for several completions at once, and when it does not. */
#include "base/clock.h"
#include "net/coalesce.h"
#include "ring/ring.h"
#include "support/suite.h"

enum { WAIT_US = 100, WINDOW_US = 1000 };

static struct coalesce coalesce;

static uint32_t batch(void)
{
	return coalesce_batch(&coalesce, WAIT_US, WAIT_US);
}

/* One more window, in which so many sessions were busy and had so many completions, some a turn. */
static void window(uint32_t busy, uint32_t completions, uint32_t each)
{
	static uint32_t marks[10000];
	uint64_t began_ns = coalesce.began_ns;

	for (uint32_t i = 0; i < completions; i++) {
		coalesce_saw(&coalesce, &marks[i % busy]);
		if ((i + 1) % each == 0)
			coalesce_turn(&coalesce, began_ns + 1, each, WAIT_US);
	}
	coalesce_turn(&coalesce, began_ns + WINDOW_US * 1000, completions % each, WAIT_US);
}

/* What is waited for after a first window, in which completions came one by one. */
static uint32_t after(uint32_t busy, uint32_t awaited, uint32_t completions)
{
	static uint32_t number = 1000;

	coalesce_init(&coalesce, 0);
	coalesce.window = number += 1000; /* the marks have others */
	coalesce.awaited = awaited;
	window(busy, completions, 1);
	return batch();
}

START_TEST(at_first_any_completion_is_enough)
{
	coalesce_init(&coalesce, 5);
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
	ck_assert_uint_eq(after(39, 39, 39), 1); /* 3.9 in 100 us */
	ck_assert_uint_eq(after(40, 40, 40), 4);
	ck_assert_uint_eq(after(64, 64, 100), 10);
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
	coalesce_turn(&coalesce, WINDOW_US * 1000 + 1, 10, WAIT_US);
	ck_assert_uint_eq(batch(), 32);
	coalesce_turn(&coalesce, WINDOW_US * 1000 + 2, 1, WAIT_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_turn_that_did_not_wait_so_long_was_not_in_vain)
{
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(coalesce_batch(&coalesce, 0, WAIT_US), 1);
	coalesce_turn(&coalesce, WINDOW_US * 1000 + 1, 0, WAIT_US);
	ck_assert_uint_eq(coalesce.turns, 0);
	ck_assert_uint_eq(coalesce_batch(&coalesce, WAIT_US / 2, WAIT_US), 32);
	coalesce_turn(&coalesce, WINDOW_US * 1000 + 2, 1, WAIT_US);
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

START_TEST(where_completions_come_together_anyhow_there_is_no_waiting)
{
	coalesce_init(&coalesce, 0);
	coalesce.awaited = 64;
	window(64, 1000, 5);
	ck_assert_uint_eq(batch(), 1);
	window(64, 1000, 4);
	ck_assert_uint_eq(batch(), 32);
	window(64, 1000, 20); /* because it was waited for */
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

START_TEST(now_and_then_a_window_without_waiting_shows_how_they_come)
{
	unsigned with = 0;

	ck_assert_uint_eq(after(64, 64, 1000), 32);
	while (batch() > 1 && with < 1000) {
		window(64, 1000, 20);
		with++;
	}
	ck_assert_uint_eq(with, 50);
	window(64, 1000, 5);
	ck_assert_uint_eq(batch(), 1);
	window(64, 1000, 4);
	ck_assert_uint_eq(batch(), 32);
}
END_TEST

START_TEST(sends_that_will_say_so_come_on_top_once)
{
	ck_assert_uint_eq(after(64, 64, 1000), 32);
	coalesce_sent(&coalesce);
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(batch(), 34);
	ck_assert_uint_eq(batch(), 32);

	coalesce_init(&coalesce, 0);
	coalesce_sent(&coalesce);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_session_is_awaited_once_and_counted_once_in_a_window)
{
	bool awaited = false;
	uint32_t mark = 0;

	coalesce_init(&coalesce, 0);
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
	coalesce_init(&coalesce, 0);
	coalesce.awaited = coalesce.busy = 64;
	for (uint64_t i = 1; i <= 1000; i++)
		coalesce_turn(&coalesce, i * WINDOW_US, 1, 0);
	ck_assert_uint_eq(coalesce.turns, 0);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

SUITE("net: coalescing", at_first_any_completion_is_enough,
      among_many_busy_ones_it_is_half_of_those_that_are_awaited, few_are_not_waited_for,
      what_is_not_likely_in_time_is_not_waited_for, those_that_are_awaited_for_long_do_not_count,
      a_wait_in_vain_is_the_last, a_turn_that_did_not_wait_so_long_was_not_in_vain,
      nothing_is_waited_for_past_a_deadline,
      where_completions_come_together_anyhow_there_is_no_waiting,
      now_and_then_a_window_without_waiting_shows_how_they_come,
      sends_that_will_say_so_come_on_top_once,
      a_session_is_awaited_once_and_counted_once_in_a_window,
      without_time_to_wait_nothing_is_waited_for)
