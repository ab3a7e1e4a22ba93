/*
 * What a kernel does with what the module encodes, where a table of encodings alone would
 * agree with its own mistakes; and what it says, or does not, at the end of a wait.
 */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake_kernel fake;

static const struct __kernel_timespec hour = {.tv_sec = 3600}, moment = {.tv_nsec = 1000000};

/* ---- Timeouts and cancels -------------------------------------------------------------------- */

START_TEST(a_limit_of_a_linked_entry_is_given_another_time)
{
	struct io_uring_cqe cqe;
	struct io_uring_sqe *sqe;
	struct ring ring;
	int results[3], pair[2];
	char byte;

	open_ring(&ring, 8, 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sqe = entry(&ring);
	ring_prep_recv(sqe, pair[0], &byte, 1, 0);
	ring_sqe_link(sqe);
	sqe = entry(&ring);
	ring_prep_link_timeout(sqe, &hour, 0);
	ring_sqe_tag(sqe, 1);
	ck_assert_int_eq(ring_submit(&ring), 2);
	sqe = entry(&ring);
	ring_prep_timeout_update(sqe, &moment, 1, IORING_LINK_TIMEOUT_UPDATE);
	ring_sqe_tag(sqe, 2);
	for (unsigned i = 0; i < 3; i++) {
		cqe = one(&ring);
		results[cqe.user_data] = cqe.res;
	}
	ck_assert_int_eq(results[2], 0);
	ck_assert_int_eq(results[0], -ECANCELED);
	ck_assert(results[1] == -ETIME || results[1] == -EALREADY);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

START_TEST(a_synchronous_cancel_names_the_operation)
{
	struct ring ring;
	int pair[2];
	char byte;

	open_ring(&ring, 8, 0);
	need(&ring, RING_SYNC_CANCEL);
	need(&ring, RING_CANCEL_OP);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ring_prep_recv(entry(&ring), pair[0], &byte, 1, 0);
	ring_submit(&ring);
	ck_assert_int_eq(ring_cancel_sync(&ring, 0, -1, IORING_ASYNC_CANCEL_OP, RING_NEVER),
			 -EINVAL);
	ck_assert_int_eq(ring_cancel_sync_op(&ring, IORING_OP_ACCEPT, 0, RING_NEVER), -ENOENT);
	ck_assert_int_eq(ring_cancel_sync_op(&ring, IORING_OP_RECV, 0, RING_NEVER), 0);
	ck_assert_int_eq(one(&ring).res, -ECANCELED);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

/* ---- The end of a wait ----------------------------------------------------------------------- */

/* It wakes who waits, and says nothing. */
static void put_silent_timeout(struct ring *ring)
{
	struct io_uring_sqe *sqe = entry(ring);

	ring_prep_timeout(sqe, &moment, 0, IORING_TIMEOUT_ETIME_SUCCESS);
	ring_sqe_skip_success(sqe);
	ck_assert_int_eq(ring_submit(ring), 1);
}

START_TEST(a_wait_that_nothing_has_ended_goes_on_and_is_no_signal)
{
	static const uint32_t modes[] = {0, DEFERRED};

	for (unsigned i = 0; i < array_size(modes); i++) {
		struct ring ring;
		struct ring_wait wait;

		open_ring(&ring, 8, modes[i]);
		put_silent_timeout(&ring);
		wait = ring_submit_wait(&ring, 1, in_ms(30), 0);
		ck_assert_int_eq(wait.error, -ETIME);
		ring_close(&ring);
	}
}
END_TEST

static void nothing(int signal)
{
	(void)signal;
}

START_TEST(a_signal_ends_it_all_the_same)
{
	struct sigaction action = {.sa_handler = nothing};
	struct ring ring;
	pid_t child;

	open_ring(&ring, 8, 0);
	put_silent_timeout(&ring);
	sigaction(SIGUSR1, &action, NULL);
	child = fork();
	if (child == 0) {
		for (;;) { /* the first may come before the wait */
			usleep(10000);
			if (kill(getppid(), SIGUSR1) < 0)
				_exit(0);
		}
	}
	ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NEVER, 0).error, -EINTR);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	ring_close(&ring);
}
END_TEST

/* ---- A child --------------------------------------------------------------------------------- */

START_TEST(a_child_that_closes_the_ring_ends_nothing_of_its_parents)
{
	static const uint32_t modes[] = {0, DEFERRED, IORING_SETUP_SQPOLL};

	for (unsigned i = 0; i < array_size(modes); i++) {
		struct ring ring;
		int pair[2], status;
		char byte = 0;
		pid_t child;

		open_ring(&ring, 8, modes[i]);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		ring_prep_recv(entry(&ring), pair[0], &byte, 1, 0);
		ck_assert_int_eq(ring_submit(&ring), 1);
		child = fork();
		if (child == 0) {
			signal(SIGSEGV, SIG_DFL);
			ring_close(&ring);
			_exit(ring.fd == -1 ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFEXITED(status));
		ck_assert_int_eq(WEXITSTATUS(status), 0);
		ck_assert_int_eq(send(pair[1], "x", 1, 0), 1);
		ck_assert_int_eq(one(&ring).res, 1);
		ck_assert_int_eq(byte, 'x');
		close(pair[0]);
		close(pair[1]);
		ring_close(&ring);
	}
}
END_TEST

/* ---- Set-up ---------------------------------------------------------------------------------- */

static const char *refusal(const struct ring_options *options)
{
	static struct ring_error error;
	struct ring ring;

	ck_assert_int_eq(ring_open(&ring, options, &error), -EINVAL);
	return error.text;
}

START_TEST(what_cannot_be_meant_is_refused_by_name)
{
	ck_assert_str_eq(refusal(&(struct ring_options){.entries = 8, .sq_cpu = 9999}),
			 "sq_cpu = 9999 means nothing without IORING_SETUP_SQPOLL");
	(void)refusal(&(struct ring_options){
		.entries = 8, .required = IORING_SETUP_SQPOLL, .sq_cpu = 9999});
	ck_assert_str_eq(
		refusal(&(struct ring_options){.entries = 8, .required = IORING_SETUP_SQ_REWIND}),
		"the ring module does not know the set-up flag SQ_REWIND (bit 20)");
	ck_assert_str_eq(refusal(&(struct ring_options){.entries = 8, .required = 1U << 27}),
			 "the ring module does not know the set-up flag of that number (bit 27)");
}
END_TEST

START_TEST(what_is_wanted_and_not_known_is_done_without)
{
	struct ring_capabilities known;
	struct ring ring;

	fake_kernel_init(&fake);
	fake.setup_flags = UINT32_MAX;
	fake_kernel_capabilities(&known);
	known.setup_flags = fake.setup_flags;
	ck_assert_int_eq(ring_open(&ring,
				   &(struct ring_options){
					   .entries = 8,
					   .wanted = IORING_SETUP_SQ_REWIND | IORING_SETUP_CLAMP,
					   .system = &fake.system,
					   .capabilities = &known,
				   },
				   NULL),
			 0);
	ck_assert_uint_eq(ring.flags & (IORING_SETUP_SQ_REWIND | IORING_SETUP_CLAMP),
			  IORING_SETUP_CLAMP);
	ck_assert_uint_eq(ring.dropped, IORING_SETUP_SQ_REWIND);
	ring_close(&ring);
	fake_kernel_done(&fake);
}
END_TEST

START_TEST(deferred_work_announces_itself)
{
	struct ring ring;

	open_ring(&ring, 4, IORING_SETUP_DEFER_TASKRUN);
	need(&ring, RING_DEFER_TASKRUN);
	ck_assert(ring.flags & IORING_SETUP_TASKRUN_FLAG);
	ck_assert(!ring.cq_must_enter);
	ck_assert(ring.plain);
	ring_close(&ring);
}
END_TEST

/* ---- Entries of 128 bytes -------------------------------------------------------------------- */

static void open_mixed(struct ring *ring, uint32_t entries)
{
	struct ring_capabilities known;

	fake_kernel_init(&fake);
	fake.setup_flags |= IORING_SETUP_SQE_MIXED;
	fake_kernel_capabilities(&known);
	known.setup_flags = fake.setup_flags;
	ck_assert_int_eq(ring_open(ring,
				   &(struct ring_options){.entries = entries,
							  .required = IORING_SETUP_SQE_MIXED,
							  .system = &fake.system,
							  .capabilities = &known},
				   NULL),
			 0);
}

START_TEST(a_wide_entry_of_a_mixed_queue_is_two_slots_side_by_side)
{
	static const uint32_t sizes[] = {2, 4, 8};

	for (unsigned i = 0; i < array_size(sizes); i++) {
		struct io_uring_cqe cqe;
		struct ring ring;
		uint64_t tag = 0, seen = 0;

		open_mixed(&ring, sizes[i]);
		for (unsigned round = 0; round < 100; round++) {
			struct io_uring_sqe *sqe = ring_sqe128(&ring);

			ck_assert_ptr_nonnull(sqe);
			ck_assert_uint_lt(ring_sqe_index(&ring, sqe), ring.sq_mask);
			memset(sqe, 0, 128);
			ring_prep_nop128(sqe);
			ring_sqe_tag(sqe, tag++);
			for (unsigned narrow = round % 3; narrow > 0; narrow--)
				put_nops(&ring, 1, tag++);
			while (ring_submit_wait(&ring, 1, RING_NOW, 0).ready)
				while (ring_reap(&ring, &cqe, 1)) {
					ck_assert_int_eq(cqe.res, 0);
					ck_assert_uint_eq(cqe.user_data, seen++);
				}
		}
		ck_assert_uint_eq(seen, tag);
		ring_close(&ring);
		fake_kernel_done(&fake);
	}
}
END_TEST

START_TEST(a_ring_of_narrow_entries_has_no_wide_one)
{
	struct ring ring;

	open_ring(&ring, 4, 0);
	ck_assert_ptr_null(ring_sqe128(&ring));
	ck_assert_int_eq(ring.error, -EINVAL);
	ring_close(&ring);
	open_ring(&ring, 4, IORING_SETUP_SQE128);
	ck_assert_ptr_nonnull(ring_sqe128(&ring));
	ring_sqe_unget(&ring, 1);
	ring_close(&ring);
}
END_TEST

SUITE("ring: the kernel's word", a_limit_of_a_linked_entry_is_given_another_time,
      a_synchronous_cancel_names_the_operation,
      a_wait_that_nothing_has_ended_goes_on_and_is_no_signal, a_signal_ends_it_all_the_same,
      a_child_that_closes_the_ring_ends_nothing_of_its_parents,
      what_cannot_be_meant_is_refused_by_name, what_is_wanted_and_not_known_is_done_without,
      deferred_work_announces_itself, a_wide_entry_of_a_mixed_queue_is_two_slots_side_by_side,
      a_ring_of_narrow_entries_has_no_wide_one)
