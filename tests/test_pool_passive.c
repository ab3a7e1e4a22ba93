/* Ejecting servers that fail, and taking them back. */
#include "pool/passive.h"

#include "support/fleet.h"
#include "support/skip.h"
#include "support/suite.h"

#include <pthread.h>
#include <unistd.h>

static const struct passive_rule rule = {.fails = 3, .within_ms = 10000};

/* So many failures at once; what the last of them came to. */
static enum passive fails(struct fleet *fleet, uint32_t index, uint32_t times)
{
	enum passive last = PASSIVE_NOTHING;
	uint32_t out_ms;

	while (times--)
		last = passive_failed(fleet->entries[index].server, &rule, &fleet->passive,
				      fleet->now_ms, &out_ms);
	return last;
}

static struct fleet *open_fleet(uint32_t count)
{
	struct fleet *fleet = fleet_open(BALANCE_ROUND_ROBIN, count, NULL);

	fleet->passive.takers = count;
	return fleet;
}

/* How often one is among so many picks. */
static uint32_t picked(struct fleet *fleet, uint32_t index, uint32_t picks)
{
	uint32_t count = 0;

	while (picks--)
		count += fleet_pick(fleet, NULL) == (int)index;
	return count;
}

START_TEST(so_many_failures_within_so_long_eject)
{
	struct fleet *fleet = open_fleet(2);
	uint64_t until_ms;
	bool tried;

	ck_assert_int_eq(fails(fleet, 0, 2), PASSIVE_NOTHING);
	ck_assert(!passive_is_out(fleet->entries[0].server, &until_ms, &tried));
	fleet->now_ms += 9999;
	ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_EJECTED);
	ck_assert(passive_is_out(fleet->entries[0].server, &until_ms, &tried));
	ck_assert_uint_eq(until_ms, fleet->now_ms + 10000);
	ck_assert(!tried);
	ck_assert_uint_eq(picked(fleet, 0, 100), 0);
	fleet_close(fleet);
}
END_TEST

START_TEST(the_window_slides_and_drips_never_add_up)
{
	struct fleet *fleet = open_fleet(2);

	for (int i = 0; i < 1000; i++, fleet->now_ms += 5000)
		ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_NOTHING);
	/* Two of the last ten seconds are remembered, and one that is older is not. */
	ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_NOTHING);
	ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_EJECTED);
	fleet_close(fleet);
}
END_TEST

START_TEST(without_max_fails_nobody_is_ejected)
{
	struct fleet *fleet = open_fleet(2);
	uint32_t out_ms;

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(passive_failed(fleet->entries[0].server,
						&(struct passive_rule){.within_ms = 10000},
						&fleet->passive, fleet->now_ms, &out_ms),
				 PASSIVE_NOTHING);
	fleet_close(fleet);
}
END_TEST

START_TEST(when_its_time_is_over_one_connection_tries)
{
	struct fleet *fleet = open_fleet(3);

	fails(fleet, 1, 3);
	fleet->now_ms += 9999;
	ck_assert_uint_eq(picked(fleet, 1, 30), 0);
	fleet->now_ms += 1;
	ck_assert_uint_eq(picked(fleet, 1, 30), 1);
	ck_assert(passive_ends(fleet->entries[1].server, &fleet->passive));
	ck_assert(!passive_ends(fleet->entries[1].server, &fleet->passive));
	ck_assert_uint_eq(picked(fleet, 1, 30), 10);
	/* What was before counts no more. */
	ck_assert_int_eq(fails(fleet, 1, 2), PASSIVE_NOTHING);
	ck_assert_uint_eq(fleet->passive.ejected, 0);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_fails_again_stays_out_twice_as_long_up_to_five_minutes)
{
	struct fleet *fleet = open_fleet(2);
	const uint32_t out_s[] = {20, 40, 80, 160, 300, 300, 300};
	uint64_t until_ms;
	bool tried;

	fails(fleet, 0, 3);
	fleet->now_ms += 10000;
	for (size_t i = 0; i < array_size(out_s); i++) {
		ck_assert_uint_eq(picked(fleet, 0, 4), 1);
		ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_LONGER);
		/* One that had begun before says nothing new. */
		ck_assert_int_eq(fails(fleet, 0, 1), PASSIVE_NOTHING);
		ck_assert(passive_is_out(fleet->entries[0].server, &until_ms, &tried));
		ck_assert_uint_eq(until_ms - fleet->now_ms, out_s[i] * 1000);
		fleet->now_ms = until_ms;
	}
	ck_assert(passive_ends(fleet->entries[0].server, &fleet->passive));
	fails(fleet, 0, 3);
	ck_assert(passive_is_out(fleet->entries[0].server, &until_ms, &tried));
	ck_assert_uint_eq(until_ms - fleet->now_ms, 10000);
	fleet_close(fleet);
}
END_TEST

