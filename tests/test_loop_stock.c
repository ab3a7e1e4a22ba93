/* The receive buffers of a worker: where each is, and how many lie with the kernel. */
#include "loop/stock.h"
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
static struct stock stock;

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

static void open_stock(uint32_t count)
{
	open_ring();
	ck_assert_int_eq(stock_open(&stock, &ring, (uint64_t)count * SIZE, SIZE), 0);
}

static void close_stock(void)
{
	stock_close(&stock);
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
	ck_assert_ptr_eq(memory, stock_memory(&stock, id));
	done.flags = IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT;
	bundle = ring_buffers_bundle(&stock.buffers, &done);
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
		ck_assert_int_eq(stock_open(&stock, &ring, cases[i].memory, cases[i].size), 0);
		ck_assert_uint_eq(stock.count, cases[i].count);
		ck_assert_uint_eq(stock_free(&stock), cases[i].count);
		ck_assert_uint_eq(stock_held(&stock), 0);
		close_stock();
	}
}
END_TEST

/* Where a process has no room for it, it is not made smaller. */
START_TEST(the_last_buffer_is_as_far_from_the_first_as_their_sizes_say_or_there_is_none)
{
	enum { LARGE = 256 << 10 };
	int r;

	open_ring();
	r = stock_open(&stock, &ring, 5ull << 30, LARGE);
	if (r == 0)
		ck_assert_uint_eq((uint64_t)(stock_memory(&stock, (uint16_t)(stock.count - 1)) -
					     stock_memory(&stock, 0)),
				  (uint64_t)(stock.count - 1) * LARGE);
	else
		ck_assert_int_eq(r, -ENOMEM);
	close_stock();
}
END_TEST

START_TEST(a_registration_that_fails_leaves_an_empty_stock_and_nothing_mapped)
{
	int mappings;

	open_ring();
	mappings = fake.mappings;
	fake.faults[FAKE_ENLIST] = (struct fake_fault){.times = 1, .error = -ENOMEM};
	ck_assert_int_eq(stock_open(&stock, &ring, 64 * SIZE, SIZE), -ENOMEM);
	ck_assert_ptr_null(stock.memory);
	ck_assert_ptr_null(stock.chunks);
	ck_assert_int_eq(fake.mappings, mappings);
	ck_assert_int_eq(stock_open(&stock, &ring, 64 * SIZE, SIZE), 0); /* the group is free */
	close_stock();
	stock_close(&stock); /* and again, harmlessly */
}
END_TEST

START_TEST(a_buffer_is_held_from_its_completion_until_it_is_given_back)
{
	uint16_t ids[3];

	open_stock(8);
	receive_many(ids, 3);
	ck_assert_uint_eq(stock_held(&stock), 3);
	ck_assert_uint_eq(stock_free(&stock), 5);
	ck_assert_uint_ne(ids[0], ids[1]);
	ck_assert_uint_ne(ids[1], ids[2]);
	for (unsigned i = 0; i < 3; i++)
		stock_give(&stock, ids[i]);
	ck_assert_uint_eq(stock_held(&stock), 0);
	ck_assert_uint_eq(stock_free(&stock), 8);
	close_stock();
}
END_TEST

/* All of a full stock can be used, again and again, each buffer once per round. */
START_TEST(every_buffer_comes_round)
{
	enum { COUNT = 8, ROUNDS = 20 };

	open_stock(COUNT);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint16_t ids[COUNT];
		unsigned seen = 0;

		receive_many(ids, COUNT - 1);
		ck_assert(stock_is_short(&stock));
		ids[COUNT - 1] = stock_take(&stock); /* the reserve, of an eighth */
		ck_assert_uint_eq(stock_free(&stock), 0);
		for (unsigned i = 0; i < COUNT; i++) {
			memset(stock_memory(&stock, ids[i]), (int)i, SIZE);
			seen |= 1u << ids[i];
		}
		ck_assert_uint_eq(seen, (1u << COUNT) - 1);
		for (unsigned i = 0; i < COUNT; i++) {
			ck_assert_uint_eq(stock_memory(&stock, ids[i])[SIZE - 1], i);
			stock_give(&stock, ids[i]);
		}
		stock_refill(&stock);
	}
	close_stock();
}
END_TEST

