/* Registrations on the running kernel; what it lacks is skipped by name. */
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(registered_files_are_used_updated_tagged_and_given_back)
{
	struct ring ring;
	int pair[2], fds[2] = {-1, -1};
	uint64_t tags[2] = {0, 77}, new_tag = 0;
	char byte = 'x';

	open_ring(&ring, 8, 0);
	need(&ring, RING_RSRC_TAGS);
	ck_assert_int_eq(pipe(pair), 0);
	fds[1] = pair[1];
	ck_assert_int_eq(ring_files_register(&ring, fds, tags, 2), 0);
	ring_prep_write(entry(&ring), 1, &byte, 1, RING_POSITION);
	ring_sqe_fixed_file(&ring.sqes[0]);
	ck_assert_int_eq(result(&ring), 1);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);

	/* the slot's file goes, and its tag says so */
	ck_assert_int_eq(ring_files_update(&ring, 1, (int[]){-1}, &new_tag, 1), 1);
	ck_assert_uint_eq(one(&ring).user_data, 77);
	ring_prep_write(entry(&ring), 1, &byte, 1, RING_POSITION);
	ring_sqe_fixed_file(&ring.sqes[1]);
	ck_assert_int_eq(result(&ring), -EBADF);
	ck_assert_int_eq(ring_files_unregister(&ring), 0);
	ck_assert_int_eq(ring_files_unregister(&ring), -ENXIO);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

