/* The receive buffers of a worker: where each is, and how many lie with the kernel. */
#include "net/pool.h"
#include "support/fake_kernel.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1024 };

static struct fake_kernel fake;
static struct ring ring;
static struct pool pool;

static void open_ring(void)
{
	static struct ring_capabilities capabilities;
	struct ring_error error;

	fake_kernel_init(&fake);
	fake_kernel_capabilities(&capabilities);
	ck_assert_int_eq(ring_open(&ring,
				   &(struct ring_options){.entries = 8,
							  .capabilities = &capabilities,
							  .system = &fake.system},
				   &error),
			 0);
}

static void open_pool(uint32_t count)
{
	open_ring();
	ck_assert_int_eq(pool_open(&pool, &ring, (uint64_t)count * SIZE, SIZE), 0);
}

static void close_pool(void)
{
	pool_close(&pool);
	ring_close(&ring);
	fake_kernel_done(&fake);
}

/* A receive of length bytes: the kernel's next buffer, as its completion tells of it. */
static uint16_t receive(uint32_t length)
{
	struct io_uring_cqe done = {.res = (int32_t)length};
	struct ring_bundle bundle;
	uint32_t size, got;
	void *memory;
	uint16_t id;

	ck_assert(fake_kernel_take_buffer(&fake.rings[0], 0, &memory, &size, &id));
	ck_assert_uint_eq(size, SIZE);
	ck_assert_ptr_eq(memory, pool_memory(&pool, id));
	done.flags = IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT;
	bundle = ring_buffers_bundle(&pool.buffers, &done);
	ck_assert(ring_bundle_next(&bundle, &id, &got));
	ck_assert_uint_eq(got, length);
	ck_assert(!ring_bundle_next(&bundle, &id, &got));
	return id;
}

static void receive_many(uint16_t *ids, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		ids[i] = receive(SIZE);
}

START_TEST(memory_is_cut_into_whole_buffers_but_no_fewer_than_4_and_no_more_than_32768)
{
	static const struct {
		uint64_t memory;
		uint32_t size, count;
	} cases[] = {{10 * SIZE + SIZE - 1, SIZE, 10},
		     {0, SIZE, 4},
		     {4 * SIZE - 1, SIZE, 4},
		     {1ull << 40, SIZE, 32768}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_ring();
		ck_assert_int_eq(pool_open(&pool, &ring, cases[i].memory, cases[i].size), 0);
		ck_assert_uint_eq(pool.count, cases[i].count);
		ck_assert_uint_eq(pool_free(&pool), cases[i].count);
		ck_assert_uint_eq(pool_held(&pool), 0);
		close_pool();
	}
}
END_TEST

START_TEST(a_registration_that_fails_leaves_an_empty_pool_and_nothing_mapped)
{
	int mappings;

	open_ring();
	mappings = fake.mappings;
	fake.faults[FAKE_ENLIST] = (struct fake_fault){.times = 1, .error = -ENOMEM};
	ck_assert_int_eq(pool_open(&pool, &ring, 64 * SIZE, SIZE), -ENOMEM);
	ck_assert_ptr_null(pool.memory);
	ck_assert_ptr_null(pool.chunks);
	ck_assert_int_eq(fake.mappings, mappings);
	ck_assert_int_eq(pool_open(&pool, &ring, 64 * SIZE, SIZE), 0); /* the group is free */
	close_pool();
	pool_close(&pool); /* and again, harmlessly */
}
END_TEST

START_TEST(a_buffer_is_held_from_its_completion_until_it_is_given_back)
{
	uint16_t ids[3];

	open_pool(8);
	receive_many(ids, 3);
	ck_assert_uint_eq(pool_held(&pool), 3);
	ck_assert_uint_eq(pool_free(&pool), 5);
	ck_assert_uint_ne(ids[0], ids[1]);
	ck_assert_uint_ne(ids[1], ids[2]);
	for (unsigned i = 0; i < 3; i++)
		pool_give(&pool, ids[i]);
	ck_assert_uint_eq(pool_held(&pool), 0);
	ck_assert_uint_eq(pool_free(&pool), 8);
	close_pool();
}
END_TEST

/* All of a full pool can be used, again and again, each buffer once per round. */
START_TEST(every_buffer_comes_round)
{
	enum { COUNT = 8, ROUNDS = 20 };

	open_pool(COUNT);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint16_t ids[COUNT];
		unsigned seen = 0;

		receive_many(ids, COUNT - 1);
		ck_assert(pool_is_short(&pool));
		ids[COUNT - 1] = pool_take(&pool); /* the reserve, of an eighth */
		ck_assert_uint_eq(pool_free(&pool), 0);
		for (unsigned i = 0; i < COUNT; i++) {
			memset(pool_memory(&pool, ids[i]), (int)i, SIZE);
			seen |= 1u << ids[i];
		}
		ck_assert_uint_eq(seen, (1u << COUNT) - 1);
		for (unsigned i = 0; i < COUNT; i++) {
			ck_assert_uint_eq(pool_memory(&pool, ids[i])[SIZE - 1], i);
			pool_give(&pool, ids[i]);
		}
		pool_refill(&pool);
	}
	close_pool();
}
END_TEST

