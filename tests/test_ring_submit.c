/* Submission and waiting: what is counted, what is kept, when the kernel is entered. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct fake_kernel fake;

static void close_fake(struct ring *ring)
{
	ring_close(ring);
	ck_assert_int_eq(fake.open_descriptors, 0);
	ck_assert_int_eq(fake.mappings, 0);
	fake_kernel_done(&fake);
}

START_TEST(a_short_submit_is_carried_on_by_the_kernels_head)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 8, 0);
	fake.consume_limit = 3;
	put_nops(&ring, 8, 0);
	ck_assert_int_eq(ring_submit(&ring), 8);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 3);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(fake.taken[i].user_data, i);
	close_fake(&ring);
}
END_TEST

START_TEST(entries_refused_for_lack_of_memory_stay_and_go_next_time)
{
	static const int errors[] = {-EAGAIN, -EBUSY};

	for (unsigned i = 0; i < array_size(errors); i++) {
		struct ring ring;
		fake_kernel_init(&fake);
		fake_kernel_open(&fake, &ring, 4, 0);
		put_nops(&ring, 3, 10);
		fake_kernel_fail(&fake, FAKE_ENTER, 0, 1, errors[i]);
		ck_assert_int_eq(ring_submit(&ring), errors[i]);
		ck_assert_int_eq(ring_error_class(errors[i]), RING_ERROR_RETRY);
		ck_assert_uint_eq(ring_sq_ready(&ring), 3);
		ck_assert_int_eq(ring_submit(&ring), 3);
		ck_assert_uint_eq(ring_sq_ready(&ring), 0);
		for (unsigned k = 0; k < 3; k++)
			ck_assert_uint_eq(fake.taken[k].user_data, 10 + k);
		close_fake(&ring);
	}
}
END_TEST

START_TEST(a_full_queue_that_is_not_taken_gives_no_entry_and_overwrites_none)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	put_nops(&ring, 4, 0);
	fake_kernel_fail(&fake, FAKE_ENTER, 0, 1, -EBUSY);
	ck_assert_ptr_null(ring_sqe(&ring));
	ck_assert_int_eq(ring.error, -EBUSY);
	put_nops(&ring, 1, 4); /* flushes now */
	ck_assert_int_eq(ring_submit(&ring), 1);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_uint_eq(fake.taken[i].user_data, i);
	close_fake(&ring);
}
END_TEST

START_TEST(a_reserved_chain_is_never_split)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	put_nops(&ring, 3, 0);
	ck_assert_uint_eq(ring_sq_space(&ring), 1);
	ck_assert_ptr_nonnull(ring_sqe_reserve(&ring, 2));
	ck_assert_uint_eq(fake.taken_count, 3); /* flushed before, not between */
	ck_assert_ptr_nonnull(ring_sqe(&ring));
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 1);
	ck_assert_ptr_null(ring_sqe_reserve(&ring, 5));
	ck_assert_int_eq(ring.error, -EINVAL);
	close_fake(&ring);
}
END_TEST

START_TEST(entries_taken_back_are_not_submitted)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	put_nops(&ring, 3, 0);
	ring_sqe_unget(&ring, 2);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ck_assert_uint_eq(fake.taken_count, 1);
	ck_assert_int_eq(ring_submit(&ring), 0);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 1); /* nothing to say, nothing said */
	close_fake(&ring);
}
END_TEST

START_TEST(indices_wrap_at_32_bits)
{
	struct ring ring;
	struct io_uring_cqe cqes[8];

	fake_kernel_init(&fake);
	fake.first_index = 0xfffffff0;
	fake_kernel_open(&fake, &ring, 4, 0);
	for (unsigned round = 0; round < 20; round++) {
		put_nops(&ring, 3, round * 3);
		struct ring_wait wait = ring_submit_wait(&ring, 3, RING_NEVER, 0);
		ck_assert_uint_eq(wait.submitted, 3);
		ck_assert_uint_eq(ring_reap(&ring, cqes, 8), 3);
		for (unsigned i = 0; i < 3; i++)
			ck_assert_uint_eq(cqes[i].user_data, round * 3 + i);
	}
	ck_assert_uint_lt(ring.sq_tail, 0xfffffff0);
	close_fake(&ring);
}
END_TEST

