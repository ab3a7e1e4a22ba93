/* Which lanes are flushed in a turn, and in what order. */
#include "lane/road.h"
#include "lane/strategy.h"
#include "lane/turn.h"
#include "loop/loop.h"
#include "support/suite.h"

#include <string.h>

enum { ROADS = 8, TURN = 100 << 10, LITTLE = 1 << 10, MUCH = 50 << 10 };

static struct loop loop;
static struct road roads[ROADS];
static uint32_t sizes[ROADS];       /* what each lane moves when it is flushed */
static char order[4 * ROADS];       /* who was flushed in this turn, a letter for each */
static const struct lane *restless; /* marks itself again */
static bool by_sending;             /* by operations that are only submitted later */

static struct lane *lane_of(unsigned road)
{
	return &roads[road].lanes[LANE_DOWN];
}

static void flush(struct lane *lane)
{
	unsigned road = (unsigned)(road_of(lane) - roads);

	if (by_sending)
		lane->sending += sizes[road];
	else
		lane->bytes += sizes[road];
	order[strlen(order)] = (char)('a' + road);
	if (lane == restless)
		lane_mark(lane);
}

static const struct strategy recorded = {.name = "recorded", .flush = flush};

static void begin(void)
{
	loop = (struct loop){.sizes.turn_bytes = TURN};
	restless = NULL;
	by_sending = false;
	list_init(&loop.dirty);
	for (unsigned i = 0; i < ROADS; i++) {
		roads[i] = (struct road){.loop = &loop};
		lane_init(lane_of(i), LANE_DOWN, LANE_UP, LANE_OPEN);
		lane_of(i)->strategy = &recorded;
		lane_of(i)->gate = GATE_FLOWS;
		sizes[i] = LITTLE;
	}
}

/* These say that they move much, and so they do. */
static void make_heavy(const char *who)
{
	for (; *who; who++) {
		lane_of((unsigned)(*who - 'a'))->heavy = true;
		sizes[*who - 'a'] = MUCH;
	}
}

static void mark(const char *who)
{
	for (; *who; who++)
		lane_mark(lane_of((unsigned)(*who - 'a')));
}

static const char *turn(void)
{
	memset(order, 0, sizeof(order));
	turn_flush(&loop);
	return order;
}

START_TEST(who_moves_little_is_flushed_before_who_moves_much)
{
	begin();
	make_heavy("ac");
	mark("abcd");
	ck_assert_str_eq(turn(), "bdac");
	ck_assert(list_is_empty(&loop.dirty));
}
END_TEST

START_TEST(a_lane_with_much_in_its_queue_moves_much)
{
	begin();
	lane_of(0)->queued = LANE_HEAVY + 1;
	lane_of(1)->queued = LANE_HEAVY;
	mark("abc");
	ck_assert_str_eq(turn(), "bca");
}
END_TEST

START_TEST(who_is_left_over_is_first_in_the_next_turn)
{
	begin();
	make_heavy("abcdef");
	mark("abcde");
	ck_assert_str_eq(turn(), "ab");
	ck_assert(!list_is_empty(&loop.dirty));
	mark("fa");
	ck_assert_str_eq(turn(), "cd");
	ck_assert_str_eq(turn(), "ef");
	ck_assert_str_eq(turn(), "a");
	ck_assert(list_is_empty(&loop.dirty));
}
END_TEST

START_TEST(what_comes_meanwhile_and_is_little_overtakes_them)
{
	begin();
	make_heavy("abcd");
	mark("abcd");
	ck_assert_str_eq(turn(), "ab");
	mark("gh");
	ck_assert_str_eq(turn(), "ghcd");
}
END_TEST

START_TEST(sends_under_way_count_twice_for_they_are_copied)
{
	begin();
	by_sending = true;
	make_heavy("abcd");
	mark("abcd");
	ck_assert_str_eq(turn(), "a");
	ck_assert_str_eq(turn(), "b");
	ck_assert_str_eq(turn(), "c");
	ck_assert_str_eq(turn(), "d");
}
END_TEST

/* However much those move who each move little, and however small a turn is. */
START_TEST(one_that_moves_much_is_flushed_in_every_turn)
{
	begin();
	make_heavy("ab");
	loop.sizes.turn_bytes = 0;
	mark("abcdefgh");
	ck_assert_str_eq(turn(), "cdefgha");
	mark("cdefgh");
	ck_assert_str_eq(turn(), "cdefghb");
}
END_TEST

START_TEST(who_marks_itself_again_waits_for_the_next_turn_behind_who_is_left_over)
{
	begin();
	make_heavy("abc");
	restless = lane_of(0);
	mark("abc");
	ck_assert_str_eq(turn(), "ab");
	ck_assert_str_eq(turn(), "ca");
	restless = NULL;
	ck_assert_str_eq(turn(), "a");
}
END_TEST

/* What a receive brings that waits long for its turn is cold when it is sent. */
START_TEST(receives_bring_less_while_lanes_are_left_over_and_later_more_again)
{
	const uint32_t budget = 256 << 10, little = 20 << 10;

	begin();
	make_heavy("abcdefgh");
	mark("ab");
	(void)turn();
	ck_assert_uint_eq(turn_receive_most(&loop, budget), budget);
	mark("abcdefgh");
	(void)turn();
	ck_assert_uint_eq(turn_receive_most(&loop, budget), budget / 2);
	(void)turn();
	(void)turn();
	ck_assert_uint_eq(turn_receive_most(&loop, budget), 64 << 10);
	ck_assert_uint_eq(turn_receive_most(&loop, little), little);
	for (unsigned i = 0; i < 1000; i++)
		(void)turn();
	ck_assert_uint_eq(turn_receive_most(&loop, budget), budget);
}
END_TEST

START_TEST(a_session_that_is_closing_is_flushed_no_more)
{
	begin();
	make_heavy("abc");
	mark("abcd");
	lane_of(1)->gate = lane_of(3)->gate = GATE_CLOSED;
	ck_assert_str_eq(turn(), "ac");
	ck_assert(list_is_empty(&loop.dirty));
}
END_TEST

SUITE("turn", who_moves_little_is_flushed_before_who_moves_much,
      a_lane_with_much_in_its_queue_moves_much, who_is_left_over_is_first_in_the_next_turn,
      what_comes_meanwhile_and_is_little_overtakes_them,
      sends_under_way_count_twice_for_they_are_copied, one_that_moves_much_is_flushed_in_every_turn,
      who_marks_itself_again_waits_for_the_next_turn_behind_who_is_left_over,
      receives_bring_less_while_lanes_are_left_over_and_later_more_again,
      a_session_that_is_closing_is_flushed_no_more)
