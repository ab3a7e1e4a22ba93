/* Who takes a server out, and that nobody lifts what another says. */
#include "base/clock.h"
#include "pool/passive.h"
#include "pool/pool.h"
#include "pool/roster.h"
#include "pool/ruling.h"
#include "pool/server.h"
#include "pool/standing.h"
#include "support/suite.h"

#include <errno.h>

static struct server server;
static struct ruling ruling;

static struct standing stands(const struct member *member)
{
	struct member copy = *member;

	copy.server = &server;
	server.ruling = &ruling;
	return standing_of(&copy);
}

static void begin(enum ruling_state state)
{
	server = (struct server){0};
	ruling = (struct ruling){state, RULING_AS_CONFIGURED, RULING_AS_CONFIGURED};
}

START_TEST(each_word_takes_a_server_out_that_may_and_the_first_is_shown)
{
	static const struct {
		enum ruling_state state;
		struct member member;
		enum standing_cause cause;
		const char *word;
		bool takes, checked;
	} known[] = {
		{RULING_READY, {.weight = 1}, STANDING_WELL, "up", true, true},
		{RULING_DRAIN, {.weight = 1}, STANDING_DRAINED, "drain", false, true},
		{RULING_MAINT, {.weight = 1}, STANDING_MAINTAINED, "maint", false, false},
		{RULING_READY,
		 {.weight = 1, .disabled = true},
		 STANDING_DISABLED,
		 "maint",
		 false,
		 false},
		{RULING_READY, {.weight = 0}, STANDING_WEIGHTLESS, "drain", false, true},
		{RULING_DRAIN,
		 {.weight = 1, .disabled = true},
		 STANDING_DRAINED,
		 "drain",
		 false,
		 false},
		{RULING_MAINT, {.weight = 0}, STANDING_MAINTAINED, "maint", false, false},
	};

	for (size_t i = 0; i < array_size(known); i++) {
		struct standing standing;

		begin(known[i].state);
		standing = stands(&known[i].member);
		ck_assert_uint_eq(standing.cause, known[i].cause);
		ck_assert_str_eq(standing_word(standing.cause), known[i].word);
		ck_assert_int_eq(standing.takes, known[i].takes);
		ck_assert_int_eq(standing.checked, known[i].checked);
	}
}
END_TEST

START_TEST(an_operators_weight_and_limit_take_the_place_of_the_configurations)
{
	const struct member member = {.weight = 4, .limit = 100}, none = {.weight = 0};
	struct standing standing;

	begin(RULING_READY);
	standing = stands(&member);
	ck_assert_uint_eq(standing.weight, 4);
	ck_assert_uint_eq(standing.limit, 100);
	ruling.limit = 0;
	ruling.weight = 9;
	standing = stands(&none);
	ck_assert(standing.takes);
	ck_assert_uint_eq(standing.weight, 9);
	ck_assert_uint_eq(standing.limit, 0);
	ruling.weight = 0;
	standing = stands(&member);
	ck_assert_uint_eq(standing.cause, STANDING_UNWEIGHTED);
	ck_assert(!standing.takes);
}
END_TEST

START_TEST(a_server_that_fails_is_tried_and_its_failures_lift_nothing)
{
	const struct member member = {.weight = 1};

	begin(RULING_READY);
	atomic_store(&server.since_ms, 5);
	ck_assert_uint_eq(stands(&member).cause, STANDING_FAILING);
	ck_assert(stands(&member).takes);
	atomic_store(&server.ejection, passive_make(1000, false));
	ck_assert_uint_eq(stands(&member).cause, STANDING_EJECTED);
	ck_assert(stands(&member).takes);
	ruling.state = RULING_DRAIN;
	ck_assert_uint_eq(stands(&member).cause, STANDING_DRAINED);
	ck_assert(!stands(&member).takes);
}
END_TEST