START_TEST(who_cannot_say_lets_another_try)
{
	struct fleet *fleet = open_fleet(2);

	fails(fleet, 0, 3);
	fleet->now_ms += 10000;
	ck_assert_uint_eq(picked(fleet, 0, 10), 1);
	passive_unknown(fleet->entries[0].server, fleet->now_ms);
	ck_assert_uint_eq(picked(fleet, 0, 10), 1);
	fleet->now_ms += PASSIVE_TRIAL_MS - 1;
	ck_assert_uint_eq(picked(fleet, 0, 10), 0);
	fleet->now_ms += 1; /* it was never heard of again */
	ck_assert_uint_eq(picked(fleet, 0, 10), 1);
	fleet_close(fleet);
}
END_TEST

START_TEST(one_that_is_full_is_not_tried_and_another_may_when_it_has_room)
{
	struct fleet *fleet = open_fleet(2);
	struct server *server = fleet->entries[0].server;

	server->limit = 1;
	ck_assert(server_reserve(server));
	fails(fleet, 0, 3);
	fleet->now_ms += 10000;
	ck_assert_uint_eq(picked(fleet, 0, 10), 0);
	server_release(server);
	ck_assert_uint_eq(picked(fleet, 0, 10), 1);
	fleet_close(fleet);
}
END_TEST

START_TEST(at_most_half_are_out_and_never_the_last)
{
	for (uint32_t count = 1; count <= 9; count++) {
		struct fleet *fleet = open_fleet(count);
		uint32_t out = 0;

		for (uint32_t i = 0; i < count; i++)
			out += fails(fleet, i, 3) == PASSIVE_EJECTED;
		ck_assert_uint_eq(out, count / 2);
		ck_assert_uint_eq(fleet->passive.ejected, out);
		ck_assert_int_ge(fleet_pick(fleet, NULL), 0);
		fleet_close(fleet);
	}
}
END_TEST

START_TEST(where_only_those_are_left_who_are_out_they_are_chosen)
{
	struct fleet *fleet = open_fleet(4);
	struct tried tried = {0};

	fails(fleet, 0, 3);
	fails(fleet, 1, 3);
	fleet->entries[2].takes = fleet->entries[3].takes = false;
	fleet_roster(fleet);
	ck_assert_uint_eq(picked(fleet, 0, 10), 5);
	ck_assert_int_eq(tried_add(&tried, fleet->entries[0].server->number), 0);
	ck_assert_int_eq(fleet_pick(fleet, &tried), 1);
	ck_assert_int_eq(tried_add(&tried, fleet->entries[1].server->number), 0);
	ck_assert_int_eq(fleet_pick(fleet, &tried), -2);
	fleet_close(fleet);
}
END_TEST

/* ---- Of several workers one ------------------------------------------------------------------ */

#define WORKERS 8
#define ROUNDS  2000
#define DUELS   20000

struct crowd {
	struct fleet *fleet;
	pthread_barrier_t gate;
	_Atomic uint32_t ejected, tries, longer, ended;
};

/* All go on together, and in a round of its own does what it says. */
static void meet(struct crowd *crowd)
{
	pthread_barrier_wait(&crowd->gate);
}

static void try_it(struct crowd *crowd, struct picker *picker, uint64_t now_ms)
{
	struct wish wish = {
		.roster = crowd->fleet->roster, .picker = picker, .random = 1, .now_ms = now_ms};

	for (int i = 0; i < 4; i++) {
		struct server *server;

		if (pool_choose(&wish, &server) != CHOICE_MADE)
			continue;
		crowd->tries += server == crowd->fleet->entries[0].server;
		server_release(server);
	}
}

static void *work(void *argument)
{
	struct crowd *crowd = argument;
	struct server *server = crowd->fleet->entries[0].server;
	struct passive_pool *pool = &crowd->fleet->passive;
	struct picker picker = {0};
	uint64_t now_ms = 1000000;
	uint32_t out_ms = 0;

	for (int i = 0; i < ROUNDS; i++, now_ms += 100000) {
		meet(crowd);
		crowd->ejected +=
			passive_failed(server, &rule, pool, now_ms, &out_ms) == PASSIVE_EJECTED;
		meet(crowd);
		try_it(crowd, &picker, now_ms + 10000);
		meet(crowd);
		crowd->longer += passive_failed(server, &rule, pool, now_ms + 10000, &out_ms) ==
				 PASSIVE_LONGER;
		meet(crowd);
		try_it(crowd, &picker, now_ms + 30000);
		meet(crowd);
		crowd->ended += passive_ends(server, pool);
	}
	return NULL;
}

