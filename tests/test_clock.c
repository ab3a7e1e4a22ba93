/* The clock, and the count of sleeps. */
#include "base/clock.h"
#include "support/suite.h"

#include <pthread.h>
#include <time.h>

static void sleep_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void *sleep_often(void *unused)
{
	for (int i = 0; i < 20; i++)
		sleep_a_little();
	return unused;
}

START_TEST(it_moves_forward_by_as_much_as_one_sleeps)
{
	uint64_t before_ns = clock_now_ns(), before_ms = clock_now_ms();

	sleep_a_little();
	ck_assert_uint_ge(clock_now_ns() - before_ns, 2000000);
	ck_assert_uint_ge(clock_now_ms() - before_ms, 1);
}
END_TEST

START_TEST(every_sleep_is_counted)
{
	uint64_t before = clock_sleeps();

	for (int i = 0; i < 5; i++)
		sleep_a_little();
	ck_assert_uint_ge(clock_sleeps() - before, 5);
}
END_TEST

/* Joining is one sleep, or a few. */
START_TEST(those_of_other_threads_are_not)
{
	uint64_t before = clock_sleeps();
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, sleep_often, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_lt(clock_sleeps() - before, 20);
}
END_TEST

SUITE("base: clock", it_moves_forward_by_as_much_as_one_sleeps, every_sleep_is_counted,
      those_of_other_threads_are_not)