START_TEST(slots_are_allocated_in_their_range_until_none_is_free)
{
	struct ring ring;
	struct io_uring_sqe *sqe;
	int r;

	open_ring(&ring, 8, 0);
	need(&ring, RING_FILE_ALLOC_RANGE);
	ck_assert_int_eq(ring_files_sparse(&ring, 4), 0);
	ck_assert_int_eq(ring_files_alloc_range(&ring, 2, 2), 0);
	for (int i = 0; i < 3; i++) {
		sqe = entry(&ring);
		ring_prep_socket(sqe, AF_UNIX, SOCK_STREAM, 0);
		ring_sqe_direct(sqe, RING_SLOT_ANY);
		r = result(&ring);
		ck_assert_int_eq(r, i < 2 ? 2 + i : -ENFILE);
	}
	ring_prep_close_direct(entry(&ring), 3);
	ck_assert_int_eq(result(&ring), 0);
	sqe = entry(&ring);
	ring_prep_socket(sqe, AF_UNIX, SOCK_STREAM, 0);
	ring_sqe_direct(sqe, 0); /* a slot of our choice */
	ck_assert_int_eq(result(&ring), 0);
	if (ring_supports(&ring.capabilities, IORING_OP_FIXED_FD_INSTALL)) {
		ring_prep_fixed_fd_install(entry(&ring), 0, 0);
		r = result(&ring);
		ck_assert_int_ge(r, 0);
		ck_assert_int_eq(fcntl(r, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		close(r);
	}
	ring_prep_files_update(entry(&ring), (int[]){-1}, 1, 0);
	ck_assert_int_eq(result(&ring), 1);
	ring_close(&ring);
}
END_TEST

START_TEST(registered_buffers_are_used_updated_and_cloned)
{
	static char memory[2][4096] __attribute__((aligned(4096)));
	struct iovec buffers[2] = {{memory[0], 4096}, {memory[1], 4096}}, none = {0};
	struct ring ring, other;
	int pair[2];

	open_ring(&ring, 8, 0);
	open_ring(&other, 8, 0);
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(ring_fixed_register(&ring, buffers, NULL, 2), 0);
	strcpy(memory[0], "hello");
	ring_prep_write_fixed(entry(&ring), pair[1], memory[0], 5, RING_POSITION, 0);
	ck_assert_int_eq(result(&ring), 5);
	ring_prep_read_fixed(entry(&ring), pair[0], memory[1], 4096, RING_POSITION, 1);
	ck_assert_int_eq(result(&ring), 5);
	ck_assert_str_eq(memory[1], "hello");
	ring_prep_read_fixed(entry(&ring), pair[0], memory[1], 4096, RING_POSITION, 0);
	ck_assert_int_eq(result(&ring), -EFAULT); /* not inside that buffer */

	if (ring_has(&ring, RING_CLONE_BUFFERS)) {
		ck_assert_int_eq(ring_fixed_clone(&other, &ring, 0, 0, 0, 0), 0);
		ck_assert_int_eq(ring_fixed_unregister(&ring), 0);
		ring_prep_write_fixed(entry(&other), pair[1], memory[0], 5, RING_POSITION, 0);
		ck_assert_int_eq(result(&other), 5);
	} else {
		say_skipped("clone-buffers");
		ck_assert_int_eq(ring_fixed_unregister(&ring), 0);
	}

	ck_assert_int_eq(ring_fixed_sparse(&ring, 4), 0);
	ck_assert_int_eq(ring_fixed_update(&ring, 2, &buffers[0], (uint64_t[]){99}, 1), 1);
	ck_assert_int_eq(ring_fixed_update(&ring, 2, &none, (uint64_t[]){0}, 1), 1);
	ck_assert_uint_eq(one(&ring).user_data, 99);
	ck_assert_int_eq(ring_fixed_sparse(&other, 16385),
			 ring_has(&ring, RING_CLONE_BUFFERS) ? -EBUSY : -EINVAL);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
	ring_close(&other);
}
END_TEST

START_TEST(vectors_in_registered_buffers_move_bytes)
{
	static char memory[4096] __attribute__((aligned(4096)));
	struct iovec whole = {memory, 4096}, parts[2] = {{memory, 3}, {memory + 100, 2}};
	struct ring ring;
	int pair[2];

	open_ring(&ring, 8, 0);
	if (!ring_supports(&ring.capabilities, IORING_OP_READV_FIXED)) {
		ring_close(&ring);
		skip("READV_FIXED");
	}
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(ring_fixed_register(&ring, &whole, NULL, 1), 0);
	memcpy(memory, "abc", 3);
	memcpy(memory + 100, "de", 2);
	ring_prep_writev_fixed(entry(&ring), pair[1], parts, 2, RING_POSITION, 0, 0);
	ck_assert_int_eq(result(&ring), 5);
	memset(memory, 0, sizeof(memory));
	ring_prep_readv_fixed(entry(&ring), pair[0], parts, 2, RING_POSITION, 0, 0);
	ck_assert_int_eq(result(&ring), 5);
	ck_assert(memcmp(memory, "abc", 3) == 0 && memcmp(memory + 100, "de", 2) == 0);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

START_TEST(an_eventfd_counts_completions_unless_silenced)
{
	struct ring ring;
	uint64_t count;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	open_ring(&ring, 8, 0);
	ck_assert_int_eq(ring_eventfd_register(&ring, fd, false), 0);
	put_nops(&ring, 1, 0);
	ring_submit(&ring);
	ck_assert_int_eq(read(fd, &count, 8), 8);
	ck_assert_uint_ge(count, 1);
	ring_eventfd_enable(&ring, false);
	put_nops(&ring, 1, 0);
	ring_submit(&ring);
	ck_assert_int_eq(read(fd, &count, 8), -1);
	ring_eventfd_enable(&ring, true);
	put_nops(&ring, 1, 0);
	ring_submit(&ring);
	ck_assert_int_eq(read(fd, &count, 8), 8);
	ck_assert_int_eq(ring_eventfd_unregister(&ring), 0);

	/* async: not those that completed at submission */
	ck_assert_int_eq(ring_eventfd_register(&ring, fd, true), 0);
	put_nops(&ring, 1, 0);
	ring_submit(&ring);
	ck_assert_int_eq(read(fd, &count, 8), -1);
	ck_assert_int_eq(ring_eventfd_unregister(&ring), 0);
	close(fd);
	ring_close(&ring);
}
END_TEST

START_TEST(polling_the_ring_itself_works_for_foreign_loops)
{
	struct ring ring;
	struct pollfd poll_for;
	struct io_uring_cqe cqe;

	open_ring(&ring, 8, 0);
	poll_for = (struct pollfd){.fd = ring.fd, .events = POLLIN};
	ck_assert_int_eq(poll(&poll_for, 1, 0), 0);
	put_nops(&ring, 1, 3);
	ring_submit(&ring);
	ck_assert_int_eq(poll(&poll_for, 1, 1000), 1);
	ck_assert_uint_eq(ring_reap(&ring, &cqe, 1), 1);
	ck_assert_int_eq(poll(&poll_for, 1, 0), 0);
	ring_close(&ring);
}
END_TEST

START_TEST(personalities_are_numbered_and_refused_when_gone)
{
	struct ring ring;
	int id;

	open_ring(&ring, 8, 0);
	id = ring_personality_register(&ring);
	ck_assert_int_gt(id, 0);
	put_nops(&ring, 1, 1);
	ring_sqe_personality(&ring.sqes[0], (uint16_t)id);
	ck_assert_int_eq(result(&ring), 0);
	ck_assert_int_eq(ring_personality_unregister(&ring, id), 0);
	put_nops(&ring, 1, 1);
	ring_sqe_personality(&ring.sqes[1], (uint16_t)id);
	ck_assert_int_eq(result(&ring), -EINVAL);
	ring_close(&ring);
}
END_TEST

START_TEST(a_restricted_ring_does_what_is_listed_and_no_more)
{
	struct io_uring_restriction only[] = {
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP},
		{.opcode = IORING_RESTRICTION_REGISTER_OP,
		 .register_op = IORING_REGISTER_ENABLE_RINGS},
	};
	struct ring ring;

	open_ring(&ring, 8, IORING_SETUP_R_DISABLED);
	ck_assert_int_eq(ring_restrict(&ring, only, 2), 0);
	ck_assert_int_eq(ring_enable(&ring), 0);
	put_nops(&ring, 1, 1);
	ck_assert_int_eq(result(&ring), 0);
	ring_prep_socket(entry(&ring), AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(result(&ring), -EACCES);
	ck_assert_int_eq(ring_files_sparse(&ring, 1), -EACCES);
	ring_close(&ring);
}
END_TEST

START_TEST(kernel_threads_are_limited_and_placed)
{
	struct ring ring;
	uint32_t bounded = 3, unbounded = 2;
	cpu_set_t cpus;

	open_ring(&ring, 8, 0);
	ck_assert_int_eq(ring_iowq_limits(&ring, &bounded, &unbounded), 0);
	bounded = unbounded = 0;
	ck_assert_int_eq(ring_iowq_limits(&ring, &bounded, &unbounded), 0);
	ck_assert_uint_eq(bounded, 3);
	ck_assert_uint_eq(unbounded, 2);
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ck_assert_int_eq(ring_iowq_affinity(&ring, &cpus, sizeof(cpus)), 0);
	ck_assert_int_eq(ring_iowq_affinity(&ring, NULL, 0), 0);
	ring_close(&ring);
}
END_TEST

START_TEST(napi_is_set_read_back_and_fed_with_ids)
{
	struct ring ring;
	uint32_t timeout_us = 50;
	bool prefer = true;

	open_ring(&ring, 8, 0);
	need(&ring, RING_NAPI);
	ck_assert_int_eq(
		ring_napi_register(&ring, &timeout_us, &prefer, IO_URING_NAPI_TRACKING_DYNAMIC), 0);
	ck_assert_uint_eq(timeout_us, 0);
	if (ring_has(&ring, RING_NAPI_STATIC)) {
		ck_assert_int_eq(ring_napi_register(&ring, &timeout_us, &prefer,
						    IO_URING_NAPI_TRACKING_STATIC),
				 0);
		ck_assert_uint_eq(timeout_us, 50);
		ck_assert(prefer);
		ck_assert_int_eq(ring_napi_id(&ring, 0, true), -EINVAL); /* below the first id */
		ck_assert_int_eq(ring_napi_id(&ring, 100000, true), 0);
		ck_assert_int_eq(ring_napi_id(&ring, 100000, true), -EEXIST);
		ck_assert_int_eq(ring_napi_id(&ring, 100000, false), 0);
		ck_assert_int_eq(ring_napi_id(&ring, 100000, false), -ENOENT);
	}
	ck_assert_int_eq(ring_napi_unregister(&ring, NULL, NULL), 0);
	ring_close(&ring);
}
END_TEST

START_TEST(the_clock_of_deadlines_can_be_chosen)
{
	struct ring ring;

	open_ring(&ring, 8, 0);
	need(&ring, RING_CLOCK);
	ck_assert_int_eq(ring_clock_register(&ring, CLOCK_REALTIME), -EINVAL);
	ck_assert_int_eq(ring_clock_register(&ring, CLOCK_BOOTTIME), 0);
	uint64_t deadline = ring_kernel.now(NULL, CLOCK_BOOTTIME) + 10000000;
	ck_assert_int_eq(ring_submit_wait(&ring, 1, deadline, 0).error, -ETIME);
	ck_assert_uint_ge(ring_kernel.now(NULL, CLOCK_BOOTTIME), deadline);
	ring_close(&ring);
}
END_TEST

START_TEST(registered_waits_go_by_index)
{
	struct ring ring;
	uint64_t deadline;

	open_ring(&ring, 8, DEFERRED | IORING_SETUP_R_DISABLED);
	need(&ring, RING_REGISTERED_WAIT);
	ck_assert_int_eq(ring_waits_open(&ring, 0), -EINVAL);
	ck_assert_int_eq(ring_waits_open(&ring, 4), 0);
	ck_assert_int_eq(ring_waits_open(&ring, 4), -EBUSY);
	ck_assert_int_eq(ring_enable(&ring), 0);
	deadline = in_ms(10);
	ring_waits_set(&ring, 3, deadline, 0, NULL);
	ck_assert_int_eq(ring_submit_wait_index(&ring, 1, 3).error, -ETIME);
	ck_assert_uint_ge(now_ns(), deadline);
	ring_waits_set(&ring, 0, RING_NEVER, 0, NULL);
	put_nops(&ring, 2, 1);
	struct ring_wait wait = ring_submit_wait_index(&ring, 2, 0);
	ck_assert_int_eq(wait.error, 0);
	ck_assert_uint_eq(wait.submitted, 2);
	ring_close(&ring);
}
END_TEST

START_TEST(a_seventeenth_ring_of_a_thread_does_without_an_index)
{
	struct ring rings[17];
	struct ring_capabilities caps;

	ck_assert_int_eq(ring_probe(&caps, NULL), 0);
	if (!ring_capable(&caps, RING_REGISTERED_RING) || !ring_capable(&caps, RING_SINGLE_ISSUER))
		skip("registered-ring");
	for (int i = 0; i < 17; i++) {
		ck_assert_int_eq(
			ring_open(&rings[i],
				  &(struct ring_options){.entries = 2,
							 .required = IORING_SETUP_SINGLE_ISSUER,
							 .capabilities = &caps},
				  NULL),
			0);
		ck_assert_int_eq(rings[i].registered_index >= 0, i < 16);
		put_nops(&rings[i], 1, 1);
		ck_assert_int_eq(result(&rings[i]), 0);
	}
	for (int i = 0; i < 17; i++)
		ring_close(&rings[i]);
}
END_TEST

START_TEST(resizing_keeps_what_is_prepared_and_what_is_unread)
{
	struct ring ring;
	struct io_uring_cqe cqes[64];
	uint32_t shapes[][2] = {{64, 256}, {16, 64}, {128, 512}};

	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_RESIZE);
	for (unsigned i = 0; i < array_size(shapes); i++) {
		put_nops(&ring, 5, 0);
		ck_assert_int_eq(ring_submit_wait(&ring, 5, in_ms(5000), 0).error, 0);
		put_nops(&ring, 3, 5);
		ck_assert_int_eq(ring_resize(&ring, shapes[i][0], shapes[i][1]), 0);
		ck_assert_uint_eq(ring.sq_entries, shapes[i][0]);
		ck_assert_uint_eq(ring.cq_entries, shapes[i][1]);
		ck_assert_uint_eq(ring_sq_ready(&ring), 3);
		ck_assert_int_eq(ring_submit_wait(&ring, 8, in_ms(5000), 0).error, 0);
		ck_assert_uint_eq(ring_reap(&ring, cqes, 64), 8);
		for (unsigned k = 0; k < 8; k++)
			ck_assert_uint_eq(cqes[k].user_data, k);
	}
	/* what does not fit is refused and changes nothing */
	put_nops(&ring, 20, 0);
	ck_assert_int_eq(ring_submit_wait(&ring, 20, in_ms(5000), 0).error, 0);
	ck_assert_int_eq(ring_resize(&ring, 2, 4), -EOVERFLOW);
	ck_assert_uint_eq(ring_reap(&ring, cqes, 64), 20);
	ring_close(&ring);
}
END_TEST

static int fail_map_of_ring(void *context, void **ret_address, void *address, size_t size,
			    int protection, int flags, int fd, uint64_t offset)
{
	if (fd >= 0 && offset == *(const uint64_t *)context)
		return -ENOMEM;
	return ring_kernel.map(context, ret_address, address, size, protection, flags, fd, offset);
}

START_TEST(a_resize_that_cannot_be_mapped_finishes_the_ring_with_an_error)
{
	uint64_t offsets[] = {IORING_OFF_SQ_RING, IORING_OFF_SQES};

	for (unsigned i = 0; i < array_size(offsets); i++) {
		struct ring_system system = ring_kernel;
		struct ring ring;
		open_ring(&ring, 8, DEFERRED);
		need(&ring, RING_RESIZE);
		system.map = fail_map_of_ring;
		system.context = &offsets[i];
		ring.system = &system;
		ck_assert_int_eq(ring_resize(&ring, 64, 128), -ENOMEM);
		put_nops(&ring, 1, 0);
		ck_assert_int_eq(ring_submit(&ring), -EBADF);
		ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NEVER, 0).error, -EBADF);
		ring_close(&ring);
	}
}
END_TEST

