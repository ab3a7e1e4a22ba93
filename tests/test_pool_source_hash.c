/* The same server for the same key: Maglev's table. */
#include "base/hash.h"

#include "support/fleet.h"
#include "support/suite.h"

#include <math.h>
#include <string.h>

#define KEYS 20000

/* Whom each key comes to. */
static void look_up(struct fleet *fleet, int16_t *ret_owners)
{
	for (fleet->key = 0; fleet->key < KEYS; fleet->key++) {
		int index = fleet_pick(fleet, NULL);

		ck_assert_int_ge(index, 0);
		ret_owners[fleet->key] = (int16_t)index;
	}
}

static uint32_t share(const int16_t *owners, int index)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		count += owners[i] == index;
	return count;
}

/* Keys that have gone from one who is still there to another who was. */
static uint32_t innocents(const int16_t *before, const int16_t *after, int changed)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < KEYS; i++)
		count += before[i] != after[i] && before[i] != changed && after[i] != changed;
	return count;
}

static int16_t before[KEYS], after[KEYS], again[KEYS];

/*
 * The numbers are for ever: another process, another machine and another version has the same
 * ones, or a client behind two of them would meet two servers.  They are those of another
 * implementation of the paper, in another language.
 */
START_TEST(the_table_is_the_same_everywhere)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 10, (const uint32_t[]){3, 1, 2, 0});
	const int16_t first[] = {6, 3, 0, 2, 2, 6, 6, 2, 8, 4, 3, 4, 0, 8, 8, 5,
				 9, 3, 1, 8, 0, 0, 4, 0, 3, 1, 9, 9, 0, 0, 6, 7};
	uint64_t sum = HASH64_BEGIN;

	look_up(fleet, before);
	ck_assert_mem_eq(before, first, sizeof(first));
	for (uint32_t i = 0; i < KEYS; i++) {
		const char owner[] = {(char)('0' + before[i]), '\0'};

		sum = hash64_text(sum, owner);
	}
	ck_assert_uint_eq(sum, 0x9c23c7a8585cf35c);
	fleet_close(fleet);
}
END_TEST

START_TEST(it_is_of_names_and_not_of_the_order_they_are_in)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 10, (const uint32_t[]){3, 1, 2, 0});

	look_up(fleet, before);
	for (uint32_t i = 0; i < 5; i++) {
		struct roster_entry entry = fleet->entries[i];

		fleet->entries[i] = fleet->entries[9 - i];
		fleet->entries[9 - i] = entry;
	}
	fleet_roster(fleet);
	look_up(fleet, after);
	for (uint32_t i = 0; i < KEYS; i++)
		ck_assert_int_eq(before[i], 9 - after[i]);
	fleet_close(fleet);
}
END_TEST

START_TEST(each_has_its_weights_share_of_the_slots)
{
	const uint32_t counts[] = {3, 10, 50, 200};
	const double most[] = {1.02, 1.04, 1.08, 1.18}, least[] = {0.98, 0.96, 0.92, 0.84};

	for (int same = 0; same < 2; same++) {
		uint32_t count = counts[_i], total = 0;
		struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, count, NULL);

		for (uint32_t i = 0; i < count; i++)
			total += fleet->entries[i].weight = same ? 1 : 1 + i % 5;
		fleet_roster(fleet);
		look_up(fleet, before);
		for (uint32_t i = 0; i < count; i++) {
			double fair = (double)KEYS * fleet->entries[i].weight / total;
			double chance = 3 * sqrt(fair);

			ck_assert_double_le(share(before, (int)i), fair * most[_i] + chance);
			ck_assert_double_ge(share(before, (int)i), fair * least[_i] - chance);
		}
		fleet_close(fleet);
	}
}
END_TEST

START_TEST(who_goes_takes_few_innocents_with_it_and_comes_back_to_its_own)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 10, NULL);

	look_up(fleet, before);
	for (int gone = 0; gone < 10; gone++) {
		fleet->entries[gone].takes = false;
		fleet_roster(fleet);
		look_up(fleet, after);
		ck_assert_uint_eq(share(after, gone), 0);
		ck_assert_uint_le(innocents(before, after, gone), KEYS / 100);
		fleet->entries[gone].takes = true;
		fleet_roster(fleet);
		look_up(fleet, again);
		ck_assert_mem_eq(before, again, sizeof(before));
	}
	fleet_close(fleet);
}
END_TEST

START_TEST(who_joins_takes_its_part_from_all_and_moves_few_others)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 11, NULL);

	fleet->entries[10].takes = false;
	fleet_roster(fleet);
	look_up(fleet, before);
	fleet->entries[10].takes = true;
	fleet_roster(fleet);
	look_up(fleet, after);
	ck_assert_uint_le(innocents(before, after, 10), KEYS / 100);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_lt(share(after, i), share(before, i));
	fleet_close(fleet);
}
END_TEST

