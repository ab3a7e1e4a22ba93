/* Opening and closing: options, modes, whose memory, which thread, what is left. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_plain_ring_opens_completes_a_nop_and_closes_twice)
{
	struct ring ring;

	open_ring(&ring, 5, 0);
	ck_assert_uint_eq(ring.sq_entries, 8);
	ck_assert_uint_eq(ring.cq_entries, 16);
	put_nops(&ring, 1, 42);
	struct io_uring_cqe cqe = one(&ring);
	ck_assert_uint_eq(cqe.user_data, 42);
	ck_assert_int_eq(cqe.res, 0);
	ring_close(&ring);
	ring_close(&ring);
	ck_assert_int_eq(ring.fd, -1);
}
END_TEST

START_TEST(a_ring_never_opened_may_be_closed)
{
	struct ring ring = {0};

	ring_close(&ring);
	ck_assert_int_lt(ring_open(&ring, &(struct ring_options){.entries = 0}, NULL), 0);
	ring_close(&ring);
}
END_TEST

static const struct {
	const char *name;
	uint32_t flags;
	enum ring_feature needs;
} modes[] = {
	{"plain", 0, RING_NODROP},
	{"cooperative", IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, RING_COOP_TASKRUN},
	{"deferred", DEFERRED, RING_DEFER_TASKRUN},
	{"single issuer", IORING_SETUP_SINGLE_ISSUER, RING_SINGLE_ISSUER},
	{"deferred, no flag", IORING_SETUP_DEFER_TASKRUN, RING_DEFER_TASKRUN},
	{"polled", IORING_SETUP_SQPOLL, RING_SQPOLL},
	{"wide entries", IORING_SETUP_SQE128 | IORING_SETUP_CQE32, RING_NODROP},
	{"mixed completions", IORING_SETUP_CQE_MIXED, RING_CQE_MIXED},
	{"no array", IORING_SETUP_NO_SQARRAY, RING_NO_SQARRAY},
};

static void move_many(struct ring *ring)
{
	struct io_uring_cqe cqes[16];
	uint64_t next = 0;

	for (unsigned round = 0; round < 100; round++) {
		put_nops(ring, 16, round * 16);
		for (unsigned done = 0; done < 16;) {
			struct ring_wait wait = ring_submit_wait(ring, 16 - done, in_ms(5000), 0);
			ck_assert_int_eq(wait.error, 0);
			unsigned count = ring_reap(ring, cqes, 16);
			for (unsigned i = 0; i < count; i++)
				ck_assert_uint_eq(cqes[i].user_data, next++);
			done += count;
		}
	}
	ck_assert_uint_eq(next, 1600);
	ck_assert_uint_eq(ring_lost(ring), 0);
}

START_TEST(every_mode_moves_many_times_its_size_in_order)
{
	for (unsigned i = 0; i < array_size(modes); i++) {
		struct ring ring;
		open_ring(&ring, 8, modes[i].flags);
		if (ring_has(&ring, modes[i].needs)) {
			ck_assert_uint_eq(ring.flags & modes[i].flags, modes[i].flags);
			move_many(&ring);
		} else {
			say_skipped("mode %s", modes[i].name);
		}
		ring_close(&ring);
	}
}
END_TEST

START_TEST(flags_that_need_another_go_with_it_or_bring_it)
{
	struct ring ring;

	open_ring(&ring, 4,
		  IORING_SETUP_SQ_AFF | IORING_SETUP_HYBRID_IOPOLL |
			  IORING_SETUP_REGISTERED_FD_ONLY | IORING_SETUP_TASKRUN_FLAG);
	ck_assert_uint_eq(ring.flags & ~IORING_SETUP_NO_SQARRAY, IORING_SETUP_SUBMIT_ALL);
	ring_close(&ring);
	open_ring(&ring, 4, IORING_SETUP_DEFER_TASKRUN);
	need(&ring, RING_DEFER_TASKRUN);
	ck_assert(ring.flags & IORING_SETUP_SINGLE_ISSUER);
	ring_close(&ring);
}
END_TEST

START_TEST(a_feature_switched_off_by_name_is_gone_with_its_flag_and_operation)
{
	struct ring_capabilities caps;

	fake_kernel_capabilities(&caps);
	ck_assert(ring_capable(&caps, RING_RECV_BUDGET));
	ck_assert_int_eq(ring_capabilities_without(&caps, "recv-budget"), 0);
	ck_assert(!ring_capable(&caps, RING_RECV_BUDGET));
	ck_assert(ring_capable(&caps, RING_RECV_MULTISHOT));
	ck_assert_int_eq(ring_capabilities_without(&caps, "no-sqarray"), 0);
	ck_assert_uint_eq(caps.setup_flags & IORING_SETUP_NO_SQARRAY, 0);
	ck_assert_int_eq(ring_capabilities_without(&caps, "send-zc"), 0);
	ck_assert(!ring_supports(&caps, IORING_OP_SEND_ZC));
	ck_assert_int_eq(ring_capabilities_without(&caps, "warp-drive"), -ENOENT);
}
END_TEST

START_TEST(the_index_array_is_written_where_the_kernel_wants_one)
{
	struct ring_capabilities caps;
	struct ring ring;

	ck_assert_int_eq(ring_probe(&caps, NULL), 0);
	ck_assert_int_eq(ring_capabilities_without(&caps, "no-sqarray"), 0);
	ck_assert_int_eq(
		ring_open(&ring, &(struct ring_options){.entries = 8, .capabilities = &caps}, NULL),
		0);
	ck_assert_uint_eq(ring.flags & IORING_SETUP_NO_SQARRAY, 0);
	put_nops(&ring, 20, 0);
	struct ring_wait wait = ring_submit_wait(&ring, 16, in_ms(5000), 0);
	ck_assert_uint_eq(wait.ready >= 16, 1);
	ring_close(&ring);
}
END_TEST

START_TEST(a_ring_lives_in_memory_of_ours_with_or_without_a_descriptor)
{
	static const uint32_t flags[] = {
		IORING_SETUP_NO_MMAP,
		IORING_SETUP_NO_MMAP | IORING_SETUP_REGISTERED_FD_ONLY,
		IORING_SETUP_NO_MMAP | IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	};

	for (unsigned i = 0; i < array_size(flags); i++) {
		struct ring_capabilities caps;
		struct ring ring;
		ck_assert_int_eq(ring_probe(&caps, NULL), 0);
		if (!ring_capable(&caps, RING_NO_MMAP))
			skip("no-mmap");
		struct ring_options options = {
			.entries = 64, .required = flags[i], .capabilities = &caps};
		options.memory_size = ring_memory(&options);
		options.memory = mmap(NULL, options.memory_size, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ck_assert_ptr_ne(options.memory, MAP_FAILED);
		ck_assert_int_eq(ring_open(&ring, &options, NULL), 0);
		ck_assert_int_eq(ring.fd < 0, !!(flags[i] & IORING_SETUP_REGISTERED_FD_ONLY));
		put_nops(&ring, 100, 7);
		ck_assert_uint_ge(ring_submit_wait(&ring, 100, in_ms(5000), 0).ready, 100);
		ck_assert_int_eq(ring_files_sparse(&ring, 2), 0);
		ring_close(&ring);

		options.memory_size -= 4096;
		ck_assert_int_eq(ring_open(&ring, &options, NULL), -EFAULT);
		munmap(options.memory, options.memory_size + 4096);
	}
}
END_TEST

static void *enable_and_use(void *argument)
{
	struct ring *ring = argument;

	ck_assert_int_eq(ring_enable(ring), 0);
	put_nops(ring, 1, 5);
	ck_assert_uint_eq(one(ring).user_data, 5);
	return NULL;
}

START_TEST(a_disabled_ring_refuses_work_until_a_thread_enables_it_and_owns_it)
{
	struct ring ring;
	pthread_t thread;

	open_ring(&ring, 4, DEFERRED | IORING_SETUP_R_DISABLED);
	need(&ring, RING_DEFER_TASKRUN);
	put_nops(&ring, 1, 5);
	ck_assert_int_eq(ring_submit(&ring), -EBADFD);
	ring_sqe_unget(&ring, 0);
	ck_assert_uint_eq(ring_sq_ready(&ring), 1);
	/* the entry waits for its new owner */
	ck_assert_int_eq(pthread_create(&thread, NULL, enable_and_use, &ring), 0);
	pthread_join(thread, NULL);
	ring_prep_nop(entry(&ring));
	ck_assert_int_eq(ring_submit(&ring), -EEXIST);
	ck_assert_int_eq(ring_error_class(-EEXIST), RING_ERROR_BUG);
	ring_close(&ring);
}
END_TEST