/* What is warm in the cache is used first. */
START_TEST(the_last_buffer_given_is_the_first_to_lie_with_the_kernel_again)
{
	uint16_t ids[2];
	uint32_t with_kernel;

	open_pool(1000);
	with_kernel = ring_buffers_available(&pool.buffers);
	receive_many(ids, 2);
	pool_give(&pool, ids[0]);
	pool_give(&pool, ids[1]);
	pool_refill(&pool);
	for (unsigned i = 0; i < with_kernel - 2; i++)
		pool_give(&pool, receive(1));
	ck_assert_uint_eq(receive(1), ids[1]);
	ck_assert_uint_eq(receive(1), ids[0]);
	pool_give(&pool, ids[0]);
	pool_give(&pool, ids[1]);
	close_pool();
}
END_TEST

START_TEST(few_buffers_lie_with_the_kernel_while_few_are_used_in_a_turn)
{
	uint16_t ids[1000];
	uint32_t with_kernel;

	open_pool(1000);
	with_kernel = ring_buffers_available(&pool.buffers);
	ck_assert_uint_lt(with_kernel, 1000);
	for (unsigned turn = 0; turn < 100; turn++) {
		receive_many(ids, with_kernel / 2);
		for (unsigned i = 0; i < with_kernel / 2; i++)
			pool_give(&pool, ids[i]);
		pool_refill(&pool);
		ck_assert_uint_eq(ring_buffers_available(&pool.buffers), with_kernel);
	}
	close_pool();
}
END_TEST

START_TEST(when_more_than_half_go_in_a_turn_twice_as_many_lie_there_up_to_the_reserve)
{
	uint16_t ids[1000];

	open_pool(1000);
	for (unsigned turn = 0; turn < 4; turn++) {
		uint32_t before = ring_buffers_available(&pool.buffers), taken = before / 2 + 1;

		receive_many(ids, taken);
		for (unsigned i = 0; i < taken; i++)
			pool_give(&pool, ids[i]);
		pool_refill(&pool);
		ck_assert_uint_eq(ring_buffers_available(&pool.buffers),
				  2 * before < 875 ? 2 * before : 875);
	}
	close_pool();
}
END_TEST

START_TEST(a_pool_that_ran_dry_keeps_twice_as_many_with_the_kernel)
{
	uint32_t before;

	open_pool(1000);
	before = ring_buffers_available(&pool.buffers);
	pool_ran_dry(&pool);
	pool_refill(&pool);
	ck_assert_uint_eq(ring_buffers_available(&pool.buffers), 2 * before);
	for (unsigned i = 0; i < 10; i++)
		pool_ran_dry(&pool);
	pool_refill(&pool);
	ck_assert_uint_eq(ring_buffers_available(&pool.buffers), 875);
	close_pool();
}
END_TEST

/* Runs in a child, which must be ended by an assertion. */
static bool aborts(void (*mistake)(void))
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		signal(SIGABRT, SIG_DFL);
		mistake();
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void close_it(void)
{
	pool_close(&pool);
}

static void give_a_stranger(void)
{
	pool_give(&pool, (uint16_t)pool.count);
}

START_TEST(a_pool_is_not_closed_while_a_buffer_is_held_and_takes_no_strangers)
{
	uint16_t id;

	open_pool(8);
	id = receive(1);
	ck_assert(aborts(close_it));
	ck_assert(aborts(give_a_stranger));
	pool_give(&pool, id);
	close_pool();
}
END_TEST

SUITE("net: pool", memory_is_cut_into_whole_buffers_but_no_fewer_than_4_and_no_more_than_32768,
      a_registration_that_fails_leaves_an_empty_pool_and_nothing_mapped,
      a_buffer_is_held_from_its_completion_until_it_is_given_back, every_buffer_comes_round,
      the_last_buffer_given_is_the_first_to_lie_with_the_kernel_again,
      few_buffers_lie_with_the_kernel_while_few_are_used_in_a_turn,
      when_more_than_half_go_in_a_turn_twice_as_many_lie_there_up_to_the_reserve,
      a_pool_that_ran_dry_keeps_twice_as_many_with_the_kernel,
      a_pool_is_not_closed_while_a_buffer_is_held_and_takes_no_strangers)
