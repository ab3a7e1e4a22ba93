/* What a library needs beside an event loop: waits that keep, memory of the caller's, looks. */
#include "ring/message.h"
#include "ring/shared.h"
#include "support/fake_kernel.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *pages(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert(memory != MAP_FAILED);
	return memory;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

START_TEST(a_wait_that_submits_nothing_leaves_what_is_handed_out)
{
	static const uint32_t modes[] = {0, DEFERRED, IORING_SETUP_SQPOLL};

	for (unsigned i = 0; i < array_size(modes); i++) {
		struct io_uring_sqe *sqe;
		struct io_uring_cqe cqe;
		struct ring ring;

		open_ring(&ring, 8, modes[i]);
		put_nops(&ring, 1, 1);
		ck_assert_int_ge(ring_submit(&ring), 0);
		sqe = ring_sqe(&ring); /* not filled: whatever is in the slot must not run */
		memset(sqe, 0xff, sizeof(*sqe));
		ck_assert_int_eq(ring_await(&ring, 1, in_ms(5000), 0).error, 0);
		ck_assert_int_eq(ring_await(&ring, 2, in_ms(5), 0).error, -ETIME);
		ck_assert_uint_eq(ring_reap(&ring, &cqe, 1), 1);
		ck_assert_uint_eq(cqe.user_data, 1);
		ck_assert_uint_eq(ring_cq_ready(&ring), 0);
		ring_prep_nop(sqe);
		ring_sqe_tag(sqe, 2);
		ck_assert_int_eq(ring_submit_wait(&ring, 1, in_ms(5000), 0).error, 0);
		ck_assert_uint_eq(ring_reap(&ring, &cqe, 1), 1);
		ck_assert_uint_eq(cqe.user_data, 2);
		ck_assert_int_eq(cqe.res, 0);
		ring_close(&ring);
	}
}
END_TEST

START_TEST(space_is_waited_for_where_a_thread_makes_it)
{
	struct ring ring;

	open_ring(&ring, 4, 0);
	ck_assert_int_eq(ring_sq_wait(&ring), -EINVAL);
	ring_close(&ring);
	open_ring(&ring, 4, IORING_SETUP_SQPOLL);
	for (unsigned i = 0; i < 4; i++)
		ring_prep_nop(ring_sqe(&ring));
	ck_assert_int_ge(ring_sq_wait(&ring), 1);
	ring_close(&ring);
}
END_TEST

START_TEST(a_closed_ring_says_so)
{
	struct ring ring;

	open_ring(&ring, 4, 0);
	ring_close(&ring);
	ck_assert_ptr_null(ring_sqe(&ring));
	ck_assert_int_eq(ring.error, RING_CLOSED);
	ck_assert_int_eq(ring_submit(&ring), RING_CLOSED);
	ck_assert_int_eq(ring_submit_wait(&ring, 1, RING_NEVER, 0).error, RING_CLOSED);
	ck_assert_int_eq(ring_await(&ring, 1, RING_NEVER, 0).error, RING_CLOSED);
	ck_assert_int_eq(ring_files_sparse(&ring, 4), RING_CLOSED);
	ck_assert_int_eq(ring_sq_wait(&ring), RING_CLOSED);
}
END_TEST

START_TEST(looking_ahead_reads_nothing)
{
	struct io_uring_cqe *cqe;
	struct ring ring;
	uint32_t position;
	uint64_t seen = 0;

	open_ring(&ring, 8, 0);
	put_nops(&ring, 5, 10);
	ck_assert_int_eq(ring_submit_wait(&ring, 5, in_ms(5000), 0).error, 0);
	for (unsigned twice = 0; twice < 2; twice++) {
		const struct io_uring_cqe *ahead;
		uint64_t tag = 10;

		position = ring.cq_head;
		while ((ahead = ring_cqe_ahead(&ring, &position)))
			ck_assert_uint_eq(ahead->user_data, tag++);
		ck_assert_uint_eq(tag, 15);
	}
	ring_for_each_cqe(&ring, cqe) ck_assert_uint_eq(cqe->user_data, 10 + seen++);
	ck_assert_uint_eq(seen, 5);
	position = ring.cq_head;
	ck_assert_ptr_null(ring_cqe_ahead(&ring, &position));
	ring_close(&ring);
}
END_TEST

