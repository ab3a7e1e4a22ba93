/* The clock. */
#include "base/clock.h"
#include "support/suite.h"

#include <time.h>

START_TEST(it_moves_forward_by_as_much_as_one_sleeps)
{
	uint64_t before_ns = clock_now_ns(), before_ms = clock_now_ms();

	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	ck_assert_uint_ge(clock_now_ns() - before_ns, 2000000);
	ck_assert_uint_ge(clock_now_ms() - before_ms, 1);
}
END_TEST

SUITE("base: clock", it_moves_forward_by_as_much_as_one_sleeps)