START_TEST(an_entrys_slot_stays_the_same_until_it_is_taken)
{
	struct ring ring;

	open_ring(&ring, 4, IORING_SETUP_SQE128);
	for (unsigned i = 0; i < 10; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		ck_assert_uint_eq(ring_sqe_index(&ring, sqe), i % 4);
		ring_prep_nop(sqe);
	}
	ring_close(&ring);
}
END_TEST

START_TEST(an_awake_polling_thread_is_not_entered_and_a_sleeping_one_is_woken)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, IORING_SETUP_SQPOLL);
	struct fake_ring *kernel = fake_kernel_ring(&fake, ring.fd);
	put_nops(&ring, 2, 0);
	ck_assert_int_eq(ring_submit(&ring), 2);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 0);
	fake_kernel_consume(kernel, 2);

	*kernel->sq_flags |= IORING_SQ_NEED_WAKEUP;
	put_nops(&ring, 1, 2);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ck_assert_uint_eq(fake.calls[FAKE_ENTER], 1);
	ck_assert(fake.enters[0].flags & IORING_ENTER_SQ_WAKEUP);
	ck_assert_uint_eq(fake.taken_count, 3);
	close_fake(&ring);
}
END_TEST

START_TEST(a_polled_queue_that_is_full_waits_for_space)
{
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, IORING_SETUP_SQPOLL);
	put_nops(&ring, 10, 0);
	ck_assert(fake.enters[0].flags & IORING_ENTER_SQ_WAIT);
	ck_assert_uint_eq(fake.taken_count, 8);
	/* and an error of the wait is the reason given */
	put_nops(&ring, 2, 10);
	fake_kernel_fail(&fake, FAKE_ENTER, 0, 1, -EOWNERDEAD);
	ck_assert_ptr_null(ring_sqe(&ring));
	ck_assert_int_eq(ring.error, -EOWNERDEAD);
	ck_assert_int_eq(ring_error_class(ring.error), RING_ERROR_FATAL);
	close_fake(&ring);
}
END_TEST

START_TEST(completions_kept_by_the_kernel_make_a_submit_enter_for_events)
{
	struct ring ring;
	struct io_uring_cqe cqes[64];

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	for (unsigned round = 0; round < 5; round++) {
		put_nops(&ring, 4, round * 4);
		ring_submit(&ring);
	}
	ck_assert(ring_cq_overflowed(&ring));
	ck_assert_uint_eq(ring_reap(&ring, cqes, 64), 8);
	ck_assert_int_eq(ring_submit(&ring), 0);
	ck_assert(fake.enters[fake.calls[FAKE_ENTER] - 1].flags & IORING_ENTER_GETEVENTS);
	ck_assert_uint_eq(ring_reap(&ring, cqes + 8, 56), 8);
	ck_assert_uint_eq(ring_submit_wait(&ring, 0, RING_NOW, 0).ready, 4);
	ck_assert_uint_eq(ring_reap(&ring, cqes + 16, 48), 4);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(cqes[i].user_data, i);
	ck_assert_uint_eq(ring_lost(&ring), 0);
	close_fake(&ring);
}
END_TEST

START_TEST(every_enter_error_is_reported_beside_what_was_done_and_loses_nothing)
{
	static const int errors[] = {-EINTR,  -EAGAIN, -EBUSY, -EBADR,      -EBADF,
				     -EBADFD, -EEXIST, -ENXIO, -EOWNERDEAD, -ETIME};

	for (unsigned i = 0; i < array_size(errors) * 4; i++) {
		bool pending = i & 1, ready = i & 2;
		int error = errors[i / 4];
		struct ring ring;
		struct ring_wait wait;
		struct io_uring_cqe cqes[8];

		fake_kernel_init(&fake);
		fake_kernel_open(&fake, &ring, 4, 0);
		if (ready) {
			put_nops(&ring, 1, 100);
			ck_assert_int_eq(ring_submit(&ring), 1);
		}
		if (pending)
			put_nops(&ring, 2, 200);
		fake_kernel_fail(&fake, FAKE_ENTER, 0, 1, error);
		wait = ring_submit_wait(&ring, ready ? 2 : 1, RING_NEVER, 0);
		ck_assert_uint_eq(wait.submitted, 0);
		ck_assert_uint_eq(wait.ready, ready);
		ck_assert_int_eq(wait.error, error);
		ck_assert_uint_eq(ring_sq_ready(&ring), pending ? 2 : 0);

		if (pending)
			ck_assert_int_eq(ring_submit(&ring), 2);
		ck_assert_uint_eq(ring_reap(&ring, cqes, 8), ready + (pending ? 2 : 0));
		if (ready)
			ck_assert_uint_eq(cqes[0].user_data, 100);
		if (pending)
			ck_assert_uint_eq(cqes[ready + 1].user_data, 201);
		close_fake(&ring);
	}
}
END_TEST