START_TEST(a_polling_thread_is_shared_and_pinned_as_asked)
{
	struct ring_options options = {
		.entries = 8,
		.required = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
		.sq_cpu = 0,
		.sq_idle_ms = 20,
	};
	struct ring first, second;
	struct ring_error error;

	ck_assert_int_eq(ring_open(&first, &options, NULL), 0);
	options.required = IORING_SETUP_SQPOLL | IORING_SETUP_ATTACH_WQ;
	options.attach_fd = first.fd;
	ck_assert_int_eq(ring_open(&second, &options, NULL), 0);
	put_nops(&second, 30, 1);
	ck_assert_uint_eq(ring_submit_wait(&second, 16, in_ms(5000), 0).error, 0);
	ring_close(&second);
	options.attach_fd = 0; /* standard input is no ring */
	ck_assert_int_eq(ring_open(&second, &options, &error), -EINVAL);
	options = (struct ring_options){.entries = 8, .required = IORING_SETUP_SQ_AFF};
	ck_assert_int_eq(ring_open(&second, &options, &error), -EINVAL);
	options = (struct ring_options){.entries = 8,
					.required = IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF,
					.sq_cpu = 100000};
	ck_assert_int_eq(ring_open(&second, &options, &error), -EINVAL);
	ring_close(&first);
}
END_TEST