/* ---- The ring, by other ways ----------------------------------------------------------------- */

START_TEST(a_ring_that_another_has_set_up_is_adopted)
{
	struct io_uring_params params = {.flags = IORING_SETUP_CLAMP}, given = {0};
	int fd = ring_kernel.setup(NULL, 8, &params);
	struct ring ring;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ring_adopt(&ring, fd, &params, NULL, NULL), 0);
	put_nops(&ring, 3, 1);
	ck_assert_uint_eq(one(&ring).user_data, 1);
	ring_close(&ring);
	ck_assert_int_lt(ring_adopt(&ring, fd, &params, NULL, NULL), 0); /* it is closed */
	ck_assert_int_eq(
		ring_open(&ring, &(struct ring_options){.entries = 5, .ret_params = &given}, NULL),
		0);
	ck_assert_uint_eq(given.sq_entries, 8);
	ck_assert_uint_eq(given.cq_entries, 16);
	ring_close(&ring);
}
END_TEST

START_TEST(a_ring_without_its_descriptor_goes_on_by_its_index)
{
	struct ring ring;

	open_ring(&ring, 8, 0);
	ck_assert_int_eq(ring_close_descriptor(&ring), RING_CLOSED);
	ring_close(&ring);
	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_DEFER_TASKRUN);
	if (ring_close_descriptor(&ring) == -EOPNOTSUPP) {
		ring_close(&ring);
		skip("a kernel before 6.3");
	}
	ck_assert_int_eq(ring.fd, -1);
	put_nops(&ring, 3, 7);
	ck_assert_uint_eq(one(&ring).user_data, 7);
	ck_assert_int_eq(ring_files_sparse(&ring, 4), 0);
	ring_close(&ring);
}
END_TEST

START_TEST(a_wait_counts_as_one_for_a_disk_or_not)
{
	struct ring ring;

	open_ring(&ring, 8, DEFERRED);
	ck_assert_int_eq(ring_iowait(&ring, true), 0);
	if (ring_iowait(&ring, false) == -EOPNOTSUPP) {
		ring_close(&ring);
		skip("a kernel before 6.15");
	}
	ck_assert(ring.enter_flags & IORING_ENTER_NO_IOWAIT);
	ck_assert(ring.enter_flags & IORING_ENTER_REGISTERED_RING);
	put_nops(&ring, 1, 7);
	ck_assert_uint_eq(one(&ring).user_data, 7);
	ck_assert_int_eq(ring_iowait(&ring, true), 0);
	ck_assert(!(ring.enter_flags & IORING_ENTER_NO_IOWAIT));
	ring_close(&ring);
}
END_TEST

START_TEST(one_queue_is_resized_and_too_much_is_clamped)
{
	struct ring ring;

	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_RESIZE);
	ck_assert_int_eq(ring_resize_with(&ring, 0, 64, 0), 0);
	ck_assert_uint_eq(ring.sq_entries, 8);
	ck_assert_uint_eq(ring.cq_entries, 64);
	ck_assert_int_eq(ring_resize_with(&ring, 32, 0, 0), 0);
	ck_assert_uint_eq(ring.sq_entries, 32);
	ck_assert_uint_eq(ring.cq_entries, 64);
	ck_assert_int_eq(ring_resize_with(&ring, 65536, 0, 0), -EINVAL);
	ck_assert_int_eq(ring_resize_with(&ring, 65536, 1 << 20, IORING_SETUP_CLAMP), 0);
	ck_assert_uint_eq(ring.sq_entries, 32768);
	put_nops(&ring, 3, 7);
	ck_assert_uint_eq(one(&ring).user_data, 7);
	ring_close(&ring);
}
END_TEST

START_TEST(the_kernel_is_asked_what_it_knows)
{
	struct io_uring_query_opcode answer = {0};
	int r = ring_query(IO_URING_QUERY_OPCODES, &answer, sizeof(answer));

	if (r == -EINVAL)
		skip("a kernel before 6.18");
	ck_assert_int_gt(r, 0);
	ck_assert_uint_ge(answer.nr_request_opcodes, IORING_OP_PIPE);
	ck_assert_int_lt(ring_query(200, &answer, sizeof(answer)), 0);
}
END_TEST

/* ---- Memory of the caller's ------------------------------------------------------------------ */