START_TEST(submitted_and_timed_out_are_told_apart)
{
	struct ring ring;
	struct ring_wait wait;

	/* The kernel answers with the count alone; the clock tells the rest. */
	open_ring(&ring, 8, DEFERRED);
	put_nops(&ring, 3, 0);
	wait = ring_submit_wait(&ring, 4, in_ms(5), 0);
	ck_assert_uint_eq(wait.submitted, 3);
	ck_assert_uint_eq(wait.ready, 3);
	ck_assert_int_eq(wait.error, -ETIME);
	wait = ring_submit_wait(&ring, 3, RING_NEVER, 0);
	ck_assert_uint_eq(wait.submitted, 0);
	ck_assert_int_eq(wait.error, 0);
	ring_close(&ring);
}
END_TEST

START_TEST(a_deadline_is_the_same_with_and_without_absolute_timers)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ring_capabilities known;
		struct ring ring;
		ck_assert_int_eq(ring_probe(&known, NULL), 0);
		if (i)
			ck_assert_int_eq(ring_capabilities_without(&known, "abs-timer"), 0);
		ck_assert_int_eq(
			ring_open(&ring,
				  &(struct ring_options){.entries = 4, .capabilities = &known},
				  NULL),
			0);
		uint64_t deadline = in_ms(20);
		struct ring_wait wait = ring_submit_wait(&ring, 1, deadline, 0);
		ck_assert_int_eq(wait.error, -ETIME);
		ck_assert_uint_ge(now_ns(), deadline);
		/* one that has passed does not sleep; nor does RING_NOW, which is no error */
		ck_assert_int_eq(ring_submit_wait(&ring, 1, deadline, 0).error, -ETIME);
		ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NOW, 0).error, 0);
		ring_close(&ring);
	}
}
END_TEST

static void nothing(int signal)
{
	(void)signal;
}

/* And again every so often: where the processor is busy the first may come before the wait.  0: no
 * more. */
