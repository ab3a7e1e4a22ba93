/* Choosing a server: what holds of every way of balancing. */
#include "support/fleet.h"
#include "support/suite.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define OPEN  1000
#define PICKS 10000

/* Three times the deviation of so many picks by chance. */
static void assert_near(uint32_t got, double share, uint32_t picks)
{
	double fair = share * picks, sigma = sqrt(picks * share * (1 - share));

	ck_assert_msg(fabs(got - fair) <= 3 * sigma + 1, "%u of %u picks, where %.0f are fair", got,
		      picks, fair);
}

/* Of picks among many connections that are open and end by chance. */
START_TEST(each_server_has_its_weights_share_of_the_picks)
{
	const uint32_t weights[] = {1, 2, 3, 4, 0};
	struct fleet *fleet = fleet_open((enum balance)_i, 4, weights);
	uint32_t counts[4] = {0};
	int open[OPEN];

	for (uint32_t i = 0; i < OPEN + PICKS; i++) {
		uint32_t place = i < OPEN ? i : (uint32_t)rand() % OPEN;

		if (i >= OPEN)
			server_release(fleet->entries[open[place]].server);
		open[place] = fleet_choose(fleet, NULL);
		ck_assert_int_ge(open[place], 0);
		counts[open[place]] += i >= OPEN;
		fleet->key++;
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_near(counts[i], weights[i] / 10., PICKS);
	for (uint32_t i = 0; i < OPEN; i++)
		server_release(fleet->entries[open[i]].server);
	fleet_close(fleet);
}
END_TEST

START_TEST(nobody_is_chosen_who_has_been_tried)
{
	struct fleet *fleet = fleet_open((enum balance)_i, 100, NULL);
	struct tried tried = {0};

	for (uint32_t i = 0; i < 100; i++) {
		int index = fleet_pick(fleet, &tried);

		ck_assert_int_ge(index, 0);
		ck_assert(!tried_has(&tried, fleet->entries[index].server->number));
		ck_assert_int_eq(tried_add(&tried, fleet->entries[index].server->number), 0);
	}
	ck_assert_int_eq(fleet_pick(fleet, &tried), -2);
	tried_done(&tried);
	fleet_close(fleet);
}
END_TEST

START_TEST(nobody_is_chosen_who_is_not_in_the_roster)
{
	struct fleet *fleet = fleet_open((enum balance)_i, 10, NULL);
	uint32_t counts[10];

	fleet->entries[3].takes = false;
	fleet->entries[4].weight = 0;
	fleet_roster(fleet);
	fleet_count(fleet, 1000, counts);
	ck_assert_uint_eq(counts[3] + counts[4], 0);
	for (uint32_t i = 0; i < 10; i++)
		fleet->entries[i].takes = false;
	fleet_roster(fleet);
	ck_assert_int_eq(fleet_pick(fleet, NULL), -2);
	fleet_close(fleet);
}
END_TEST

/* Turns of others are passed over only so often; then it is by chance, and by weights too. */
START_TEST(those_left_behind_one_with_nearly_all_turns_share_by_their_weights)
{
	struct fleet *fleet =
		fleet_open(BALANCE_ROUND_ROBIN, 4, (const uint32_t[]){9999, 1, 2, 3, 0});
	struct tried tried = {.first = 1};
	uint32_t counts[4] = {0};

	for (uint32_t i = 0; i < PICKS; i++)
		counts[fleet_pick(fleet, &tried)]++;
	ck_assert_uint_eq(counts[0], 0);
	for (uint32_t i = 1; i < 4; i++)
		assert_near(counts[i], i / 6., PICKS);
	fleet_close(fleet);
}
END_TEST

START_TEST(where_all_are_full_that_is_said)
{
	struct fleet *fleet = fleet_open((enum balance)_i, 10, NULL);
	struct tried tried = {.first = 1};
	uint32_t counts[10] = {0};

	for (uint32_t i = 0; i < 10; i++)
		fleet->entries[i].server->limit = 1;
	for (uint32_t i = 0; i < 10; i++, fleet->key++)
		counts[fleet_choose(fleet, NULL)]++;
	ck_assert_int_eq(fleet_choose(fleet, NULL), -1);
	server_release(fleet->entries[0].server);
	ck_assert_int_eq(fleet_choose(fleet, &tried), -1);
	ck_assert_int_eq(fleet_choose(fleet, NULL), 0);
	tried.first = (1 << 10) - 1; /* waiting for room would not help */
	ck_assert_int_eq(fleet_choose(fleet, &tried), -2);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert_uint_eq(counts[i], 1);
		server_release(fleet->entries[i].server);
	}
	fleet_close(fleet);
}
END_TEST