START_TEST(buffers_and_waits_lie_in_memory_of_ours)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = pages(page), *region = pages(page);
	struct ring_buffers_options options = {.group = 3, .entries = 8, .memory = memory};
	struct ring_buffers buffers;
	struct io_uring_cqe cqe;
	struct ring ring;
	char room[16];
	int pair[2];
	uint16_t id;

	open_ring(&ring, 8, 0);
	need(&ring, RING_BUFFER_RING);
	ck_assert_int_eq(ring_buffers_open_with(&buffers, &ring, &options), 0);
	ck_assert_ptr_eq(buffers.shared, memory);
	ring_buffers_add(&buffers, room, sizeof(room), 5);
	ring_buffers_publish(&buffers);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(write(pair[1], "hello", 5), 5);
	ring_prep_recv_multishot(entry(&ring), pair[0], 3, 0, 0);
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, 5);
	ck_assert(ring_buffers_take(&buffers, &cqe, &id));
	ck_assert_uint_eq(id, 5);
	ck_assert_mem_eq(room, "hello", 5);
	ring_buffers_close(&buffers);
	memset(memory, 1, page); /* it is still ours */
	options.flags = IOU_PBUF_RING_MMAP;
	ck_assert_int_eq(ring_buffers_open_with(&buffers, &ring, &options), -EINVAL);
	close(pair[0]);
	close(pair[1]);
	ring_close(&ring);

	open_ring(&ring, 8, IORING_SETUP_R_DISABLED);
	if (ring_has(&ring, RING_REGISTERED_WAIT)) {
		ck_assert_int_eq(ring_waits_open_in(&ring, region, page - 1), -EINVAL);
		ck_assert_int_eq(ring_waits_open_in(&ring, region, page), 0);
		ck_assert_int_eq(ring_enable(&ring), 0);
		ring_waits_set(&ring, 1, in_ms(5), 0, NULL);
		ck_assert_int_eq(ring_submit_wait_index(&ring, 1, 1).error, -ETIME);
	}
	ring_close(&ring);
	memset(region, 1, page);
	munmap(memory, page);
	munmap(region, page);
}
END_TEST

/* ---- Messages -------------------------------------------------------------------------------- */

START_TEST(a_received_message_is_taken_apart)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(to);
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
	struct msghdr asked = {.msg_namelen = sizeof(to), .msg_controllen = 64};
	struct ring_message message;
	struct ring_buffers buffers;
	struct io_uring_cqe cqe;
	struct msghdr controls;
	struct ring ring;
	_Alignas(16) char room[256];

	open_ring(&ring, 8, 0);
	need(&ring, RING_RECV_MULTISHOT);
	ck_assert_int_eq(bind(in, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(getsockname(in, (struct sockaddr *)&to, &length), 0);
	ck_assert_int_eq(setsockopt(in, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
	ck_assert_int_eq(ring_buffers_open(&buffers, &ring, 1, 8, 0), 0);
	ring_buffers_add(&buffers, room, sizeof(room), 0);
	ring_buffers_publish(&buffers);
	ring_prep_recvmsg_multishot(entry(&ring), in, &asked, 0, 1);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ck_assert_int_eq(sendto(out, "datagram", 8, 0, (struct sockaddr *)&to, sizeof(to)), 8);
	cqe = one(&ring);
	ck_assert_int_gt(cqe.res, 0);
	ck_assert(ring_message_read(room, (size_t)cqe.res, &asked, &message));
	ck_assert_uint_eq(message.payload_length, 8);
	ck_assert_mem_eq(message.payload, "datagram", 8);
	ck_assert_uint_eq(message.name_length, sizeof(to));
	ck_assert_int_eq(((const struct sockaddr_in *)message.name)->sin_family, AF_INET);
	controls = ring_message_controls(&message);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&controls));
	ck_assert_int_eq(CMSG_FIRSTHDR(&controls)->cmsg_type, IP_PKTINFO);
	ck_assert(!message.name_cut && !message.payload_cut);
	for (size_t few = 0; few < sizeof(struct io_uring_recvmsg_out) + sizeof(to) + 64; few++)
		ck_assert(!ring_message_read(room, few, &asked, &message));
	ring_buffers_close(&buffers);
	ring_close(&ring);
	close(in);
	close(out);
}
END_TEST

START_TEST(a_datagram_goes_to_an_address_without_copying)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(to);
	int in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);
	struct io_uring_sqe *sqe;
	char room[16];
	struct io_uring_cqe cqe;
	struct ring ring;

	open_ring(&ring, 8, 0);
	if (!ring_supports(&ring.capabilities, IORING_OP_SEND_ZC)) {
		ring_close(&ring);
		skip("a kernel before 6.0");
	}
	ck_assert_int_eq(bind(in, (struct sockaddr *)&to, sizeof(to)), 0);
	ck_assert_int_eq(getsockname(in, (struct sockaddr *)&to, &length), 0);
	sqe = entry(&ring);
	ring_prep_send_zc(sqe, out, "datagram", 8, 0, 0);
	ring_sqe_to(sqe, (struct sockaddr *)&to, sizeof(to));
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, 8);
	ck_assert_int_eq(recv(in, room, sizeof(room), 0), 8);
	if (cqe.flags & IORING_CQE_F_MORE)
		ck_assert(one(&ring).flags & IORING_CQE_F_NOTIF);
	ring_close(&ring);
	close(in);
	close(out);
}
END_TEST

