/* Completions: order, filler, width, overflow, deferred work. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(peek_leaves_next_steps_and_release_gives_back)
{
	struct ring ring;
	struct io_uring_cqe *cqe;

	open_ring(&ring, 4, 0);
	ck_assert_ptr_null(ring_cqe_peek(&ring));
	put_nops(&ring, 2, 7);
	ck_assert_int_eq(ring_submit(&ring), 2);
	cqe = ring_cqe_peek(&ring);
	ck_assert_uint_eq(cqe->user_data, 7);
	ck_assert_ptr_eq(ring_cqe_peek(&ring), cqe);
	ring_cqe_next(&ring, cqe);
	ck_assert_uint_eq(ring_cqe_peek(&ring)->user_data, 8);
	ck_assert_uint_eq(*ring.cq_khead, 0); /* the kernel has not been told */
	ring_cq_release(&ring);
	ck_assert_uint_eq(*ring.cq_khead, 1);
	ck_assert_uint_eq(ring_cq_ready(&ring), 1);
	ring_close(&ring);
}
END_TEST

START_TEST(a_walk_ends_with_what_was_there_and_may_be_left)
{
	struct ring ring;
	struct io_uring_cqe *cqe;
	unsigned seen = 0;

	open_ring(&ring, 16, 0);
	put_nops(&ring, 5, 0);
	ring_submit(&ring);
	ring_for_each_cqe(&ring, cqe)
	{
		ck_assert_uint_eq(cqe->user_data, seen++);
		put_nops(&ring, 1, 100); /* completes during the walk, and waits its turn */
		ring_submit(&ring);
	}
	ck_assert_uint_eq(seen, 5);
	ck_assert_uint_eq(ring_cq_ready(&ring), 5);
	ck_assert_uint_eq(*ring.cq_khead, 5);
	ring_for_each_cqe(&ring, cqe)
	{
		if (cqe->user_data == 100)
			break;
	}
	ck_assert_uint_eq(*ring.cq_khead, 6); /* the one in hand counts as read */
	ring_close(&ring);
}
END_TEST

START_TEST(reaping_in_small_portions_loses_nothing)
{
	struct ring ring;
	struct io_uring_cqe cqes[3];
	uint64_t next = 0;
	unsigned count;

	open_ring(&ring, 16, 0);
	put_nops(&ring, 16, 0);
	ring_submit(&ring);
	while ((count = ring_reap(&ring, cqes, 3)) > 0)
		for (unsigned i = 0; i < count; i++)
			ck_assert_uint_eq(cqes[i].user_data, next++);
	ck_assert_uint_eq(next, 16);
	ring_close(&ring);
}
END_TEST

START_TEST(filler_and_wide_entries_of_a_mixed_queue_are_stepped_over)
{
	struct ring ring;
	struct io_uring_cqe *cqe;
	unsigned narrow = 0, wide = 0;

	open_ring(&ring, 4, IORING_SETUP_CQE_MIXED);
	need(&ring, RING_CQE_MIXED);
	for (unsigned round = 0; round < 50; round++) {
		struct io_uring_sqe *sqe;
		unsigned before = narrow + wide;
		put_nops(&ring, 1 + round % 3, 100);
		sqe = entry(&ring);
		ring_prep_nop(sqe);
		sqe->nop_flags = IORING_NOP_CQE32;
		ring_sqe_tag(sqe, 2);
		struct ring_wait wait = ring_submit_wait(&ring, 2 + round % 3, in_ms(5000), 0);
		ck_assert_uint_eq(wait.ready, 2 + round % 3); /* completions, not slots */
		ring_for_each_cqe(&ring, cqe)
		{
			ck_assert_uint_eq(cqe->flags & IORING_CQE_F_SKIP, 0);
			if (cqe->user_data == 2) {
				ck_assert(cqe->flags & IORING_CQE_F_32);
				ck_assert_uint_eq(ring_cqe_extra(cqe)[0], 0);
				wide++;
			} else {
				ck_assert_uint_ge(cqe->user_data, 100);
				narrow++;
			}
		}
		ck_assert_uint_eq(narrow + wide - before, 2 + round % 3);
	}
	ck_assert_uint_eq(wide, 50);
	ring_close(&ring);
}
END_TEST