/* At 10, 50 and 100 percent of its time; the main thread gives weights in hundredths. */
START_TEST(one_that_starts_slowly_has_that_part_of_its_share)
{
	const uint32_t percents[] = {10, 50, 100};
	uint32_t percent = percents[_i / BALANCE_COUNT], counts[10] = {0};
	struct fleet *fleet = fleet_open((enum balance)(_i % BALANCE_COUNT), 10, NULL);
	int open[OPEN];

	for (uint32_t i = 0; i < 10; i++)
		fleet->entries[i].weight = i ? 100 : percent;
	fleet_roster(fleet);
	for (uint32_t i = 0; i < OPEN + PICKS; i++, fleet->key++) {
		uint32_t place = i < OPEN ? i : (uint32_t)rand() % OPEN;

		if (i >= OPEN)
			server_release(fleet->entries[open[place]].server);
		open[place] = fleet_choose(fleet, NULL);
		counts[open[place]] += i >= OPEN;
	}
	assert_near(counts[0], percent / (900. + percent), PICKS);
	for (uint32_t i = 0; i < OPEN; i++)
		server_release(fleet->entries[open[i]].server);
	fleet_close(fleet);
}
END_TEST

/* ---- Tiers ----------------------------------------------------------------------------------- */

/* Two primaries, two backups and one behind them. */
static struct fleet *open_tiers(int balance)
{
	const uint32_t tiers[] = {7, 7, 256, 256, 1000};
	struct fleet *fleet = fleet_open((enum balance)balance, 5, NULL);

	for (uint32_t i = 0; i < 5; i++)
		fleet->entries[i].tier = tiers[i];
	fleet_roster(fleet);
	ck_assert_uint_eq(fleet->roster->tier_count, 3);
	return fleet;
}

START_TEST(backups_are_taken_when_no_primary_is_left_and_share)
{
	struct fleet *fleet = open_tiers(_i);
	struct tried tried = {0};
	uint32_t counts[5];

	fleet_count(fleet, 100, counts);
	ck_assert_uint_eq(counts[0] + counts[1], 100);
	fleet->entries[0].takes = false;
	fleet_roster(fleet);
	fleet_count(fleet, 100, counts);
	ck_assert_uint_eq(counts[1], 100);
	fleet->entries[1].server->ejection = passive_make(fleet->now_ms + 1, false);
	fleet->passive.ejected = 1;
	fleet_count(fleet, 100, counts);
	ck_assert_uint_eq(counts[2] + counts[3], 100);
	ck_assert(counts[2] > 20 && counts[3] > 20);
	tried.first = 3 << 2;
	ck_assert_int_eq(fleet_pick(fleet, &tried), 4);
	/* One who is ejected is better than nobody. */
	tried.first = 7 << 2;
	ck_assert_int_eq(fleet_pick(fleet, &tried), 1);
	fleet_close(fleet);
}
END_TEST

START_TEST(of_full_primaries_one_goes_to_the_backup_or_waits)
{
	struct fleet *fleet = open_tiers(_i);
	int index;

	for (uint32_t i = 0; i < 2; i++) {
		fleet->entries[i].server->limit = 1;
		ck_assert(server_reserve(fleet->entries[i].server));
	}
	index = fleet_pick(fleet, NULL);
	ck_assert(index == 2 || index == 3);
	fleet->rule.waits = true;
	fleet_roster(fleet);
	ck_assert_int_eq(fleet_pick(fleet, NULL), -1);
	/* There is nobody to wait for. */
	ck_assert_int_ge(fleet_pick(fleet, &(struct tried){.first = 3}), 2);
	for (uint32_t i = 0; i < 2; i++)
		server_release(fleet->entries[i].server);
	fleet_close(fleet);
}
END_TEST

START_TEST(in_a_panic_all_are_in_the_roster_that_have_a_weight)
{
	struct fleet *fleet = fleet_open((enum balance)_i, 4, NULL);
	uint32_t counts[4];

	for (uint32_t i = 0; i < 4; i++)
		fleet->entries[i].takes = false;
	fleet->entries[1].weight = 0;
	fleet->rule.panic = true;
	fleet_roster(fleet);
	fleet_count(fleet, 300, counts);
	ck_assert_uint_eq(counts[1], 0);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert(i == 1 || counts[i] > 50);
	fleet_close(fleet);
}
END_TEST

/* ---- Several workers ------------------------------------------------------------------------- */

#define WORKERS 8
#define TURNS   20000

