/* Who takes least time to answer, and what that must not be taken in by. */
#include "pool/least_time.h"

#include "support/fleet.h"
#include "support/suite.h"

#define SERVERS 4
#define PICKS   4000

static struct server *at(struct fleet *fleet, uint32_t index)
{
	return fleet->entries[index].server;
}

/* Connections one after the other, a millisecond apart, of servers that take so many us. */
static void serve(struct fleet *fleet, const uint32_t *us, uint32_t *ret_counts)
{
	for (uint32_t i = 0; i < SERVERS; i++)
		ret_counts[i] = 0;
	for (uint32_t i = 0; i < PICKS; i++, fleet->now_ms++) {
		int index = fleet_pick(fleet, NULL);

		ret_counts[index]++;
		least_time_took(at(fleet, (uint32_t)index), us[index], fleet->now_ms);
	}
}

START_TEST(the_worst_counts_at_once_and_the_better_slowly)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, 1, NULL);
	struct server *server = at(fleet, 0);
	uint32_t us;

	ck_assert_uint_eq(least_time_of(server, fleet->now_ms), 0);
	least_time_took(server, 1000, fleet->now_ms);
	least_time_took(server, 80000, fleet->now_ms);
	ck_assert_uint_eq(least_time_of(server, fleet->now_ms), 80000);
	least_time_took(server, 1000, fleet->now_ms + 1);
	ck_assert_uint_gt(least_time_of(server, fleet->now_ms + 1), 79000);
	for (int i = 0; i < 8; i++)
		least_time_took(server, 1000, fleet->now_ms += 1000);
	us = least_time_of(server, fleet->now_ms);
	ck_assert(us > 30000 && us < 50000); /* a half, after eight seconds */
	for (int i = 0; i < 100; i++)
		least_time_took(server, 1000, fleet->now_ms += 1000);
	us = least_time_of(server, fleet->now_ms);
	ck_assert(us >= 1000 && us < 1200);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_is_quicker_is_taken_more)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, SERVERS, NULL);
	uint32_t counts[SERVERS];

	serve(fleet, (const uint32_t[]){50000, 5000, 50000, 50000}, counts);
	for (uint32_t i = 0; i < SERVERS; i++)
		ck_assert(i == 1 || counts[1] > counts[i] * 5 / 4);
	/* In the two that are drawn it is one time out of two. */
	ck_assert(counts[1] > PICKS * 45 / 100 && counts[1] < PICKS * 55 / 100);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_refuses_at_once_is_not_the_quickest)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, SERVERS, NULL);
	uint32_t counts[SERVERS] = {0};

	for (uint32_t i = 0; i < PICKS; i++, fleet->now_ms++) {
		int index = fleet_pick(fleet, NULL);

		counts[index]++;
		if (index == 2)
			least_time_failed(at(fleet, 2), 10, fleet->now_ms);
		else
			least_time_took(at(fleet, (uint32_t)index), 20000, fleet->now_ms);
	}
	ck_assert_uint_lt(counts[2], 10);
	fleet_close(fleet);
}
END_TEST

START_TEST(a_failure_costs_a_second_or_what_it_took_or_five_times_the_average)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, 3, NULL);

	least_time_failed(at(fleet, 0), 10, fleet->now_ms);
	ck_assert_uint_eq(least_time_of(at(fleet, 0), fleet->now_ms), 1000000);
	least_time_failed(at(fleet, 0), 5000000, fleet->now_ms);
	ck_assert_uint_eq(least_time_of(at(fleet, 0), fleet->now_ms), 5000000);
	least_time_took(at(fleet, 1), 300000, fleet->now_ms);
	least_time_failed(at(fleet, 1), 10, fleet->now_ms);
	ck_assert_uint_eq(least_time_of(at(fleet, 1), fleet->now_ms), 1500000);
	/* Failures in a row do not grow without end, or it would be forgotten only after as long.
	 */
	for (int i = 0; i < 100; i++)
		least_time_failed(at(fleet, 1), 10, fleet->now_ms);
	ck_assert_uint_lt(least_time_of(at(fleet, 1), fleet->now_ms), 6000000);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_was_slow_is_tried_again_after_a_while)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, SERVERS, NULL);
	uint32_t counts[SERVERS];

	least_time_failed(at(fleet, 3), 10, fleet->now_ms);
	serve(fleet, (const uint32_t[]){5000, 5000, 5000, 5000}, counts);
	ck_assert_uint_lt(counts[3], 5); /* before anything is known of the others */
	for (int i = 0; i < 24; i++)
		serve(fleet, (const uint32_t[]){5000, 5000, 5000, 5000}, counts);
	ck_assert(counts[3] > PICKS / SERVERS * 8 / 10 && counts[3] < PICKS / SERVERS * 12 / 10);
	fleet_close(fleet);
}
END_TEST