/* ---- Several threads ------------------------------------------------------------------------- */

enum { THREADS = 4, EACH = 2000 };

struct submitter {
	struct ring_shared *shared;
	unsigned number;
	pthread_t thread;
};

static void *submit_chains(void *argument)
{
	struct submitter *submitter = argument;

	for (unsigned i = 0; i < EACH; i += 2) {
		struct io_uring_sqe chain[2];
		int r;

		ring_prep_nop(&chain[0]);
		ring_sqe_link(&chain[0]);
		ring_sqe_tag(&chain[0], (uint64_t)submitter->number << 32 | i);
		ring_prep_nop(&chain[1]);
		ring_sqe_tag(&chain[1], (uint64_t)submitter->number << 32 | (i + 1));
		do
			r = ring_shared_submit(submitter->shared, chain, 2);
		while (r == -EBUSY || r == -EAGAIN);
		if (r != 2)
			return submitter; /* not taken */
	}
	return NULL;
}

START_TEST(threads_submit_chains_that_stay_whole)
{
	struct submitter submitters[THREADS];
	unsigned next[THREADS] = {0}, seen = 0;
	struct ring_shared shared;
	struct ring ring;

	open_ring(&ring, 16, IORING_SETUP_SINGLE_ISSUER);
	if (ring.flags & IORING_SETUP_SINGLE_ISSUER)
		ck_assert_int_eq(ring_shared_open(&shared, &ring), -EINVAL);
	ring_close(&ring);
	open_ring(&ring, 16, 0);
	ck_assert_int_eq(ring_shared_open(&shared, &ring), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		submitters[i] = (struct submitter){.shared = &shared, .number = i};
		ck_assert_int_eq(
			pthread_create(&submitters[i].thread, NULL, submit_chains, &submitters[i]),
			0);
	}
	while (seen < THREADS * EACH) {
		struct ring_wait wait = ring_await(&ring, 1, in_ms(20000), 0);
		struct io_uring_cqe *cqe;

		ck_assert(wait.error == 0 || wait.error == -EINTR);
		ring_for_each_cqe(&ring, cqe)
		{
			unsigned number = (unsigned)(cqe->user_data >> 32);

			ck_assert_int_eq(cqe->res, 0);
			ck_assert_uint_eq((uint32_t)cqe->user_data, next[number]++);
			seen++;
		}
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(submitters[i].thread, &wrong);
		ck_assert_ptr_null(wrong);
	}
	ring_shared_close(&shared);
	ring_close(&ring);
}
END_TEST

SUITE("ring: more", a_wait_that_submits_nothing_leaves_what_is_handed_out,
      space_is_waited_for_where_a_thread_makes_it, a_closed_ring_says_so,
      looking_ahead_reads_nothing, a_ring_that_another_has_set_up_is_adopted,
      a_ring_without_its_descriptor_goes_on_by_its_index, a_wait_counts_as_one_for_a_disk_or_not,
      one_queue_is_resized_and_too_much_is_clamped, the_kernel_is_asked_what_it_knows,
      buffers_and_waits_lie_in_memory_of_ours, a_received_message_is_taken_apart,
      a_datagram_goes_to_an_address_without_copying, threads_submit_chains_that_stay_whole)
