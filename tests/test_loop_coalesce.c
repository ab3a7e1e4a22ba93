/* When a worker waits for several completions at once, and when it does not. */
#include "lane/road.h"
#include "loop/coalesce.h"
#include "loop/loop.h"
#include "ring/ring.h"
#include "support/suite.h"

enum { WAIT_US = 200, FAR_US = 20 * WAIT_US, WINDOW_US = 2000, BEGAN_US = 1000000 };

static struct loop loop; /* tests are processes of their own */
static struct coalesce *const coalesce = &loop.coalesce;

static void begin(uint32_t wait_us)
{
	coalesce_init(coalesce, BEGAN_US * 1000ull, wait_us);
}

static uint32_t batch(void)
{
	return coalesce_batch(coalesce, coalesce->wait_us);
}

static void pass(uint64_t us)
{
	coalesce_begin(coalesce, coalesce->now_ns + us * 1000);
}

static void answer(uint64_t took_us)
{
	uint64_t asked_ns = coalesce->now_ns - took_us * 1000;

	coalesce_answered(coalesce, &asked_ns);
	ck_assert_uint_eq(asked_ns, 0);
}

/* One more window, in which so many completions came, and so many answers that took so long. */
static void window(uint32_t completions, uint32_t answers, uint64_t took_us)
{
	for (uint32_t i = 0; i < answers; i++)
		answer(took_us);
	pass(WINDOW_US);
	coalesce_turn(coalesce, completions);
}