START_TEST(a_polled_storage_ring_opens)
{
	struct ring ring;

	/* Nothing here polls for completions of a disk; that it opens and refuses is all. */
	open_ring(&ring, 4, IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL);
	ck_assert(ring.flags & IORING_SETUP_IOPOLL);
	ck_assert(ring.cq_must_enter);
	ring_close(&ring);
}
END_TEST

START_TEST(a_child_does_not_see_the_rings_memory)
{
	struct ring ring;
	int status;

	open_ring(&ring, 4, 0);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(*(volatile uint32_t *)ring.sq_ktail == 12345);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
#ifdef __SANITIZE_ADDRESS__
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
#else
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
#endif
	put_nops(&ring, 1, 1);
	ck_assert_uint_eq(one(&ring).user_data, 1);
	ring_close(&ring);
}
END_TEST

SUITE("ring setup", a_plain_ring_opens_completes_a_nop_and_closes_twice,
      a_ring_never_opened_may_be_closed, every_mode_moves_many_times_its_size_in_order,
      flags_that_need_another_go_with_it_or_bring_it,
      a_feature_switched_off_by_name_is_gone_with_its_flag_and_operation,
      the_index_array_is_written_where_the_kernel_wants_one,
      a_ring_lives_in_memory_of_ours_with_or_without_a_descriptor,
      a_disabled_ring_refuses_work_until_a_thread_enables_it_and_owns_it,
      a_polling_thread_is_shared_and_pinned_as_asked, a_polled_storage_ring_opens,
      a_child_does_not_see_the_rings_memory)