START_TEST(wide_completions_carry_their_extra_words)
{
	struct fake_kernel fake;
	struct ring ring;
	struct io_uring_cqe cqes[4];
	static const uint32_t modes[] = {IORING_SETUP_CQE_MIXED, IORING_SETUP_CQE32};

	for (unsigned i = 0; i < 2; i++) {
		fake_kernel_init(&fake);
		fake_kernel_open(&fake, &ring, 4, modes[i]);
		struct fake_ring *kernel = fake_kernel_ring(&fake, ring.fd);
		for (unsigned round = 0; round < 20; round++) {
			fake_kernel_post(kernel, 1, 0, 0);
			fake_kernel_post_wide(kernel, 2, 5, 0, 11 + round, 22);
			ck_assert_uint_eq(ring_cq_ready(&ring), 2);
			struct io_uring_cqe *cqe = ring_cqe_peek(&ring);
			ring_cqe_next(&ring, cqe);
			cqe = ring_cqe_peek(&ring);
			ck_assert_uint_eq(cqe->user_data, 2);
			ck_assert_uint_eq(ring_cqe_extra(cqe)[0], 11 + round);
			ck_assert_uint_eq(ring_cqe_extra(cqe)[1], 22);
			ck_assert_uint_eq(ring_reap(&ring, cqes, 4), 1);
			ck_assert_int_eq(cqes[0].res, 5);
			ck_assert_uint_eq(ring_cq_ready(&ring), 0);
		}
		ring_close(&ring);
		fake_kernel_done(&fake);
	}
}
END_TEST

START_TEST(completions_that_do_not_fit_are_kept_and_brought_in)
{
	struct ring ring;
	struct io_uring_cqe cqes[8];
	uint64_t next = 0;

	open_ring(&ring, 4, 0);
	put_nops(&ring, 32, 0);
	ck_assert_int_eq(ring_submit(&ring), 4);
	ck_assert(ring_cq_overflowed(&ring));
	while (next < 32) {
		unsigned count = ring_reap(&ring, cqes, 8);
		for (unsigned i = 0; i < count; i++)
			ck_assert_uint_eq(cqes[i].user_data, next++);
		if (next < 32)
			ck_assert_int_eq(ring_submit_wait(&ring, 1, in_ms(5000), 0).error, 0);
	}
	ck_assert(!ring_cq_overflowed(&ring));
	ck_assert_uint_eq(ring_lost(&ring), 0);
	ring_close(&ring);
}
END_TEST

START_TEST(lost_completions_are_counted_once)
{
	struct fake_kernel fake;
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	fake_kernel_lose(fake_kernel_ring(&fake, ring.fd));
	fake_kernel_lose(fake_kernel_ring(&fake, ring.fd));
	fake_kernel_fail(&fake, FAKE_ENTER, 0, 1, -EBADR);
	ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NEVER, 0).error, -EBADR);
	ck_assert_int_eq(ring_error_class(-EBADR), RING_ERROR_LOST);
	ck_assert_uint_eq(ring_lost(&ring), 2);
	ck_assert_uint_eq(ring_lost(&ring), 0);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

#define MANY 100

static void receive_many(struct ring *ring, int pairs[MANY][2], char *bytes)
{
	for (int i = 0; i < MANY; i++) {
		struct io_uring_sqe *sqe = entry(ring);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
		ring_prep_recv(sqe, pairs[i][0], &bytes[i], 1, 0);
		ring_sqe_tag(sqe, (uint64_t)i);
	}
	ck_assert_int_ge(ring_submit(ring), 0);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(write(pairs[i][1], "x", 1), 1);
}

