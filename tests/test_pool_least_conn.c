/* Who has fewest connections for its weight. */
#include "support/fleet.h"
#include "support/suite.h"

#define SERVERS 8
#define STEPS   100000
#define OPEN    200

static uint32_t below(uint32_t count)
{
	return (uint32_t)rand() % count;
}

/* ---- The least of all ------------------------------------------------------------------------ */

static bool would_do(const struct fleet *fleet, uint32_t index, const struct tried *tried)
{
	const struct server *server = fleet->entries[index].server;

	return !tried_has(tried, server->number) &&
	       !(server->limit && server->active >= server->limit) &&
	       !passive_ejects(server, fleet->now_ms);
}

/* (active + 1) / weight of the one chosen, which has its place already, beside all others. */
static void assert_least(const struct fleet *fleet, uint32_t chosen, const struct tried *tried)
{
	uint64_t load = fleet->entries[chosen].server->active;

	for (uint32_t i = 0; i < fleet->count; i++)
		if (i != chosen && would_do(fleet, i, tried))
			ck_assert_uint_le(load * fleet->entries[i].weight,
					  (fleet->entries[i].server->active + UINT64_C(1)) *
						  fleet->entries[chosen].weight);
}

/* Nobody would do: for want of room, or whatever room there were. */
static void assert_nobody(const struct fleet *fleet, const struct tried *tried, bool for_room)
{
	uint32_t full = 0;

	for (uint32_t i = 0; i < fleet->count; i++) {
		ck_assert(!would_do(fleet, i, tried));
		full += !tried_has(tried, fleet->entries[i].server->number);
	}
	ck_assert_int_eq(full > 0, for_room);
}

static void change_something(struct fleet *fleet)
{
	struct server *server = fleet->entries[below(SERVERS)].server;

	switch (below(4)) {
	case 0:
		server->limit = below(2) ? 0 : 1 + below(50);
		break;
	case 1:
		server->ejection = below(3) ? 0 : passive_make(fleet->now_ms + 1, false);
		break;
	default:
		fleet->entries[below(SERVERS)].weight = 1 + below(10);
		fleet_roster(fleet);
	}
}

START_TEST(whoever_is_chosen_has_fewest_for_its_weight)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_CONN, SERVERS, NULL);
	uint32_t open[OPEN], count = 0, made = 0;

	for (uint32_t step = 0; step < STEPS; step++) {
		struct tried tried = {.first = below(4) ? 0 : below(1 << SERVERS)};
		int index;

		if (below(50) == 0)
			change_something(fleet);
		if (count == OPEN || (count && below(2))) {
			uint32_t place = below(count);

			server_release(fleet->entries[open[place]].server);
			open[place] = open[--count];
			continue;
		}
		index = fleet_choose(fleet, &tried);
		if (index >= 0) {
			assert_least(fleet, (uint32_t)index, &tried);
			open[count++] = (uint32_t)index;
			made++;
		} else {
			assert_nobody(fleet, &tried, index == -1);
		}
	}
	ck_assert_uint_gt(made, STEPS / 3);
	while (count)
		server_release(fleet->entries[open[--count]].server);
	for (uint32_t i = 0; i < fleet->count; i++) /* as nobody has counted them out */
		fleet->entries[i].server->ejection = 0;
	fleet_close(fleet);
}
END_TEST

START_TEST(of_equals_each_has_its_turn)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_CONN, 3, NULL);
	uint32_t counts[3];

	/* One of them is busy: the two others share what it does not get, half and half. */
	ck_assert(server_reserve(fleet->entries[2].server));
	fleet_count(fleet, 100, counts);
	ck_assert_uint_eq(counts[0], 50);
	ck_assert_uint_eq(counts[1], 50);
	server_release(fleet->entries[2].server);
	fleet_close(fleet);
}
END_TEST

START_TEST(an_empty_server_of_weight_1_does_not_come_before_one_of_100)
{
	struct fleet *fleet = fleet_open(BALANCE_LEAST_CONN, 2, (const uint32_t[]){1, 100, 0});
	uint32_t counts[2] = {0};

	for (int i = 0; i < 101; i++)
		counts[fleet_choose(fleet, NULL)]++;
	ck_assert_uint_eq(counts[0], 1);
	ck_assert_uint_eq(counts[1], 100);
	for (int i = 0; i < 2; i++)
		while (counts[i]--)
			server_release(fleet->entries[i].server);
	fleet_close(fleet);
}
END_TEST

/* ---- Of two ---------------------------------------------------------------------------------- */