START_TEST(at_first_any_completion_is_enough)
{
	begin(WAIT_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(where_servers_take_long_one_waits_for_as_many_as_are_likely)
{
	begin(WAIT_US);
	window(200, 100, FAR_US);
	ck_assert_uint_eq(batch(), 20);
	window(400, 200, 100 * FAR_US);
	ck_assert_uint_eq(batch(), 40);
	window(10000, 5000, FAR_US);
	ck_assert_uint_eq(batch(), 64);
}
END_TEST

/* Also at any rate, and with any number of connections: a wait is a large part of what they take.
 */
START_TEST(where_servers_are_quick_nothing_is_waited_for)
{
	static const uint64_t took_us[] = {20, WAIT_US, FAR_US / 2, FAR_US - 1};
	static const uint32_t completions[] = {40, 200, 1000, 10000};

	begin(WAIT_US);
	for (unsigned i = 0; i < array_size(completions); i++) {
		window(completions[i], completions[i] / 2, took_us[_i]);
		ck_assert_uint_eq(batch(), 1);
	}
}
END_TEST

START_TEST(a_tenth_of_the_answers_may_be_quick)
{
	begin(WAIT_US);
	for (unsigned i = 0; i < 10; i++)
		answer(20);
	window(200, 90, FAR_US);
	ck_assert_uint_eq(batch(), 20);
	for (unsigned i = 0; i < 11; i++)
		answer(20);
	window(200, 90, FAR_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(what_is_far_grows_with_the_wait)
{
	begin(50);
	window(200, 100, 20 * 50);
	ck_assert_uint_eq(batch(), 5);
	begin(1000);
	window(200, 100, 20 * 1000 - 1);
	ck_assert_uint_eq(batch(), 1);
	window(200, 100, 20 * 1000);
	ck_assert_uint_eq(batch(), 64);
}
END_TEST

START_TEST(few_are_not_waited_for)
{
	begin(WAIT_US);
	window(39, 20, FAR_US); /* 3.9 in 200 us */
	ck_assert_uint_eq(batch(), 1);
	window(40, 20, FAR_US);
	ck_assert_uint_eq(batch(), 4);
}
END_TEST

START_TEST(where_nobody_answers_nothing_is_waited_for)
{
	begin(WAIT_US);
	window(1000, 0, 0);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(what_is_said_unasked_may_have_begun_just_now)
{
	uint64_t nothing_asked = 0;

	begin(WAIT_US);
	for (unsigned i = 0; i < 100; i++)
		coalesce_answered(coalesce, &nothing_asked);
	window(1000, 100, FAR_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(what_was_so_in_the_window_before_does_not_count)
{
	begin(WAIT_US);
	window(200, 100, FAR_US);
	ck_assert_uint_eq(batch(), 20);
	window(200, 100, 20);
	ck_assert_uint_eq(batch(), 1);
	window(200, 100, FAR_US);
	ck_assert_uint_eq(batch(), 20);
	window(200, 0, 0);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_wait_in_vain_is_the_last)
{
	begin(WAIT_US);
	window(200, 100, FAR_US);
	ck_assert_uint_eq(batch(), 20);
	coalesce_turn(coalesce, 10);
	ck_assert_uint_eq(batch(), 20);
	coalesce_turn(coalesce, 1);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(a_turn_that_did_not_wait_so_long_was_not_in_vain)
{
	begin(WAIT_US);
	window(200, 100, FAR_US);
	coalesce_sent(coalesce);
	ck_assert_uint_eq(coalesce_batch(coalesce, 0), 1);
	coalesce_turn(coalesce, 0);
	ck_assert_uint_eq(coalesce_batch(coalesce, WAIT_US / 2), 20);
	coalesce_turn(coalesce, 1);
	ck_assert_uint_eq(batch(), 20);
}
END_TEST

START_TEST(nothing_is_waited_for_past_a_deadline)
{
	enum { NOW_NS = 1000000000 };

	begin(WAIT_US);
	window(200, 100, FAR_US);
	ck_assert_uint_eq(coalesce_patience(coalesce, RING_NEVER, NOW_NS), WAIT_US);
	ck_assert_uint_eq(coalesce_patience(coalesce, RING_NOW, NOW_NS), 0);
	ck_assert_uint_eq(coalesce_patience(coalesce, NOW_NS, NOW_NS), 0);
	ck_assert_uint_eq(coalesce_patience(coalesce, NOW_NS + 3600 * 1000000000ull, NOW_NS),
			  WAIT_US);
	ck_assert_uint_eq(coalesce_patience(coalesce, NOW_NS + 50000, NOW_NS), 50);
}
END_TEST

START_TEST(sends_that_will_say_so_come_on_top_once)
{
	begin(WAIT_US);
	window(200, 100, FAR_US);
	coalesce_sent(coalesce);
	coalesce_sent(coalesce);
	ck_assert_uint_eq(batch(), 22);
	ck_assert_uint_eq(batch(), 20);

	begin(WAIT_US);
	coalesce_sent(coalesce);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

START_TEST(without_time_to_wait_nothing_is_waited_for)
{
	begin(0);
	window(1000, 500, FAR_US);
	ck_assert_uint_eq(batch(), 1);
}
END_TEST

/* A road, to a server or of a service, with a first answer behind it. */
static struct road *open_road(unsigned to)
{
	static struct road road;

	road = (struct road){.loop = &loop};
	lane_init(&road.lanes[LANE_UP], LANE_UP, to, LANE_OPEN);
	lane_init(&road.lanes[LANE_DOWN], LANE_DOWN, SIDE_CLIENT, LANE_OPEN);
	road.lanes[LANE_DOWN].received = 1;
	begin(WAIT_US);
	return &road;
}

START_TEST(an_answer_takes_from_the_end_of_the_request)
{
	struct road *road = open_road(SIDE_UPSTREAM);

	lane_took(&road->lanes[LANE_UP], 1);
	pass(FAR_US);
	lane_took(&road->lanes[LANE_UP], 1);
	pass(FAR_US - 1);
	ck_assert_uint_eq(coalesce->answers, 0);
	lane_took(&road->lanes[LANE_DOWN], 1);
	ck_assert_uint_eq(coalesce->answers, 1);
	ck_assert_uint_eq(coalesce->quick, 1);

	lane_took(&road->lanes[LANE_UP], 1);
	pass(FAR_US);
	lane_took(&road->lanes[LANE_DOWN], 1);
	ck_assert_uint_eq(coalesce->answers, 2);
	ck_assert_uint_eq(coalesce->quick, 1);
	lane_took(&road->lanes[LANE_DOWN], 1); /* more of it, or something else */
	ck_assert_uint_eq(coalesce->quick, 2);
}
END_TEST

START_TEST(a_service_answers_at_once)
{
	struct road *road = open_road(SIDE_CLIENT);

	lane_took(&road->lanes[LANE_UP], 1);
	pass(FAR_US);
	lane_took(&road->lanes[LANE_UP], 1);
	ck_assert_uint_eq(coalesce->answers, 2);
	ck_assert_uint_eq(coalesce->quick, 2);
}
END_TEST

SUITE_OF("loop: coalescing", 60, ONCE(at_first_any_completion_is_enough),
	 ONCE(where_servers_take_long_one_waits_for_as_many_as_are_likely),
	 EACH(where_servers_are_quick_nothing_is_waited_for, 4),
	 ONCE(a_tenth_of_the_answers_may_be_quick), ONCE(what_is_far_grows_with_the_wait),
	 ONCE(few_are_not_waited_for), ONCE(where_nobody_answers_nothing_is_waited_for),
	 ONCE(what_is_said_unasked_may_have_begun_just_now),
	 ONCE(what_was_so_in_the_window_before_does_not_count), ONCE(a_wait_in_vain_is_the_last),
	 ONCE(a_turn_that_did_not_wait_so_long_was_not_in_vain),
	 ONCE(nothing_is_waited_for_past_a_deadline), ONCE(sends_that_will_say_so_come_on_top_once),
	 ONCE(without_time_to_wait_nothing_is_waited_for),
	 ONCE(an_answer_takes_from_the_end_of_the_request), ONCE(a_service_answers_at_once))
