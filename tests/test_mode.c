/* Which ring mode and how many workers, from the configuration and the CPUs. */
#include "control/mode.h"
#include "support/suite.h"

#include <string.h>

static struct mode decided(struct config config, unsigned usable)
{
	struct limits_cpus cpus = {
		.mask = {(1ull << usable) - 1}, .count = usable, .usable = usable};
	struct mode mode;

	mode_decide(&mode, &config, &cpus);
	return mode;
}

START_TEST(auto_polls_only_where_every_worker_leaves_a_cpu_free)
{
	struct mode two = decided((struct config){0}, 2), four = decided((struct config){0}, 4);

	ck_assert(!two.sqpoll);
	ck_assert_uint_eq(two.workers, 2);
	ck_assert(four.sqpoll);
	ck_assert_uint_eq(four.workers, 2);
	ck_assert_uint_eq(four.polling_threads, 2);
	ck_assert_int_eq(four.sq_cpu[0], 2);
	ck_assert_int_eq(four.sq_cpu[1], 3);
	ck_assert(!decided((struct config){.workers = 3}, 4).sqpoll);
}
END_TEST

START_TEST(what_is_configured_is_done_and_warned_of_where_threads_are_shared)
{
	struct mode mode = decided((struct config){.sqpoll = CONFIG_ON, .workers = 3}, 4);

	ck_assert(mode.sqpoll);
	ck_assert_uint_eq(mode.workers, 3);
	ck_assert_uint_eq(mode.polling_threads, 1);
	ck_assert_str_ne(mode.warning, "");
	ck_assert(!decided((struct config){.sqpoll = CONFIG_OFF}, 8).sqpoll);
}
END_TEST

START_TEST(workers_are_pinned_in_turn_and_polled_for_where_none_of_them_is)
{
	struct config config = {.cpus = {0xa}, .workers = 3, .sqpoll = CONFIG_ON};
	struct mode mode = decided(config, 4);

	ck_assert_int_eq(mode.cpu[0], 1);
	ck_assert_int_eq(mode.cpu[1], 3);
	ck_assert_int_eq(mode.cpu[2], 1);
	ck_assert_uint_eq(mode.polling_threads, 2);
	ck_assert_int_eq(mode.sq_cpu[0], 0);
	ck_assert_int_eq(mode.sq_cpu[1], 2);
	config.cpus[0] = 0;
	ck_assert_int_eq(decided(config, 4).cpu[0], -1);
}
END_TEST

START_TEST(a_polling_thread_there_is_even_without_a_cpu_for_it)
{
	struct mode mode = decided((struct config){.sqpoll = CONFIG_ON, .workers = 2}, 2);

	ck_assert(mode.sqpoll);
	ck_assert_uint_eq(mode.polling_threads, 1);
	ck_assert_int_eq(mode.sq_cpu[0], -1);
	ck_assert_ptr_nonnull(strstr(mode.warning, "no CPU of its own"));
}
END_TEST

/* On CPUs that others use too, the same first few would be everybody's. */
START_TEST(under_a_quota_polling_threads_are_counted_but_not_bound)
{
	struct limits_cpus cpus = {.mask = {0xff}, .count = 8, .usable = 4};
	struct config config = {0};
	struct mode mode;

	mode_decide(&mode, &config, &cpus);
	ck_assert(mode.sqpoll);
	ck_assert_uint_eq(mode.workers, 2);
	ck_assert_uint_eq(mode.polling_threads, 2);
	ck_assert_int_eq(mode.sq_cpu[0], -1);
	ck_assert_int_eq(mode.sq_cpu[1], -1);
	ck_assert_str_eq(mode.warning, "");

	config = (struct config){.sqpoll = CONFIG_ON, .workers = 3};
	mode_decide(&mode, &config, &cpus);
	ck_assert_uint_eq(mode.polling_threads, 1);
	ck_assert_str_ne(mode.warning, "");

	config = (struct config){.sqpoll = CONFIG_ON, .workers = 2, .sqpoll_cpus = {0x30}};
	mode_decide(&mode, &config, &cpus);
	ck_assert_int_eq(mode.sq_cpu[0], 4);
	ck_assert_int_eq(mode.sq_cpu[1], 5);
}
END_TEST

START_TEST(workers_keep_off_the_cpus_that_are_polled_on)
{
	struct limits_cpus cpus = {.mask = {0xff}, .count = 8, .usable = 4};
	struct config config = {0};
	struct mode mode;

	ck_assert_uint_eq(decided(config, 3).worker_cpus[0], 0); /* nobody polls */
	ck_assert_uint_eq(decided(config, 8).worker_cpus[0], 0x0f);
	config.sqpoll = CONFIG_ON;
	ck_assert_uint_eq(decided(config, 1).worker_cpus[0], 0); /* nobody has one of its own */
	config.workers = 1;
	ck_assert_uint_eq(decided(config, 8).worker_cpus[0], 0xfd);
	config.workers = 3;
	ck_assert_uint_eq(decided(config, 4).worker_cpus[0], 0x7);

	config.sqpoll_cpus[0] = 0x7;
	ck_assert_uint_eq(decided(config, 6).worker_cpus[0], 0x38);
	ck_assert_uint_eq(decided(config, 5).worker_cpus[0], 0); /* better there than on two */
	config = (struct config){0};
	mode_decide(&mode, &config, &cpus); /* bound nowhere, for there is a quota */
	ck_assert(mode.sqpoll);
	ck_assert_uint_eq(mode.worker_cpus[0], 0);
}
END_TEST

/* The range of the key is what the manual says, and all of it is done. */
START_TEST(as_many_workers_as_are_configured_are_had)
{
	ck_assert_uint_eq(decided((struct config){.workers = 500}, 2).workers, 500);
	ck_assert_uint_eq(decided((struct config){.workers = 1024}, 2).workers, 1024);
	ck_assert_uint_eq(decided((struct config){.workers = 1024, .sqpoll = CONFIG_ON}, 2).workers,
			  1024);
}
END_TEST

SUITE("mode", as_many_workers_as_are_configured_are_had,
      auto_polls_only_where_every_worker_leaves_a_cpu_free,
      workers_are_pinned_in_turn_and_polled_for_where_none_of_them_is,
      a_polling_thread_there_is_even_without_a_cpu_for_it,
      what_is_configured_is_done_and_warned_of_where_threads_are_shared,
      under_a_quota_polling_threads_are_counted_but_not_bound,
      workers_keep_off_the_cpus_that_are_polled_on)
