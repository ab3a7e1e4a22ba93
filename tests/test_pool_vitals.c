/* Starting slowly, and not believing checks. */
#include "pool/vitals.h"

#include "config/config.h"
#include "support/suite.h"

START_TEST(one_that_starts_has_a_tenth_more_after_each_tenth_of_the_time)
{
	struct vitals vitals = {0};
	uint64_t now = 5000;

	ck_assert_uint_eq(vitals_step(&vitals, now), VITALS_STEPS);
	ck_assert_uint_eq(vitals_next_ms(&vitals, now), UINT64_MAX);
	vitals_start(&vitals, 1005, now);
	for (uint32_t step = 1; step <= VITALS_STEPS; step++) {
		ck_assert_uint_eq(vitals_step(&vitals, now), step);
		ck_assert_uint_eq(vitals_limit(&vitals, 100, now), 10 * step);
		ck_assert_uint_eq(vitals_limit(&vitals, 0, now), 0);
		ck_assert_uint_eq(vitals_limit(&vitals, 1, now), 1);
		now = vitals_next_ms(&vitals, now);
	}
	ck_assert_uint_eq(now, 6005);
	ck_assert_uint_eq(vitals_next_ms(&vitals, now), UINT64_MAX);
	ck_assert_uint_eq(vitals_limit(&vitals, 100, now), 100);
	vitals_start(&vitals, 0, now);
	ck_assert_uint_eq(vitals_step(&vitals, now), VITALS_STEPS);
}
END_TEST

START_TEST(few_that_are_well_are_a_panic_as_configured)
{
	ck_assert(vitals_panic(CONFIG_PANIC_LAST_RESORT, 0, 3));
	ck_assert(!vitals_panic(CONFIG_PANIC_LAST_RESORT, 1, 100));
	ck_assert(!vitals_panic(CONFIG_PANIC_LAST_RESORT, 0, 0));
	ck_assert(!vitals_panic(CONFIG_PANIC_OFF, 0, 3));
	ck_assert(vitals_panic(50, 1, 3));
	ck_assert(!vitals_panic(50, 2, 4));
	ck_assert(!vitals_panic(50, 2, 3));
	ck_assert(vitals_panic(100, 2, 3));
	ck_assert(!vitals_panic(100, 3, 3));
}
END_TEST

SUITE("pool vitals", one_that_starts_has_a_tenth_more_after_each_tenth_of_the_time,
      few_that_are_well_are_a_panic_as_configured)