START_TEST(one_call_brings_in_all_deferred_completions)
{
	static const uint32_t modes[] = {DEFERRED, IORING_SETUP_DEFER_TASKRUN};

	for (unsigned m = 0; m < array_size(modes); m++) {
		for (unsigned wait_for = 0; wait_for < 2; wait_for++) {
			struct ring ring;
			int pairs[MANY][2];
			char bytes[MANY];
			open_ring(&ring, 128, modes[m]);
			need(&ring, RING_DEFER_TASKRUN);
			receive_many(&ring, pairs, bytes);
			/* without a call they are not there: they would be, in any other mode */
			ck_assert_uint_eq(ring_cq_ready(&ring), 0);
			struct ring_wait wait = ring_submit_wait(
				&ring, wait_for, wait_for ? RING_NEVER : RING_NOW, 0);
			ck_assert_int_eq(wait.error, 0);
			ck_assert_uint_eq(wait.ready, MANY);
			for (int i = 0; i < MANY; i++) {
				close(pairs[i][0]);
				close(pairs[i][1]);
			}
			ring_close(&ring);
		}
	}
}
END_TEST

START_TEST(with_nothing_announced_a_look_costs_no_system_call)
{
	struct fake_kernel fake;
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, DEFERRED);
	struct fake_ring *kernel = fake_kernel_ring(&fake, ring.fd);
	ck_assert_uint_eq(ring_submit_wait(&ring, 0, RING_NOW, 0).ready, 0);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 0);
	fake_kernel_post(kernel, 1, 0, 0);
	ck_assert_uint_eq(ring_submit_wait(&ring, 0, RING_NOW, 0).ready, 1);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 1);
	/* seven are left room for: more than fit do not make it spin */
	for (unsigned i = 0; i < 50; i++)
		fake_kernel_post(kernel, 2 + i, 0, 0);
	ck_assert_uint_eq(ring_submit_wait(&ring, 0, RING_NOW, 0).ready, 8);
	ck_assert_uint_lt(fake.calls[FAKE_ENTER], 6);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

struct poke {
	int fd;
	unsigned count, pause_us;
	uint64_t done_ns;
};

static void *poke(void *argument)
{
	struct poke *what = argument;

	for (unsigned i = 0; i < what->count; i++) {
		usleep(what->pause_us);
		ck_assert_int_eq(write(what->fd, "x", 1), 1);
	}
	what->done_ns = now_ns();
	return NULL;
}

START_TEST(a_minimum_wait_gathers_and_is_then_content_with_less)
{
	struct ring ring;
	struct poke what = {.count = 3, .pause_us = 1000};
	pthread_t thread;
	int pair[2];
	char bytes[8];

	open_ring(&ring, 16, DEFERRED);
	need(&ring, RING_MIN_WAIT);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	what.fd = pair[1];
	for (unsigned i = 0; i < 8; i++)
		ring_prep_recv(entry(&ring), pair[0], &bytes[i], 1, 0);
	ck_assert_int_eq(ring_submit(&ring), 8);
	ck_assert_int_eq(pthread_create(&thread, NULL, poke, &what), 0);
	uint64_t began_ns = now_ns();
	struct ring_wait wait = ring_submit_wait(&ring, 8, in_ms(20000), 100000);
	uint64_t ended_ns = now_ns();
	pthread_join(thread, NULL);
	ck_assert_int_eq(wait.error, 0);
	ck_assert_uint_ge(ended_ns, began_ns + 100000000);
	ck_assert_uint_ge(wait.ready, 1);
	if (what.done_ns < began_ns + 100000000) /* as soon as it was meant to */
		ck_assert_uint_eq(wait.ready, 3);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

SUITE("ring completion", peek_leaves_next_steps_and_release_gives_back,
      a_walk_ends_with_what_was_there_and_may_be_left, reaping_in_small_portions_loses_nothing,
      filler_and_wide_entries_of_a_mixed_queue_are_stepped_over,
      wide_completions_carry_their_extra_words, completions_that_do_not_fit_are_kept_and_brought_in,
      lost_completions_are_counted_once, one_call_brings_in_all_deferred_completions,
      with_nothing_announced_a_look_costs_no_system_call,
      a_minimum_wait_gathers_and_is_then_content_with_less)
