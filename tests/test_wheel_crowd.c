/* A hundred thousand idle connections, as far as their timers go. */
#include "base/wheel.h"
#include "support/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TIMERS    100000
#define START_MS  123456789
#define HOUR_MS   3600000
#define SPREAD_MS 600000

static uint64_t cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

START_TEST(armed_timers_wake_nobody_until_the_first_is_due)
{
	struct wheel_timer *timers = calloc(TIMERS, sizeof(*timers)), *expired;
	uint64_t first = UINT64_MAX, now = START_MS, began, arming;
	unsigned wakeups = 0, expiries = 0;
	struct wheel wheel;

	ck_assert_ptr_nonnull(timers);
	wheel_init(&wheel, START_MS);
	began = cpu_us();
	for (unsigned i = 0; i < TIMERS; i++) {
		uint64_t expires = START_MS + HOUR_MS + (uint64_t)i * 7919 % SPREAD_MS;
		wheel_set(&wheel, &timers[i], expires);
		first = expires < first ? expires : first;
	}
	arming = cpu_us() - began;

	/* As a worker does: sleep until wheel_next(), look, sleep again. */
	began = cpu_us();
	for (now = wheel_next(&wheel); now < first; now = wheel_next(&wheel)) {
		ck_assert_ptr_null(wheel_expire(&wheel, now));
		wakeups++;
	}
	printf("%d timers armed in %" PRIu64 " us; until the first was due, an hour later: %u "
	       "wake-ups, %" PRIu64 " us of CPU\n",
	       TIMERS, arming, wakeups, cpu_us() - began);
	/* A timer moves down once per level, and only the first one's slots matter here. */
	ck_assert_uint_le(wakeups, WHEEL_LEVELS);
	ck_assert_uint_eq(now, first);

	while ((expired = wheel_expire(&wheel, START_MS + HOUR_MS + SPREAD_MS)))
		expiries += !wheel_is_set(expired);
	ck_assert_uint_eq(expiries, TIMERS);
	ck_assert_uint_eq(wheel_next(&wheel), UINT64_MAX);
	free(timers);
}
END_TEST

SUITE("wheel, a crowd", armed_timers_wake_nobody_until_the_first_is_due)