static void alarm_in_ms(unsigned ms)
{
	struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	struct timeval period = {.tv_usec = ms * 1000};
	struct itimerval timer = {.it_value = period, .it_interval = period};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

START_TEST(a_signal_ends_a_wait_with_eintr_also_when_something_was_submitted)
{
	struct ring ring;
	struct ring_wait wait;

	open_ring(&ring, 4, 0);
	alarm_in_ms(20);
	wait = ring_submit_wait(&ring, 1, RING_NEVER, 0);
	ck_assert_int_eq(wait.error, -EINTR);
	put_nops(&ring, 1, 0);
	wait = ring_submit_wait(&ring, 2, in_ms(10000), 0);
	ck_assert_uint_eq(wait.submitted, 1);
	ck_assert_uint_eq(wait.ready, 1);
	ck_assert_int_eq(wait.error, -EINTR);
	alarm_in_ms(0);
	ring_close(&ring);
}
END_TEST

START_TEST(a_signal_mask_holds_for_the_wait_only)
{
	uint64_t mask = 1ULL << (SIGALRM - 1);
	struct ring_wait wait;
	struct ring ring;

	open_ring(&ring, 4, 0);
	alarm_in_ms(10);
	wait = ring_submit_wait_mask(&ring, 1, in_ms(50), 0, &mask);
	ck_assert_int_eq(wait.error, -ETIME);
	alarm_in_ms(0);
	ring_close(&ring);
}
END_TEST

START_TEST(a_bad_entry_does_not_stop_those_behind_it)
{
	for (unsigned i = 0; i < 4; i++) { /* with and without a deadline: two paths */
		bool all = i % 2;
		struct ring ring;
		struct ring_wait wait;
		ck_assert_int_eq(ring_open(&ring,
					   &(struct ring_options){
						   .entries = 8,
						   .wanted = all ? IORING_SETUP_SUBMIT_ALL : 0},
					   NULL),
				 0);
		put_nops(&ring, 4, 0);
		ring.sqes[1].opcode = 255;
		wait = ring_submit_wait(&ring, 4, i < 2 ? in_ms(5000) : RING_NEVER, 0);
		ck_assert_int_eq(wait.error, 0);
		ck_assert_uint_eq(wait.submitted, 4);
		ck_assert_uint_eq(wait.ready, 4);
		ring_close(&ring);
	}
}
END_TEST

START_TEST(a_sleeping_polling_thread_takes_what_is_submitted)
{
	struct ring ring;
	struct ring_error error;

	ck_assert_int_eq(ring_open(&ring,
				   &(struct ring_options){.entries = 4,
							  .required = IORING_SETUP_SQPOLL,
							  .sq_idle_ms = 1},
				   &error),
			 0);
	for (unsigned round = 0; round < 3; round++) {
		while (!(__atomic_load_n(ring.sq_kflags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP))
			sched_yield();
		put_nops(&ring, 1, round);
		ck_assert_uint_eq(one(&ring).user_data, round);
	}
	ring_close(&ring);
}
END_TEST

/* Looking changes when a wait is over, not what it says. */
START_TEST(a_wait_that_looks_before_it_sleeps_finds_all_and_ends_in_time)
{
	uint64_t enough =
		in_ms(20000); /* an emulated machine may wake its thread 15 times a second */
	struct ring_error error;
	struct ring ring;

	ck_assert_int_eq(ring_open(&ring,
				   &(struct ring_options){.entries = 16,
							  .required = IORING_SETUP_SQPOLL,
							  .sq_idle_ms = 1,
							  .sq_looks = 300},
				   &error),
			 0);
	for (unsigned round = 0; round < 1000 && now_ns() < enough; round++) {
		struct io_uring_cqe *cqe;
		unsigned count = round % 16 + 1, seen = 0;
		int r;

		put_nops(&ring, count, round);
		do /* a stop of the process ends a wait, too */
			r = ring_submit_wait(&ring, count, RING_NEVER, 0).error;
		while (r == -EINTR);
		ck_assert_int_eq(r, 0);
		ring_for_each_cqe(&ring, cqe) ck_assert_uint_eq(cqe->user_data, round + seen++);
		ck_assert_uint_eq(seen, count);
	}
	ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NOW, 0).error, 0);
	ck_assert_int_eq(ring_submit_wait(&ring, 1, 1, 0).error, -ETIME);
	ring_close(&ring);
	/* On a ring without a polling thread nothing would come of it. */
	ck_assert_int_eq(
		ring_open(&ring, &(struct ring_options){.entries = 4, .sq_looks = 300}, &error), 0);
	ck_assert_uint_eq(ring.looks, 0);
	ring_close(&ring);
}
END_TEST

START_TEST(a_closed_ring_descriptor_is_a_final_error)
{
	struct ring ring;

	open_ring(&ring, 4, 0);
	close(ring.fd);
	put_nops(&ring, 1, 0);
	ck_assert_int_eq(ring_submit(&ring), -EBADF);
	ck_assert_int_eq(ring_error_class(-EBADF), RING_ERROR_FATAL);
	ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NEVER, 0).error, -EBADF);
	ring.fd = ring.enter_fd = -1;
	ring_close(&ring);
}
END_TEST

SUITE("ring submit", a_short_submit_is_carried_on_by_the_kernels_head,
      entries_refused_for_lack_of_memory_stay_and_go_next_time,
      a_full_queue_that_is_not_taken_gives_no_entry_and_overwrites_none,
      a_reserved_chain_is_never_split, entries_taken_back_are_not_submitted,
      indices_wrap_at_32_bits, an_entrys_slot_stays_the_same_until_it_is_taken,
      an_awake_polling_thread_is_not_entered_and_a_sleeping_one_is_woken,
      a_polled_queue_that_is_full_waits_for_space,
      completions_kept_by_the_kernel_make_a_submit_enter_for_events,
      every_enter_error_is_reported_beside_what_was_done_and_loses_nothing,
      submitted_and_timed_out_are_told_apart,
      a_deadline_is_the_same_with_and_without_absolute_timers,
      a_signal_ends_a_wait_with_eintr_also_when_something_was_submitted,
      a_signal_mask_holds_for_the_wait_only, a_bad_entry_does_not_stop_those_behind_it,
      a_sleeping_polling_thread_takes_what_is_submitted,
      a_wait_that_looks_before_it_sleeps_finds_all_and_ends_in_time,
      a_closed_ring_descriptor_is_a_final_error)