START_TEST(of_eight_workers_one_ejects_one_tries_one_prolongs_and_one_ends_it)
{
	struct crowd crowd = {.fleet = open_fleet(3)};
	pthread_t threads[WORKERS];

	ck_assert_int_eq(pthread_barrier_init(&crowd.gate, NULL, WORKERS), 0);
	for (int i = 0; i < WORKERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &crowd), 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(crowd.ejected, ROUNDS);
	ck_assert_uint_eq(crowd.tries, 2 * ROUNDS);
	ck_assert_uint_eq(crowd.longer, ROUNDS);
	ck_assert_uint_eq(crowd.ended, ROUNDS);
	ck_assert_uint_eq(crowd.fleet->passive.ejected, 0);
	pthread_barrier_destroy(&crowd.gate);
	fleet_close(crowd.fleet);
}
END_TEST

/* Two who come at the very same moment, again and again. */
struct duel {
	struct fleet *fleet;
	_Atomic uint32_t here, tries, ejected, ended;
};

static void spin_together(struct duel *duel, uint32_t round)
{
	duel->here++;
	while (duel->here < 2 * round)
		;
}

static void fight(void *(*how)(void *), struct duel *duel)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, how, duel), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

static void *try_first(void *argument)
{
	struct duel *duel = argument;
	struct fleet *fleet = duel->fleet;
	struct picker picker = {0};
	struct wish wish = {.roster = fleet->roster, .picker = &picker};

	for (uint32_t round = 1; round <= DUELS; round++) {
		struct server *server;

		wish.now_ms = round * UINT64_C(100000);
		spin_together(duel, 2 * round - 1);
		if (pool_choose(&wish, &server) != CHOICE_MADE)
			return NULL;
		duel->tries += server == fleet->entries[0].server;
		server_release(server);
		spin_together(duel, 2 * round);
	}
	return NULL;
}

/* The empty one, out until now, is everybody's first choice. */
START_TEST(who_is_second_to_try_leaves_no_trace_there)
{
	struct duel duel = {.fleet = fleet_open(BALANCE_LEAST_CONN, 2, NULL)};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one processor");
	duel.fleet->entries[1].server->active = 100;
	duel.fleet->entries[0].server->ejection = passive_make(1, false);
	duel.fleet->passive.ejected = 1;
	fight(try_first, &duel);
	ck_assert_uint_eq(duel.tries, DUELS);
	duel.fleet->entries[1].server->active -= 100;
	fleet_close(duel.fleet);
}
END_TEST

static void *eject_first(void *argument)
{
	struct duel *duel = argument;
	struct server *server = duel->fleet->entries[0].server;
	struct passive_pool *pool = &duel->fleet->passive;

	for (uint32_t round = 1; round <= DUELS; round++) {
		uint32_t out_ms;

		spin_together(duel, 2 * round - 1);
		duel->ejected += passive_failed(server, &(struct passive_rule){1, 10000}, pool,
						round, &out_ms) == PASSIVE_EJECTED;
		spin_together(duel, 2 * round);
		duel->ended += passive_ends(server, pool);
	}
	return NULL;
}

START_TEST(who_is_second_to_eject_or_to_end_it_does_not_count)
{
	struct duel duel = {.fleet = open_fleet(4)};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP_TEST("one processor");
	fight(eject_first, &duel);
	ck_assert_uint_eq(duel.ejected, duel.ended);
	ck_assert_uint_ge(duel.ejected, DUELS);
	ck_assert_uint_eq(duel.fleet->passive.ejected, 0);
	fleet_close(duel.fleet);
}
END_TEST

/* clang-format off */
SUITE("pool passive",
      so_many_failures_within_so_long_eject,
      the_window_slides_and_drips_never_add_up,
      without_max_fails_nobody_is_ejected,
      when_its_time_is_over_one_connection_tries,
      who_fails_again_stays_out_twice_as_long_up_to_five_minutes,
      who_cannot_say_lets_another_try,
      one_that_is_full_is_not_tried_and_another_may_when_it_has_room,
      at_most_half_are_out_and_never_the_last,
      where_only_those_are_left_who_are_out_they_are_chosen,
      of_eight_workers_one_ejects_one_tries_one_prolongs_and_one_ends_it,
      who_is_second_to_try_leaves_no_trace_there,
      who_is_second_to_eject_or_to_end_it_does_not_count)
/* clang-format on */
