/* How many bytes a lane takes in which time. */
#include "base/clock.h"
#include "lane/road.h"
#include "lane/throttle.h"
#include "loop/loop.h"
#include "support/suite.h"

enum { MS = 1000000, SECONDS = 10 };

#define START_NS (UINT64_C(5000) * MS)
#define KIB      UINT64_C(1024)

static const uint32_t rates[] = {1 * KIB, 10 * KIB, 1000 * KIB, 100 * KIB *KIB, 2 * KIB *KIB *KIB};
enum { RATES = sizeof(rates) / sizeof(rates[0]) };

static struct loop loop;
static struct road road;
static struct lane *const lane = &road.lanes[LANE_DOWN];

static void begin(uint32_t rate)
{
	loop = (struct loop){.coalesce.now_ns = START_NS, .now_ms = START_NS / MS};
	list_init(&loop.dirty);
	wheel_init(&loop.wheel, loop.now_ms);
	road = (struct road){.loop = &loop};
	lane_init(&road.lanes[LANE_UP], LANE_UP, SIDE_UPSTREAM, LANE_OPEN);
	lane_init(lane, LANE_DOWN, SIDE_CLIENT, LANE_OPEN);
	throttle_begin(lane, rate);
}

/* A turn of the worker, later. */
static void turn(uint64_t later_ns)
{
	struct wheel_timer *timer;

	loop.coalesce.now_ns += later_ns;
	loop.now_ms = loop.coalesce.now_ns / MS;
	while ((timer = wheel_expire(&loop.wheel, loop.now_ms))) {
		ck_assert_uint_eq(timer->kind, TIMER_THROTTLE);
		throttle_expired(lane);
	}
}

static uint64_t elapsed_ns(void)
{
	return loop.coalesce.now_ns - START_NS;
}

static uint64_t worth(uint32_t rate, uint64_t ns)
{
	return ns / 1000 * rate / MS;
}

/* Of a sequence that is always the same. */
static uint32_t below(uint64_t *state, uint32_t most)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*state >> 33) % most;
}

/* Up to so much at once, in turns that are up to so far apart; what it took. */
static uint64_t take_all(uint64_t random, uint32_t rate, uint64_t most, uint32_t apart)
{
	uint64_t taken = 0;

	while (elapsed_ns() < UINT64_C(1000) * MS * SECONDS) {
		uint64_t room = throttle_room(lane), part = room < most ? room : most;

		throttle_took(lane, (uint32_t)part);
		taken += part;
		ck_assert_uint_le(taken, worth(rate, elapsed_ns() + THROTTLE_AHEAD_NS) +
						 THROTTLE_LEAST + rate / MS);
		turn(below(&random, apart));
	}
	return taken;
}

START_TEST(a_source_that_has_enough_gets_its_rate)
{
	static const uint32_t apart[] = {1 * MS / 10, 2 * MS, 40 * MS};

	for (unsigned i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
		uint64_t taken, due;

		begin(rates[_i]);
		taken = take_all(i, rates[_i], UINT64_MAX, apart[i]);
		due = worth(rates[_i], elapsed_ns());
		ck_assert_uint_ge(taken + due / 20, due);
		ck_assert_uint_le(taken, due + due / 20);
	}
}
END_TEST

START_TEST(it_is_woken_a_few_times_a_second_however_small_the_packets)
{
	begin(rates[_i]);
	(void)take_all(7, rates[_i], rates[_i] / 10000 + 1, MS / 10);
	ck_assert_uint_le(stats_read(&loop.stats, rate_waits), 80 * SECONDS);
}
END_TEST

START_TEST(who_is_slower_than_the_rate_never_waits)
{
	begin(rates[_i]);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t part = worth(rates[_i], 10 * MS);

		ck_assert_uint_gt(throttle_room(lane), 0);
		throttle_took(lane, (uint32_t)part);
		turn(10 * MS);
	}
	ck_assert_uint_eq(stats_read(&loop.stats, rate_waits), 0);
}
END_TEST

START_TEST(silence_saves_up_an_eighth_of_a_second_and_no_more)
{
	uint64_t at_once = 0;
	uint32_t room;

	begin(rates[_i]);
	turn(UINT64_C(3600000) * MS);
	while ((room = throttle_room(lane)) > 0) {
		throttle_took(lane, room);
		at_once += room;
	}
	ck_assert_uint_le(at_once, rates[_i] / 8 + THROTTLE_LEAST);
	ck_assert_uint_ge(at_once + THROTTLE_LEAST, rates[_i] / 8);
}
END_TEST

START_TEST(who_waits_is_marked_when_the_time_has_come_and_not_idle_until_then)
{
	begin(1000 * KIB);
	throttle_took(lane, 100 * KIB); /* 100 ms */
	ck_assert_uint_eq(throttle_room(lane), 0);
	ck_assert(throttle_waits(&lane->throttle) && throttle_holds(lane));
	turn(99 * MS);
	ck_assert(throttle_waits(&lane->throttle) && !list_is_linked(&lane->dirty));
	turn(2 * MS);
	ck_assert(!throttle_waits(&lane->throttle) && list_is_linked(&lane->dirty));
	ck_assert_uint_eq(road.active_ms, loop.now_ms);
	ck_assert_uint_gt(throttle_room(lane), 0);
}
END_TEST

START_TEST(the_words_of_a_service_wait_for_its_only_lane)
{
	begin(0);
	lane_init(&road.lanes[LANE_UP], LANE_UP, SIDE_CLIENT, LANE_OPEN);
	throttle_begin(lane, 1000 * KIB);
	throttle_took(lane, 100 * KIB);
	ck_assert_uint_eq(throttle_room(lane), 0);
	turn(101 * MS);
	ck_assert(list_is_linked(&road.lanes[LANE_UP].dirty));
	ck_assert(!list_is_linked(&lane->dirty));
}
END_TEST

START_TEST(an_end_leaves_no_timer)
{
	begin(1000 * KIB);
	throttle_took(lane, 100 * KIB);
	ck_assert_uint_eq(throttle_room(lane), 0);
	throttle_end(lane);
	throttle_end(lane);
	ck_assert_uint_eq(wheel_next(&loop.wheel), UINT64_MAX);
}
END_TEST

SUITE_OF("throttle", 60, {a_source_that_has_enough_gets_its_rate, 0, RATES},
	 {it_is_woken_a_few_times_a_second_however_small_the_packets, 0, RATES},
	 {who_is_slower_than_the_rate_never_waits, 0, RATES},
	 {silence_saves_up_an_eighth_of_a_second_and_no_more, 0, RATES},
	 {who_waits_is_marked_when_the_time_has_come_and_not_idle_until_then, 0, 1},
	 {the_words_of_a_service_wait_for_its_only_lane, 0, 1}, {an_end_leaves_no_timer, 0, 1})