struct rush {
	struct fleet *fleet;
	_Atomic uint32_t holders[4];
	_Atomic uint32_t over, full, made;
};

static void hold(struct rush *rush, uint32_t index)
{
	struct server *server = rush->fleet->entries[index].server;

	rush->over += ++rush->holders[index] > server->limit;
	rush->made++;
	if (rush->made % 16 == 0)
		sched_yield();
	rush->holders[index]--;
	server_release(server);
}

static void *rush_in(void *argument)
{
	struct rush *rush = argument;
	struct picker picker = {0};
	struct wish wish = {.roster = rush->fleet->roster, .picker = &picker, .now_ms = 1};

	for (uint32_t i = 0; i < TURNS; i++) {
		struct server *server;

		wish.random = wish.key = i * UINT64_C(0x9e3779b97f4a7c15);
		if (pool_choose(&wish, &server) == CHOICE_MADE)
			hold(rush, rush->fleet->places[server->number]);
		else
			rush->full++;
	}
	return NULL;
}

START_TEST(however_many_choose_at_once_nobody_has_more_than_it_may)
{
	struct rush rush = {
		.fleet = fleet_open((enum balance)_i, 4, (const uint32_t[]){1, 2, 3, 4, 0})};
	pthread_t threads[WORKERS];

	for (uint32_t i = 0; i < 4; i++)
		rush.fleet->entries[i].server->limit = 1 + i % 2;
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, rush_in, &rush), 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(rush.over, 0);
	ck_assert_uint_eq(rush.made + rush.full, WORKERS * TURNS);
	ck_assert_uint_gt(rush.made, 0);
	fleet_close(rush.fleet); /* where all places are back */
}
END_TEST

/* ---- What has been tried --------------------------------------------------------------------- */

START_TEST(any_number_can_have_been_tried)
{
	struct tried tried = {0};

	for (uint32_t number = 0; number < 5000; number += 7) {
		ck_assert(!tried_has(&tried, number));
		ck_assert_int_eq(tried_add(&tried, number), 0);
		ck_assert_int_eq(tried_add(&tried, number), 0);
	}
	for (uint32_t number = 0; number < 6000; number++)
		ck_assert_int_eq(tried_has(&tried, number), number % 7 == 0 && number < 5000);
	ck_assert_uint_eq(tried.count, 715);
	tried_done(&tried);
	ck_assert(!tried_has(&tried, 0) && !tried_has(&tried, 700));
}
END_TEST

START_TEST(numbers_are_small_and_given_again)
{
	static struct servers servers;
	struct server *all[10];
	struct address address = {0};

	servers_init(&servers, NULL);
	for (uint32_t i = 0; i < 10; i++) {
		const char name[] = {(char)('a' + i), '\0'};

		all[i] = servers_get(&servers, "[pool p]", name, name, "f:1", &address);
		ck_assert_uint_eq(all[i]->number, i);
	}
	servers_put(all[3]);
	servers_put(all[7]);
	all[3] = servers_get(&servers, "[pool p]", "x", "x", "f:1", &address);
	all[7] = servers_get(&servers, "[pool p]", "y", "y", "f:1", &address);
	ck_assert_uint_eq(all[3]->number, 3);
	ck_assert_uint_eq(all[7]->number, 7);
	for (uint32_t i = 0; i < 10; i++)
		servers_put(all[i]);
	servers_done(&servers);
}
END_TEST

/* clang-format off */
SUITE_OF("pool choose", 120,
	 EACH(each_server_has_its_weights_share_of_the_picks, BALANCE_COUNT),
	 EACH(nobody_is_chosen_who_has_been_tried, BALANCE_COUNT),
	 EACH(nobody_is_chosen_who_is_not_in_the_roster, BALANCE_COUNT),
	 ONCE(those_left_behind_one_with_nearly_all_turns_share_by_their_weights),
	 EACH(where_all_are_full_that_is_said, BALANCE_COUNT),
	 EACH(one_that_starts_slowly_has_that_part_of_its_share, 3 * BALANCE_COUNT),
	 EACH(backups_are_taken_when_no_primary_is_left_and_share, BALANCE_COUNT),
	 EACH(of_full_primaries_one_goes_to_the_backup_or_waits, BALANCE_COUNT),
	 EACH(in_a_panic_all_are_in_the_roster_that_have_a_weight, BALANCE_COUNT),
	 EACH(however_many_choose_at_once_nobody_has_more_than_it_may, BALANCE_COUNT),
	 ONCE(any_number_can_have_been_tried),
	 ONCE(numbers_are_small_and_given_again))
/* clang-format on */