START_TEST(of_two_servers_the_two_drawn_are_both)
{
	struct fleet *fleet =
		fleet_open(BALANCE_RANDOM_TWO, 2, (const uint32_t[]){(uint32_t)_i, 1, 0});

	/* Whichever is drawn first: the other has fewer. */
	fleet->entries[0].server->active = 1000;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(fleet_pick(fleet, NULL), 1);
	fleet->entries[0].server->active = 0;
	fleet->entries[1].server->active = 1000;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(fleet_pick(fleet, NULL), 0);
	fleet->entries[1].server->active = 0;
	fleet_close(fleet);
}
END_TEST

/* One that comes empty among others with a thousand: not all go there, as least_conn has it. */
START_TEST(an_empty_one_among_ten_is_sent_a_fifth)
{
	struct fleet *fleet = fleet_open(BALANCE_RANDOM_TWO, 10, NULL);
	uint32_t counts[10];

	for (uint32_t i = 1; i < 10; i++)
		fleet->entries[i].server->active = 1000;
	fleet_count(fleet, 10000, counts);
	ck_assert(counts[0] > 1800 && counts[0] < 2200);
	for (uint32_t i = 1; i < 10; i++)
		fleet->entries[i].server->active = 0;
	fleet_close(fleet);
}
END_TEST

/* Draws that miss come to an end, and who is left has the share of its weight. */
START_TEST(few_who_are_left_among_many_are_found)
{
	struct fleet *fleet = fleet_open(BALANCE_RANDOM_TWO, 1000, NULL);
	struct tried tried = {0};
	uint32_t counts[1000] = {0};

	fleet->entries[7].weight = 3;
	fleet_roster(fleet);
	for (uint32_t i = 0; i < 1000; i++)
		if (i != 7 && i != 500)
			ck_assert_int_eq(tried_add(&tried, fleet->entries[i].server->number), 0);
	fleet->entries[500].server->limit = 1;
	for (int i = 0; i < 100; i++)
		counts[fleet_pick(fleet, &tried)]++;
	ck_assert_uint_eq(counts[7], 100); /* 1/3 is less than 1 */
	ck_assert_int_eq(tried_add(&tried, fleet->entries[7].server->number), 0);
	ck_assert_int_eq(fleet_pick(fleet, &tried), 500);
	ck_assert(server_reserve(fleet->entries[500].server));
	ck_assert_int_eq(fleet_pick(fleet, &tried), -1);
	server_release(fleet->entries[500].server);
	tried_done(&tried);
	fleet_close(fleet);
}
END_TEST

/* ---- Sixteen workers ------------------------------------------------------------------------- */

#define WORKERS 16
#define LIVE    200
#define ENDS    20000

/* Ten servers and so many connections, of which one ends by chance and another begins, at any
 * worker: how many the busiest server has, of what it should, on the average. */
static double busiest(enum balance balance)
{
	struct fleet *fleet = fleet_open(balance, 10, NULL);
	struct picker pickers[WORKERS];
	uint32_t open[LIVE];
	double sum = 0;

	for (uint32_t i = 0; i < WORKERS; i++)
		picker_init(&pickers[i], i);
	for (uint32_t i = 0; i < LIVE + ENDS; i++) {
		uint32_t place = i < LIVE ? i : below(LIVE), worker = below(WORKERS), most = 0;

		if (i >= LIVE)
			server_release(fleet->entries[open[place]].server);
		fleet->picker = pickers[worker];
		open[place] = (uint32_t)fleet_choose(fleet, NULL);
		pickers[worker] = fleet->picker;
		for (uint32_t j = 0; j < 10; j++)
			if (fleet->entries[j].server->active > most)
				most = fleet->entries[j].server->active;
		sum += i >= LIVE ? most / (LIVE / 10.) : 0;
	}
	for (uint32_t i = 0; i < LIVE; i++)
		server_release(fleet->entries[open[i]].server);
	fleet_close(fleet);
	return sum / ENDS;
}

START_TEST(many_workers_are_as_even_as_one)
{
	ck_assert_double_lt(busiest(BALANCE_LEAST_CONN), 1.06);
	ck_assert_double_lt(busiest(BALANCE_RANDOM_TWO), 1.15);
	ck_assert_double_lt(busiest(BALANCE_ROUND_ROBIN), 1.32); /* by chance alone: 1.39 */
}
END_TEST

/* clang-format off */
SUITE_OF("pool least conn", 60,
	 ONCE(whoever_is_chosen_has_fewest_for_its_weight),
	 ONCE(of_equals_each_has_its_turn),
	 ONCE(an_empty_server_of_weight_1_does_not_come_before_one_of_100),
	 {of_two_servers_the_two_drawn_are_both, 1, 4},
	 ONCE(an_empty_one_among_ten_is_sent_a_fifth),
	 ONCE(few_who_are_left_among_many_are_found),
	 ONCE(many_workers_are_as_even_as_one))
/* clang-format on */