START_TEST(workers_are_given_those_that_take_connections_as_they_are_weighed)
{
	static struct passive_pool passive;
	static struct server two[2] = {{.passive = &passive}, {.passive = &passive}};
	struct member members[2] = {{.server = &two[0], .weight = 1, .limit = 3},
				    {.server = &two[1], .weight = 1}};
	struct pool pool = {.members = members, .count = 2};
	const struct roster *old;

	begin(RULING_DRAIN);
	two[1].ruling = &ruling;
	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	ck_assert_ptr_null(old);
	ck_assert_uint_eq(pool_roster(&pool)->count, 1);
	ck_assert_uint_eq(two[0].limit, 3);
	ruling = (struct ruling){RULING_READY, 7, 2};
	ck_assert_int_eq(pool_publish(&pool, &old), 0);
	roster_free((struct roster *)old);
	ck_assert_uint_eq(pool_roster(&pool)->count, 2);
	ck_assert_uint_eq(pool_roster(&pool)->tiers[0].seats[1].weight, 7);
	ck_assert_uint_eq(two[1].limit, 2);
	roster_free((struct roster *)pool_roster(&pool));
}
END_TEST

START_TEST(who_is_down_by_its_check_takes_none_and_is_a_last_resort)
{
	const struct member member = {.weight = 1};

	begin(RULING_READY);
	server.vitals.down = true;
	ck_assert_uint_eq(stands(&member).cause, STANDING_DOWN);
	ck_assert(!stands(&member).takes && stands(&member).able);
	/* No good word of one takes back a bad one of another. */
	ruling.state = RULING_DRAIN;
	ck_assert_uint_eq(stands(&member).cause, STANDING_DRAINED);
	ck_assert(!stands(&member).takes && !stands(&member).able);
	server.vitals.down = false;
	ck_assert(!stands(&member).takes && !stands(&member).able);
}
END_TEST

/* The seats that workers are given, and whether that is a panic. */
static uint32_t seats_of(struct pool *pool, bool panic)
{
	const struct roster *old;

	ck_assert_int_eq(pool_publish(pool, &old), 0);
	roster_free((struct roster *)old);
	ck_assert_int_eq(pool_roster(pool)->rule.panic, panic);
	return pool_roster(pool)->count;
}

START_TEST(where_checks_are_against_all_workers_are_given_all_but_those_others_are_against)
{
	static struct passive_pool passive;
	static struct server three[3] = {
		{.passive = &passive}, {.passive = &passive}, {.passive = &passive}};
	struct member members[3] = {{.server = &three[0], .weight = 1},
				    {.server = &three[1], .weight = 1},
				    {.server = &three[2], .weight = 1, .disabled = true}};
	struct pool pool = {.members = members, .count = 3, .in_force = true};

	ck_assert_uint_eq(seats_of(&pool, false), 2);
	three[0].vitals.down = true;
	ck_assert_uint_eq(seats_of(&pool, false), 1);
	ck_assert_uint_eq(passive.takers, 1);
	three[1].vitals.down = true;
	ck_assert_uint_eq(seats_of(&pool, true), 2);
	ck_assert_uint_eq(pool.up, 0);
	ck_assert_uint_eq(pool.able, 2);
	roster_free((struct roster *)pool_roster(&pool));
}
END_TEST

START_TEST(one_that_starts_slowly_weighs_a_tenth_beside_others)
{
	static struct passive_pool passive;
	static struct server two[2] = {{.passive = &passive}, {.passive = &passive}};
	struct member members[2] = {{.server = &two[0], .weight = 3, .limit = 50},
				    {.server = &two[1], .weight = 1, .limit = 50}};
	struct pool pool = {.members = members, .count = 2};
	const struct seat *seats;

	vitals_start(&two[1].vitals, 3600000, clock_now_ms());
	ck_assert_uint_eq(seats_of(&pool, false), 2);
	seats = pool_roster(&pool)->tiers[0].seats;
	ck_assert_uint_eq(seats[0].weight, 30);
	ck_assert_uint_eq(seats[1].weight, 1);
	ck_assert_uint_eq(two[0].limit, 50);
	ck_assert_uint_eq(two[1].limit, 5);
	roster_free((struct roster *)pool_roster(&pool));
}
END_TEST

SUITE("pool: standing", each_word_takes_a_server_out_that_may_and_the_first_is_shown,
      an_operators_weight_and_limit_take_the_place_of_the_configurations,
      a_server_that_fails_is_tried_and_its_failures_lift_nothing,
      workers_are_given_those_that_take_connections_as_they_are_weighed,
      who_is_down_by_its_check_takes_none_and_is_a_last_resort,
      where_checks_are_against_all_workers_are_given_all_but_those_others_are_against,
      one_that_starts_slowly_weighs_a_tenth_beside_others)