START_TEST(a_synchronous_cancel_ends_what_it_names)
{
	struct ring ring;
	struct io_uring_cqe cqe;
	int pair[2];
	char byte;

	open_ring(&ring, 8, 0);
	need(&ring, RING_SYNC_CANCEL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		ring_prep_recv(sqe, pair[0], &byte, 1, 0);
		ring_sqe_tag(sqe, 10 + i);
	}
	ring_submit(&ring);
	ck_assert_int_eq(ring_cancel_sync(&ring, 99, -1, 0, RING_NEVER), -ENOENT);
	ck_assert_int_eq(ring_cancel_sync(&ring, 11, -1, 0, 1000000000), 0);
	cqe = one(&ring);
	ck_assert_uint_eq(cqe.user_data, 11);
	ck_assert_int_eq(cqe.res, -ECANCELED);
	ck_assert_int_ge(ring_cancel_sync(&ring, 0, pair[0],
					  IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL,
					  RING_NEVER),
			 0);
	ck_assert_int_eq(one(&ring).res, -ECANCELED);
	ck_assert_int_eq(one(&ring).res, -ECANCELED);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);
}
END_TEST

START_TEST(a_refused_registration_leaves_no_memory_behind)
{
	struct fake_kernel fake;
	struct ring_buffers buffers;
	struct ring ring;

	fake_kernel_init(&fake);
	fake_kernel_open(&fake, &ring, 4, 0);
	int mappings = fake.mappings;
	for (uint32_t skip_calls = 0; skip_calls < 2; skip_calls++) {
		fake_kernel_fail(&fake, FAKE_ENLIST, 0, 1, -ENOMEM);
		ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 1, 8,
						   skip_calls ? IOU_PBUF_RING_MMAP : 0),
				 -ENOMEM);
		ck_assert_int_eq(fake.mappings, mappings);
		fake_kernel_fail(&fake, FAKE_MAP, 0, 1, -ENOMEM);
		ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 1, 8, 0), -ENOMEM);
		fake_kernel_fail(&fake, FAKE_ADVISE, 0, 1, -EINVAL);
		ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 1, 8, 0), -EINVAL);
		ck_assert_int_eq(fake.mappings, mappings);
	}
	fake_kernel_fail(&fake, FAKE_ENLIST, 0, 1, -EBUSY);
	ck_assert_int_eq(ring_waits_open(&ring, 1), -EBUSY);
	fake_kernel_fail(&fake, FAKE_MAP, 1, 1, -ENOMEM);
	ck_assert_int_eq(ring_resize(&ring, 16, 32), -ENOMEM);
	ck_assert_int_eq(ring_resize(&ring, 16, 32), -EINVAL); /* the fake one cannot */
	ck_assert_int_eq(fake.mappings, mappings);
	ring_close(&ring);
	ck_assert_int_eq(fake.mappings, 0);
	fake_kernel_done(&fake);
}
END_TEST

SUITE("ring register", registered_files_are_used_updated_tagged_and_given_back,
      slots_are_allocated_in_their_range_until_none_is_free,
      registered_buffers_are_used_updated_and_cloned, vectors_in_registered_buffers_move_bytes,
      an_eventfd_counts_completions_unless_silenced,
      polling_the_ring_itself_works_for_foreign_loops,
      personalities_are_numbered_and_refused_when_gone,
      a_restricted_ring_does_what_is_listed_and_no_more, kernel_threads_are_limited_and_placed,
      napi_is_set_read_back_and_fed_with_ids, the_clock_of_deadlines_can_be_chosen,
      registered_waits_go_by_index, a_seventeenth_ring_of_a_thread_does_without_an_index,
      resizing_keeps_what_is_prepared_and_what_is_unread,
      a_resize_that_cannot_be_mapped_finishes_the_ring_with_an_error,
      a_synchronous_cancel_ends_what_it_names, a_refused_registration_leaves_no_memory_behind)