/* A step of a slow start. */
START_TEST(who_gains_weight_moves_few_others)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 10, NULL);

	for (uint32_t i = 0; i < 10; i++)
		fleet->entries[i].weight = 10;
	for (uint32_t weight = 1; weight < 10; weight++) {
		fleet->entries[4].weight = weight;
		fleet_roster(fleet);
		look_up(fleet, before);
		fleet->entries[4].weight = weight + 1;
		fleet_roster(fleet);
		look_up(fleet, after);
		ck_assert_uint_le(innocents(before, after, 4), KEYS / 100);
		ck_assert_uint_gt(share(after, 4), share(before, 4));
	}
	fleet_close(fleet);
}
END_TEST

/* Of one that may not be taken for a while, and whose slots are still its own. */
static void assert_spread(struct fleet *fleet, int out)
{
	look_up(fleet, after);
	ck_assert_uint_eq(innocents(before, after, out), 0);
	for (int i = 0; i < 10; i++) {
		uint32_t more = share(after, i) - share(before, i);

		if (i != out)
			ck_assert(more > KEYS / 90 * 0.75 && more < KEYS / 90 * 1.25);
	}
}

START_TEST(keys_of_one_that_is_full_ejected_or_tried_spread_over_all_others)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 10, NULL);
	struct server *server = fleet->entries[3].server;

	look_up(fleet, before);
	server->limit = 1;
	ck_assert(server_reserve(server));
	assert_spread(fleet, 3);
	server_release(server);
	server->ejection = passive_make(fleet->now_ms + 1, false);
	assert_spread(fleet, 3);
	server->ejection = 0;
	look_up(fleet, again);
	ck_assert_mem_eq(before, again, sizeof(before));
	fleet_close(fleet);
}
END_TEST

START_TEST(who_is_left_is_found_by_every_key)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 200, NULL);
	struct tried tried = {0};
	uint32_t counts[200] = {0};

	for (uint32_t i = 3; i < 200; i++)
		ck_assert_int_eq(tried_add(&tried, fleet->entries[i].server->number), 0);
	for (fleet->key = 0; fleet->key < 3000; fleet->key++)
		counts[fleet_pick(fleet, &tried)]++;
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(counts[i] > 850 && counts[i] < 1150);
	tried_done(&tried);
	fleet_close(fleet);
}
END_TEST

START_TEST(a_client_with_a_few_connections_keeps_its_server)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 3, NULL);
	int first = fleet_choose(fleet, NULL);

	for (int i = 1; i < 30; i++)
		ck_assert_int_eq(fleet_choose(fleet, NULL), first);
	fleet->entries[first].server->active -= 30;
	fleet_close(fleet);
}
END_TEST

START_TEST(half_of_the_world_at_one_address_does_not_all_come_to_one_server)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 4, (const uint32_t[]){1, 1, 2, 4, 0});
	uint32_t counts[4] = {0};

	for (uint32_t i = 0; i < 4; i++)
		fleet->entries[i].weight *= 20000; /* only what they are to each other matters */
	fleet_roster(fleet);
	for (uint32_t i = 0; i < 10000; i++) {
		fleet->key = i % 2 ? 7 : i;
		counts[fleet_choose(fleet, NULL)]++;
	}
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t part = 10000 * fleet->entries[i].weight / 160000;

		ck_assert_uint_le(counts[i], part * 5 / 4 + 33);
		fleet->entries[i].server->active = 0;
	}
	fleet_close(fleet);
}
END_TEST

/* Weights far apart are no more work, and who has next to none has a slot. */
START_TEST(a_thousand_servers_of_all_weights_each_have_a_slot)
{
	struct fleet *fleet = fleet_open(BALANCE_SOURCE_HASH, 1000, NULL);

	fleet->entries[0].weight = 256;
	fleet_roster(fleet);
	look_up(fleet, before);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_gt(share(before, i), 0);
	ck_assert_uint_gt(share(before, 0), KEYS / 6);
	fleet_close(fleet);
}
END_TEST

/* clang-format off */
SUITE_OF("pool source hash", 120,
	 ONCE(the_table_is_the_same_everywhere),
	 ONCE(it_is_of_names_and_not_of_the_order_they_are_in),
	 EACH(each_has_its_weights_share_of_the_slots, 4),
	 ONCE(who_goes_takes_few_innocents_with_it_and_comes_back_to_its_own),
	 ONCE(who_joins_takes_its_part_from_all_and_moves_few_others),
	 ONCE(who_gains_weight_moves_few_others),
	 ONCE(keys_of_one_that_is_full_ejected_or_tried_spread_over_all_others),
	 ONCE(who_is_left_is_found_by_every_key),
	 ONCE(a_client_with_a_few_connections_keeps_its_server),
	 ONCE(half_of_the_world_at_one_address_does_not_all_come_to_one_server),
	 ONCE(a_thousand_servers_of_all_weights_each_have_a_slot))
/* clang-format on */