START_TEST(a_worker_whose_clock_is_behind_does_not_take_it_for_long_ago)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, 1, NULL);
	struct server *server = at(fleet, 0);

	least_time_took(server, 80000, fleet->now_ms);
	ck_assert_uint_eq(least_time_of(server, fleet->now_ms - 1), 80000);
	ck_assert_uint_eq(least_time_of(server, fleet->now_ms - 1000), 80000);
	least_time_took(server, 500, fleet->now_ms - 1000);
	ck_assert_uint_eq(least_time_of(server, fleet->now_ms - 1000), 80000);
	/* After a year it is long ago. */
	ck_assert_uint_eq(least_time_of(server, fleet->now_ms + UINT64_C(31536000000)), 1);
	fleet_close(fleet);
}
END_TEST

START_TEST(a_few_microseconds_make_no_difference)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, SERVERS, NULL);
	uint32_t counts[SERVERS];

	serve(fleet, (const uint32_t[]){100, 180, 300, 900}, counts);
	for (uint32_t i = 0; i < SERVERS; i++)
		ck_assert(counts[i] > PICKS / SERVERS * 8 / 10 &&
			  counts[i] < PICKS / SERVERS * 12 / 10);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_is_unknown_is_taken_for_average)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, SERVERS, NULL);
	uint32_t counts[SERVERS];

	least_time_took(at(fleet, 0), 10000, fleet->now_ms);
	least_time_took(at(fleet, 1), 90000, fleet->now_ms);
	least_time_took(at(fleet, 2), 50000, fleet->now_ms);
	fleet_count(fleet, PICKS, counts);
	/* Of two, it is behind the quick one, before the slow one, and beside the other. */
	ck_assert(counts[3] > PICKS / 6 && counts[3] < PICKS / 3);
	ck_assert_uint_gt(counts[0], counts[3] * 3 / 2);
	ck_assert_uint_eq(counts[1], 0);
	fleet_close(fleet);
}
END_TEST

START_TEST(connections_count_too)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_TIME, 2, NULL);

	least_time_took(at(fleet, 0), 10000, fleet->now_ms);
	least_time_took(at(fleet, 1), 40000, fleet->now_ms);
	at(fleet, 0)->active = 2;
	ck_assert_int_eq(fleet_pick(fleet, NULL), 0);
	at(fleet, 0)->active = 5;
	ck_assert_int_eq(fleet_pick(fleet, NULL), 1);
	at(fleet, 0)->active = 0;
	fleet_close(fleet);
}
END_TEST

/* clang-format off */
SUITE("pool least time",
      the_worst_counts_at_once_and_the_better_slowly,
      who_is_quicker_is_taken_more,
      who_refuses_at_once_is_not_the_quickest,
      a_failure_costs_a_second_or_what_it_took_or_five_times_the_average,
      who_was_slow_is_tried_again_after_a_while,
      a_worker_whose_clock_is_behind_does_not_take_it_for_long_ago,
      a_few_microseconds_make_no_difference,
      who_is_unknown_is_taken_for_average,
      connections_count_too)
/* clang-format on */
