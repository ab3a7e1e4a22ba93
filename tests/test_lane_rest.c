/* Which lanes rest, and when they go on. */
#include "base/clock.h"
#include "lane/rest.h"
#include "lane/road.h"
#include "loop/loop.h"
#include "support/suite.h"

enum { ROADS = 3, MUCH = 32 << 10, PERIOD_NS = 200000 };

static struct loop loop;
static struct road roads[ROADS];

static struct lane *lane_of(unsigned road)
{
	return &roads[road].lanes[LANE_DOWN];
}

/* A loop that coalesces for so long, and lanes that have not moved anything. */
static void begin(uint32_t coalesce_us)
{
	loop = (struct loop){.sizes.coalesce_us = coalesce_us};
	list_init(&loop.dirty);
	list_init(&loop.resting);
	for (unsigned i = 0; i < ROADS; i++) {
		roads[i] = (struct road){.loop = &loop};
		lane_init(lane_of(i), LANE_DOWN, LANE_UP, LANE_OPEN);
	}
}

/* In that many turns the source had nothing more, after so many bytes; the last one's rest. */
static bool move(unsigned road, unsigned turns, uint64_t bytes)
{
	bool rests = false;

	for (unsigned i = 0; i < turns; i++) {
		rest_cut(lane_of(road));
		rests = rest_begin(lane_of(road), bytes);
	}
	return rests;
}

static bool is_marked(unsigned road)
{
	return list_is_linked(&lane_of(road)->dirty);
}

START_TEST(a_lane_rests_when_it_has_moved_much_many_times)
{
	begin(200);
	ck_assert(!move(0, REST_AFTER, MUCH));
	ck_assert(rest_is_ahead(lane_of(0)));
	ck_assert(!lane_rests(lane_of(0)));
	ck_assert(move(0, 1, MUCH));
	ck_assert(lane_rests(lane_of(0)));
}
END_TEST

START_TEST(little_in_between_begins_the_count_anew)
{
	begin(200);
	ck_assert(!move(0, REST_AFTER - 1, MUCH));
	ck_assert(!move(0, 1, MUCH - 1));
	ck_assert(!move(0, REST_AFTER, MUCH));
	ck_assert(move(0, 1, MUCH));
}
END_TEST

START_TEST(a_last_rest_follows_little_but_none_nothing)
{
	begin(200);
	ck_assert(!move(0, REST_AFTER, MUCH));
	ck_assert(!move(0, 1, 0));
	ck_assert(!rest_is_ahead(lane_of(0)));
	ck_assert(!move(1, REST_AFTER, MUCH));
	ck_assert(move(1, 1, 1));
	ck_assert(!move(1, 1, 1));
}
END_TEST

START_TEST(a_request_begins_the_count_anew_and_bulk_the_other_way_does_not)
{
	begin(200);
	ck_assert(!move(0, REST_AFTER, MUCH));
	rest_heard(lane_of(0), 4097);
	ck_assert(rest_is_ahead(lane_of(0)));
	rest_heard(lane_of(0), 4096);
	ck_assert(!rest_is_ahead(lane_of(0)));
	ck_assert(!move(0, REST_AFTER, MUCH));
	ck_assert(move(0, 1, MUCH));
}
END_TEST

START_TEST(nobody_rests_where_completions_are_not_coalesced)
{
	begin(0);
	ck_assert(!move(0, 2 * REST_AFTER, MUCH));
	ck_assert(!rest_is_ahead(lane_of(0)));
	ck_assert(rest_deadline(&loop) == UINT64_MAX);
}
END_TEST

START_TEST(a_rest_is_over_at_a_multiple_of_the_period_a_quarter_of_it_away_at_least)
{
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t before_ns, after_ns;

		begin(i % 2 ? PERIOD_NS / 1000 : 1000);
		(void)move(0, REST_AFTER, MUCH);
		before_ns = clock_now_ns();
		ck_assert(move(0, 1, MUCH));
		after_ns = clock_now_ns();
		ck_assert_uint_eq(rest_deadline(&loop) % PERIOD_NS, 0);
		ck_assert_uint_ge(rest_deadline(&loop), before_ns + PERIOD_NS / 4);
		ck_assert_uint_lt(rest_deadline(&loop), after_ns + PERIOD_NS / 4 + PERIOD_NS);
	}
}
END_TEST

START_TEST(those_whose_rest_is_over_are_marked_and_no_others)
{
	begin(200);
	for (unsigned i = 0; i < ROADS; i++) {
		(void)move(i, REST_AFTER, MUCH);
		ck_assert(move(i, 1, MUCH));
	}
	lane_of(0)->rest.until_ns = lane_of(1)->rest.until_ns = 1000;
	lane_of(2)->rest.until_ns = 2000;
	ck_assert_uint_eq(rest_deadline(&loop), 1000);
	rest_expire(&loop, 999);
	ck_assert(!is_marked(0) && !is_marked(1) && !is_marked(2));
	rest_expire(&loop, 1000);
	ck_assert(is_marked(0) && is_marked(1) && !is_marked(2));
	ck_assert(!lane_rests(lane_of(0)) && !lane_rests(lane_of(1)) && lane_rests(lane_of(2)));
	ck_assert_uint_eq(rest_deadline(&loop), 2000);
	rest_expire(&loop, 2000);
	ck_assert(is_marked(2));
	ck_assert(rest_deadline(&loop) == UINT64_MAX);
}
END_TEST

START_TEST(a_rest_that_is_cut_marks_nobody)
{
	begin(200);
	(void)move(0, REST_AFTER, MUCH);
	ck_assert(move(0, 1, MUCH));
	rest_cut(lane_of(0));
	rest_cut(lane_of(0));
	ck_assert(!lane_rests(lane_of(0)));
	ck_assert(rest_deadline(&loop) == UINT64_MAX);
	rest_expire(&loop, UINT64_MAX - 1);
	ck_assert(!is_marked(0));
}
END_TEST

SUITE("rests", a_lane_rests_when_it_has_moved_much_many_times,
      little_in_between_begins_the_count_anew, a_last_rest_follows_little_but_none_nothing,
      a_request_begins_the_count_anew_and_bulk_the_other_way_does_not,
      nobody_rests_where_completions_are_not_coalesced,
      a_rest_is_over_at_a_multiple_of_the_period_a_quarter_of_it_away_at_least,
      those_whose_rest_is_over_are_marked_and_no_others, a_rest_that_is_cut_marks_nobody)