/* What is warm in the cache is used first. */
START_TEST(the_last_buffer_given_is_the_first_to_lie_with_the_kernel_again)
{
	uint16_t ids[2];
	uint32_t with_kernel;

	open_stock(1000);
	with_kernel = ring_buffers_available(&stock.buffers);
	receive_many(ids, 2);
	stock_give(&stock, ids[0]);
	stock_give(&stock, ids[1]);
	stock_refill(&stock);
	for (unsigned i = 0; i < with_kernel - 2; i++)
		stock_give(&stock, receive(1));
	ck_assert_uint_eq(receive(1), ids[1]);
	ck_assert_uint_eq(receive(1), ids[0]);
	stock_give(&stock, ids[0]);
	stock_give(&stock, ids[1]);
	close_stock();
}
END_TEST

START_TEST(few_buffers_lie_with_the_kernel_while_few_are_used_in_a_turn)
{
	uint16_t ids[1000];
	uint32_t with_kernel;

	open_stock(1000);
	with_kernel = ring_buffers_available(&stock.buffers);
	ck_assert_uint_lt(with_kernel, 1000);
	for (unsigned turn = 0; turn < 100; turn++) {
		receive_many(ids, with_kernel / 2);
		for (unsigned i = 0; i < with_kernel / 2; i++)
			stock_give(&stock, ids[i]);
		stock_refill(&stock);
		ck_assert_uint_eq(ring_buffers_available(&stock.buffers), with_kernel);
	}
	close_stock();
}
END_TEST

START_TEST(when_more_than_half_go_in_a_turn_twice_as_many_lie_there_up_to_the_reserve)
{
	uint16_t ids[1000];

	open_stock(1000);
	for (unsigned turn = 0; turn < 4; turn++) {
		uint32_t before = ring_buffers_available(&stock.buffers), taken = before / 2 + 1;

		receive_many(ids, taken);
		for (unsigned i = 0; i < taken; i++)
			stock_give(&stock, ids[i]);
		stock_refill(&stock);
		ck_assert_uint_eq(ring_buffers_available(&stock.buffers),
				  2 * before < 875 ? 2 * before : 875);
	}
	close_stock();
}
END_TEST

START_TEST(a_stock_that_ran_dry_keeps_twice_as_many_with_the_kernel)
{
	uint32_t before;

	open_stock(1000);
	before = ring_buffers_available(&stock.buffers);
	stock_ran_dry(&stock);
	stock_refill(&stock);
	ck_assert_uint_eq(ring_buffers_available(&stock.buffers), 2 * before);
	for (unsigned i = 0; i < 10; i++)
		stock_ran_dry(&stock);
	stock_refill(&stock);
	ck_assert_uint_eq(ring_buffers_available(&stock.buffers), 875);
	close_stock();
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
	stock_close(&stock);
}

static void give_a_stranger(void)
{
	stock_give(&stock, (uint16_t)stock.count);
}

START_TEST(a_stock_is_not_closed_while_a_buffer_is_held_and_takes_no_strangers)
{
	uint16_t id;

	open_stock(8);
	id = receive(1);
	ck_assert(aborts(close_it));
	ck_assert(aborts(give_a_stranger));
	stock_give(&stock, id);
	close_stock();
}
END_TEST

SUITE("loop: stock", memory_is_cut_into_whole_buffers_but_no_fewer_than_4_and_no_more_than_32768,
      the_last_buffer_is_as_far_from_the_first_as_their_sizes_say_or_there_is_none,
      a_registration_that_fails_leaves_an_empty_stock_and_nothing_mapped,
      a_buffer_is_held_from_its_completion_until_it_is_given_back, every_buffer_comes_round,
      the_last_buffer_given_is_the_first_to_lie_with_the_kernel_again,
      few_buffers_lie_with_the_kernel_while_few_are_used_in_a_turn,
      when_more_than_half_go_in_a_turn_twice_as_many_lie_there_up_to_the_reserve,
      a_stock_that_ran_dry_keeps_twice_as_many_with_the_kernel,
      a_stock_is_not_closed_while_a_buffer_is_held_and_takes_no_strangers)
