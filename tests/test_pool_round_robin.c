/* Turns: how often, and how smoothly. */
#include "support/fleet.h"
#include "support/suite.h"

#include <string.h>

static uint32_t sum_of(const struct fleet *fleet)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < fleet->count; i++)
		sum += fleet->entries[i].weight;
	return sum;
}

/* At no time has anybody had a turn more or less than its part, and so each cycle is exact. */
static void assert_even(struct fleet *fleet, uint32_t sum)
{
	int64_t had[8] = {0};

	for (int64_t turns = 1; turns <= 3 * (int64_t)sum; turns++) {
		had[fleet_pick(fleet, NULL)]++;
		for (uint32_t i = 0; i < fleet->count; i++) {
			int64_t part = turns * fleet->entries[i].weight;

			ck_assert_int_lt(llabs(had[i] * sum - part), sum);
		}
	}
}

/* Who has no more than half is not taken twice in a row. */
static void assert_smooth(struct fleet *fleet, uint32_t sum)
{
	int last = fleet_pick(fleet, NULL);

	for (uint32_t i = 0; i < sum; i++) {
		int index = fleet_pick(fleet, NULL);

		ck_assert(index != last || 2 * fleet->entries[index].weight > sum);
		last = index;
	}
}

START_TEST(every_cycle_is_even_and_smooth)
{
	uint32_t weights[4];

	/* All of up to four servers with weights up to six. */
	for (uint32_t code = 1; code < 7 * 7 * 7 * 7; code++) {
		struct fleet *fleet;
		uint32_t rest = code, count = 0;

		for (; rest % 7; rest /= 7)
			weights[count++] = rest % 7;
		if (rest)
			continue;
		fleet = fleet_open(BALANCE_ROUND_ROBIN, count, weights);
		assert_even(fleet, sum_of(fleet));
		assert_smooth(fleet, sum_of(fleet));
		fleet_close(fleet);
	}
}
END_TEST

START_TEST(five_one_and_one_are_never_taken_five_times_in_a_row)
{
	struct fleet *fleet = fleet_open(BALANCE_ROUND_ROBIN, 3, (const uint32_t[]){50, 10, 10, 0});
	char order[15] = "";

	for (int i = 0; i < 14; i++)
		order[i] = (char)('a' + fleet_pick(fleet, NULL));
	ck_assert_str_eq(order, "aaabaacaaabaac"); /* as HAProxy does it */
	fleet_close(fleet);
}
END_TEST

/* Too many turns for a cycle that is written down. */
START_TEST(many_servers_of_many_weights_have_exact_cycles_too)
{
	static uint32_t weights[500], counts[500], last[500];
	struct fleet *fleet;
	uint32_t sum;

	for (uint32_t i = 0; i < 499; i++)
		weights[i] = 1 + i % 256;
	fleet = fleet_open(BALANCE_ROUND_ROBIN, 499, weights);
	sum = sum_of(fleet);
	ck_assert_uint_gt((uint64_t)sum * 499, UINT64_C(1) << 22);
	memset(counts, 0, sizeof(counts));
	for (uint32_t i = 0; i < sum; i++) {
		int index = fleet_pick(fleet, NULL);

		ck_assert_int_ge(index, 0);
		/* Nobody waits for four times as long as it should, or is taken twice in a row. */
		if (counts[index] > 0) {
			ck_assert_uint_le(i - last[index], 4 * sum / weights[index]);
			ck_assert_uint_gt(i - last[index], 1);
		}
		last[index] = i;
		counts[index]++;
	}
	ck_assert_mem_eq(counts, weights, 499 * sizeof(counts[0]));
	fleet_close(fleet);
}
END_TEST

START_TEST(those_left_share_the_turns_of_one_who_may_not_be_taken)
{
	struct fleet *fleet = fleet_open(BALANCE_ROUND_ROBIN, 4, (const uint32_t[]){4, 1, 2, 3, 0});
	uint32_t counts[4];

	fleet->entries[0].server->limit = 1;
	ck_assert(server_reserve(fleet->entries[0].server));
	fleet_count(fleet, 60, counts);
	ck_assert_uint_eq(counts[0], 0);
	ck_assert_uint_eq(counts[1], 10);
	ck_assert_uint_eq(counts[2], 20);
	ck_assert_uint_eq(counts[3], 30);
	server_release(fleet->entries[0].server);
	fleet_close(fleet);
}
END_TEST

/* One of weight 1 is left among many turns of others: it is found without going round. */
START_TEST(who_alone_is_left_is_found_however_seldom_its_turn)
{
	struct fleet *fleet =
		fleet_open(BALANCE_ROUND_ROBIN, 3, (const uint32_t[]){256, 255, 1, 0});
	struct tried tried = {0};

	ck_assert_int_eq(tried_add(&tried, fleet->entries[0].server->number), 0);
	ck_assert_int_eq(tried_add(&tried, fleet->entries[1].server->number), 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(fleet_pick(fleet, &tried), 2);
	fleet_close(fleet);
}
END_TEST

START_TEST(workers_begin_at_different_servers)
{
	struct fleet *fleet = fleet_open(BALANCE_ROUND_ROBIN, 16, NULL);
	uint32_t first[16] = {0};

	for (uint32_t worker = 0; worker < 16; worker++) {
		picker_init(&fleet->picker, worker);
		first[fleet_pick(fleet, NULL)]++;
	}
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_uint_le(first[i], 2);
	fleet_close(fleet);
}
END_TEST

/* Rosters that change all the time, as in a slow start, do not begin again each time. */
START_TEST(a_worker_goes_on_where_it_is_when_the_roster_changes)
{
	struct fleet *fleet = fleet_open(BALANCE_ROUND_ROBIN, 10, NULL);
	uint32_t counts[10] = {0};

	for (uint32_t i = 0; i < 1000; i++) {
		fleet->entries[0].weight = 1 + i % 2;
		fleet_roster(fleet);
		counts[fleet_pick(fleet, NULL)]++;
	}
	for (uint32_t i = 1; i < 10; i++)
		ck_assert(counts[i] > 60 && counts[i] < 140);
	fleet_close(fleet);
}
END_TEST

/* clang-format off */
SUITE("pool round robin",
      every_cycle_is_even_and_smooth,
      five_one_and_one_are_never_taken_five_times_in_a_row,
      many_servers_of_many_weights_have_exact_cycles_too,
      those_left_share_the_turns_of_one_who_may_not_be_taken,
      who_alone_is_left_is_found_however_seldom_its_turn,
      workers_begin_at_different_servers,
      a_worker_goes_on_where_it_is_when_the_roster_changes)
/* clang-format on */
