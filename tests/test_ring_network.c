/* What a proxy does, on real sockets: accept, receive, send, commands, cancelling. */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in address;
static char memory[16][1024] __attribute__((aligned(4096)));
static struct ring_buffers buffers;

static int listen_here(void)
{
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

static int connect_here(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void tcp_pair(int pair[2])
{
	int listener = listen_here();

	pair[0] = connect_here();
	pair[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(pair[1], 0);
	close(listener);
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void open_buffers(struct ring *ring, uint16_t count, uint32_t length)
{
	ck_assert_int_eq(ring_buffers_open(&buffers, ring, 1, 16, 0), 0);
	for (uint16_t i = 0; i < count; i++)
		ring_buffers_add(&buffers, memory[i], length, i);
	ring_buffers_publish(&buffers);
}

static uint32_t take_back(const struct io_uring_cqe *cqe)
{
	struct ring_bundle bundle = ring_buffers_bundle(&buffers, cqe);
	uint32_t length, total = 0;
	uint16_t id;

	while (ring_bundle_next(&bundle, &id, &length))
		total += length;
	return total;
}

START_TEST(one_accept_takes_many_connections_until_cancelled)
{
	struct ring ring;
	struct io_uring_cqe cqe;
	int listener = listen_here();

	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_ACCEPT_MULTISHOT);
	ring_prep_accept_multishot(entry(&ring), listener, NULL, NULL, SOCK_CLOEXEC);
	for (int i = 0; i < 5; i++) {
		int client = connect_here();
		cqe = one(&ring);
		ck_assert_int_ge(cqe.res, 0);
		ck_assert(cqe.flags & IORING_CQE_F_MORE);
		close(cqe.res);
		close(client);
	}
	struct io_uring_sqe *sqe = entry(&ring);
	ring_prep_cancel_fd(sqe, listener, IORING_ASYNC_CANCEL_ALL);
	ring_sqe_tag(sqe, 9);
	ring_sqe_skip_success(sqe);
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, -ECANCELED);
	ck_assert_uint_eq(cqe.flags & IORING_CQE_F_MORE, 0);
	close(listener);
	ring_close(&ring);
}
END_TEST

START_TEST(a_direct_accept_fills_slots_and_drops_when_they_are_full)
{
	struct ring ring;
	struct io_uring_cqe cqe;
	int listener = listen_here(), clients[2];

	open_ring(&ring, 8, 0);
	need(&ring, RING_FILE_ALLOC_RANGE);
	ck_assert_int_eq(ring_files_sparse(&ring, 1), 0);
	ring_prep_accept_multishot_direct(entry(&ring), listener, NULL, NULL, 0);
	clients[0] = connect_here();
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, 0);
	clients[1] = connect_here();
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, -ENFILE);
	close(clients[0]);
	close(clients[1]);
	close(listener);
	ring_close(&ring);
}
END_TEST

START_TEST(a_socket_is_made_bound_and_connected_by_the_ring_alone)
{
	struct ring ring;
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	int listener, client, server;
	char byte = 0;

	open_ring(&ring, 8, 0);
	need(&ring, RING_BIND_LISTEN);
	ring_prep_socket(entry(&ring), AF_INET, SOCK_STREAM, 0);
	listener = result(&ring);
	ring_prep_bind(entry(&ring), listener, (struct sockaddr *)&here, sizeof(here));
	ck_assert_int_eq(result(&ring), 0);
	ring_prep_listen(entry(&ring), listener, 4);
	ck_assert_int_eq(result(&ring), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &length), 0);
	ring_prep_socket(entry(&ring), AF_INET, SOCK_STREAM, 0);
	client = result(&ring);
	ring_prep_connect(entry(&ring), client, (struct sockaddr *)&here, sizeof(here));
	ck_assert_int_eq(result(&ring), 0);
	ring_prep_accept(entry(&ring), listener, (struct sockaddr *)&here, &length, 0);
	server = result(&ring);
	ck_assert_int_ge(server, 0);
	ring_prep_send(entry(&ring), client, "x", 1, MSG_NOSIGNAL);
	ck_assert_int_eq(result(&ring), 1);
	ring_prep_recv(entry(&ring), server, &byte, 1, 0);
	ck_assert_int_eq(result(&ring), 1);
	ck_assert_int_eq(byte, 'x');
	ring_prep_shutdown(entry(&ring), client, SHUT_WR);
	ck_assert_int_eq(result(&ring), 0);
	ring_prep_recv(entry(&ring), server, &byte, 1, 0);
	ck_assert_int_eq(result(&ring), 0);
	close(listener);
	close(client);
	close(server);
	ring_close(&ring);
}
END_TEST

START_TEST(a_budget_ends_a_receive_without_an_error_and_a_cap_limits_each_completion)
{
	struct ring ring;
	struct io_uring_cqe cqe;
	int pair[2];
	uint32_t total = 0;

	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_RECV_BUDGET);
	tcp_pair(pair);
	open_buffers(&ring, 8, 1024);
	ck_assert_int_eq(write(pair[1], memory, 4000), 4000);
	ring_prep_recv_multishot(entry(&ring), pair[0], 1, 500, 2000);
	do {
		cqe = one(&ring);
		ck_assert_int_gt(cqe.res, 0);
		ck_assert_int_le(cqe.res, 500);
		total += take_back(&cqe);
	} while (cqe.flags & IORING_CQE_F_MORE);
	ck_assert_uint_ge(total, 2000);
	ck_assert_uint_lt(total, 2000 + 1024);
	ring_buffers_close(&buffers);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(a_receive_ends_when_buffers_run_out_after_delivering_what_it_has)
{
	struct ring ring;
	struct io_uring_cqe cqe;
	int pair[2];

	open_ring(&ring, 8, 0);
	need(&ring, RING_RECV_MULTISHOT);
	tcp_pair(pair);
	open_buffers(&ring, 2, 1024);
	ck_assert_int_eq(write(pair[1], memory, 4096), 4096);
	ring_prep_recv_multishot(entry(&ring), pair[0], 1, 0, 0);
	for (int i = 0; i < 2; i++) {
		cqe = one(&ring);
		ck_assert_int_eq(cqe.res, 1024);
		ck_assert_uint_eq(take_back(&cqe), 1024);
	}
	cqe = one(&ring);
	ck_assert_int_eq(cqe.res, -ENOBUFS);
	ck_assert_uint_eq(cqe.flags & IORING_CQE_F_MORE, 0);
	ring_buffers_close(&buffers);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(a_full_completion_queue_ends_a_receive_and_says_so_only_by_no_more)
{
	struct ring ring;
	struct io_uring_cqe cqes[32];
	int pair[2];
	unsigned got = 0;
	bool more = true;

	ck_assert_int_eq(
		ring_open(&ring, &(struct ring_options){.entries = 4, .cq_entries = 4}, NULL), 0);
	need(&ring, RING_RECV_MULTISHOT);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	open_buffers(&ring, 16, 1024);
	ring_prep_recv_multishot(entry(&ring), pair[0], 1, 0, 0);
	ck_assert_int_eq(ring_submit(&ring), 1);
	for (int i = 0; i < 12; i++)
		ck_assert_int_eq(write(pair[1], "message", 7), 7);
	while (more) {
		struct ring_wait wait = ring_submit_wait(&ring, 1, in_ms(1000), 0);
		ck_assert_int_eq(wait.error, 0);
		unsigned count = ring_reap(&ring, cqes, 32);
		for (unsigned i = 0; i < count; i++) {
			ck_assert_int_eq(cqes[i].res, 7); /* each of them a success */
			more = cqes[i].flags & IORING_CQE_F_MORE;
			got++;
		}
	}
	ck_assert_uint_lt(got, 12);
	ring_buffers_close(&buffers);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(vectors_bundles_and_messages_send_what_they_hold_in_order)
{
	struct ring ring;
	char hello[] = "hello ", world[] = "world";
	struct iovec parts[2] = {{hello, 6}, {world, 5}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	int pair[2];
	char text[16] = "";

	open_ring(&ring, 8, 0);
	tcp_pair(pair);
	ring_prep_sendmsg(entry(&ring), pair[0], &message, MSG_NOSIGNAL | MSG_WAITALL);
	ck_assert_int_eq(result(&ring), 11);
	ck_assert_int_eq(recv(pair[1], text, 16, 0), 11);
	ck_assert_str_eq(text, "hello world");
	if (ring_has(&ring, RING_SEND_VECTORIZED)) {
		memset(text, 0, sizeof(text));
		ring_prep_send_vector(entry(&ring), pair[0], parts, 2, MSG_NOSIGNAL);
		ck_assert_int_eq(result(&ring), 11);
		ck_assert_int_eq(recv(pair[1], text, 16, 0), 11);
		ck_assert_str_eq(text, "hello world");
	}
	if (ring_has(&ring, RING_RECV_BUNDLE)) {
		memcpy(memory[0], "abc", 3);
		memcpy(memory[1], "def", 3);
		open_buffers(&ring, 2, 3);
		ring_prep_send_bundle(entry(&ring), pair[0], 1, 0);
		struct io_uring_cqe cqe = one(&ring);
		ck_assert_int_eq(cqe.res, 6);
		ck_assert_uint_eq(take_back(&cqe), 6);
		ck_assert_uint_eq(ring_buffers_available(&buffers), 0);
		ck_assert_int_eq(recv(pair[1], text, 16, 0), 6);
		ck_assert_int_eq(memcmp(text, "abcdef", 6), 0);
		ring_buffers_close(&buffers);
	}
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(a_multishot_message_receive_lays_out_name_and_payload)
{
	struct ring ring;
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	struct msghdr message = {.msg_namelen = sizeof(here)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);

	open_ring(&ring, 8, 0);
	need(&ring, RING_RECV_MULTISHOT);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	open_buffers(&ring, 4, 1024);
	struct io_uring_sqe *sqe = entry(&ring);
	ring_prep_recvmsg_multishot(sqe, fd, &message, 0, 1);
	ring_sqe_tag(sqe, 1);
	ck_assert_int_eq(ring_submit(&ring), 1);
	ring_prep_sendto(entry(&ring), from, "ping", 4, 0, (struct sockaddr *)&here, sizeof(here));
	for (int i = 0; i < 2; i++) {
		struct io_uring_cqe cqe = one(&ring);
		if (cqe.user_data != 1)
			continue;
		const struct io_uring_recvmsg_out *out =
			(const struct io_uring_recvmsg_out *)memory[ring_cqe_buffer(&cqe)];
		ck_assert_uint_eq(out->namelen, sizeof(here));
		ck_assert_uint_eq(out->payloadlen, 4);
		ck_assert_int_eq(
			memcmp((const char *)(out + 1) + sizeof(here) + out->controllen, "ping", 4),
			0);
	}
	ring_buffers_close(&buffers);
	close(fd);
	close(from);
	ring_close(&ring);
}
END_TEST

START_TEST(a_zero_copy_send_reports_whether_it_copied)
{
	struct ring ring;
	struct iovec whole = {memory, sizeof(memory)};
	int pair[2];

	open_ring(&ring, 8, 0);
	need(&ring, RING_SEND_ZC_REPORT);
	tcp_pair(pair);
	ck_assert_int_eq(ring_fixed_register(&ring, &whole, NULL, 1), 0);
	for (int fixed = 0; fixed < 2; fixed++) {
		struct io_uring_sqe *sqe = entry(&ring);
		ring_prep_send_zc(sqe, pair[0], memory[0], 1024, 0, IORING_SEND_ZC_REPORT_USAGE);
		if (fixed)
			ring_sqe_fixed_buffer(sqe, 0);
		struct io_uring_cqe first = one(&ring), second;
		ck_assert_int_eq(first.res, 1024);
		ck_assert(first.flags & IORING_CQE_F_MORE);
		ck_assert_int_eq(read(pair[1], memory[1], 1024), 1024);
		second = one(&ring);
		ck_assert(second.flags & IORING_CQE_F_NOTIF);
		ck_assert_uint_eq(second.flags & IORING_CQE_F_MORE, 0);
		/* the loopback device copies */
		ck_assert_uint_eq((uint32_t)second.res, IORING_NOTIF_USAGE_ZC_COPIED);
	}
	struct msghdr message = {.msg_iov = &whole, .msg_iovlen = 1};
	whole.iov_len = 100;
	ring_prep_sendmsg_zc(entry(&ring), pair[0], &message, 0, 0);
	ck_assert_int_eq(result(&ring), 100);
	ck_assert(one(&ring).flags & IORING_CQE_F_NOTIF);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(socket_commands_read_queues_and_options)
{
	struct ring ring;
	int pair[2], value = 1;

	open_ring(&ring, 8, 0);
	need(&ring, RING_SOCKET_COMMANDS);
	tcp_pair(pair);
	ck_assert_int_eq(write(pair[1], "12345", 5), 5);
	ring_prep_poll(entry(&ring), pair[0], POLLIN, 0);
	ck_assert_int_eq(result(&ring) & POLLIN, POLLIN);
	ring_prep_socket_inq(entry(&ring), pair[0]);
	ck_assert_int_eq(result(&ring), 5);
	ring_prep_socket_outq(entry(&ring), pair[0]);
	ck_assert_int_eq(result(&ring), 0);
	ring_prep_socket_option(entry(&ring), SOCKET_URING_OP_SETSOCKOPT, pair[0], SOL_SOCKET,
				SO_KEEPALIVE, &value, sizeof(value));
	ck_assert_int_eq(result(&ring), 0);
	value = 0;
	ring_prep_socket_option(entry(&ring), SOCKET_URING_OP_GETSOCKOPT, pair[0], SOL_SOCKET,
				SO_KEEPALIVE, &value, sizeof(value));
	ck_assert_int_eq(result(&ring), sizeof(value));
	ck_assert_int_eq(value, 1);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(splice_moves_bytes_from_a_socket_through_a_pipe)
{
	struct ring ring;
	int pair[2], through[2];
	char text[8] = "";

	open_ring(&ring, 8, 0);
	need(&ring, RING_SPLICE);
	tcp_pair(pair);
	ck_assert_int_eq(pipe(through), 0);
	ck_assert_int_eq(write(pair[1], "bytes", 5), 5);
	ring_prep_splice(entry(&ring), pair[0], RING_POSITION, through[1], RING_POSITION, 100, 0);
	ck_assert_int_eq(result(&ring), 5);
	ck_assert_int_eq(read(through[0], text, 8), 5);
	ck_assert_str_eq(text, "bytes");
	close(through[0]);
	close(through[1]);
	close_pair(pair);
	ring_close(&ring);
}
END_TEST

START_TEST(a_linked_limit_completes_beside_its_receive_in_either_order)
{
	struct __kernel_timespec brief = {.tv_nsec = 5000000}, ample = {.tv_sec = 10};
	int pair[2];
	char byte;

	tcp_pair(pair);
	for (int data = 0; data < 2; data++) {
		struct ring ring;
		int32_t results[2] = {1000, 1000};
		open_ring(&ring, 8, DEFERRED);
		struct io_uring_sqe *sqe = ring_sqe_reserve(&ring, 2);
		ring_prep_recv(sqe, pair[0], &byte, 1, 0);
		ring_sqe_tag(sqe, 0);
		ring_sqe_link(sqe);
		sqe = entry(&ring);
		ring_prep_link_timeout(sqe, data ? &ample : &brief, 0);
		ring_sqe_tag(sqe, 1);
		ck_assert_int_eq(ring_submit(&ring), 2);
		if (data)
			ck_assert_int_eq(write(pair[1], "x", 1), 1);
		for (int i = 0; i < 2; i++) {
			struct io_uring_cqe cqe = one(&ring);
			ck_assert_int_eq(results[cqe.user_data], 1000);
			results[cqe.user_data] = cqe.res;
		}
		ck_assert_int_eq(results[0], data ? 1 : -ECANCELED);
		if (data)
			ck_assert(results[1] == -ECANCELED || results[1] == -ENOENT);
		else
			ck_assert_int_eq(results[1], -ETIME);
		ring_close(&ring);
	}
	close_pair(pair);
}
END_TEST

START_TEST(a_silent_chain_that_fails_posts_only_the_failure)
{
	struct ring ring;

	open_ring(&ring, 8, DEFERRED);
	need(&ring, RING_CQE_SKIP);
	need(&ring, RING_NOP_RESULT);
	for (uint64_t i = 0; i < 4; i++) {
		struct io_uring_sqe *sqe = entry(&ring);
		ring_prep_nop_result(sqe, i == 1 ? -EIO : 0);
		ring_sqe_tag(sqe, i);
		ring_sqe_skip_success(sqe);
		if (i < 3)
			ring_sqe_link(sqe);
	}
	struct io_uring_cqe cqe = one(&ring);
	ck_assert_uint_eq(cqe.user_data, 1);
	ck_assert_int_eq(cqe.res, -EIO);
	ck_assert_uint_eq(ring_submit_wait(&ring, 0, RING_NOW, 0).ready, 0);
	ring_close(&ring);
}
END_TEST

SUITE("ring network", one_accept_takes_many_connections_until_cancelled,
      a_direct_accept_fills_slots_and_drops_when_they_are_full,
      a_socket_is_made_bound_and_connected_by_the_ring_alone,
      a_budget_ends_a_receive_without_an_error_and_a_cap_limits_each_completion,
      a_receive_ends_when_buffers_run_out_after_delivering_what_it_has,
      a_full_completion_queue_ends_a_receive_and_says_so_only_by_no_more,
      vectors_bundles_and_messages_send_what_they_hold_in_order,
      a_multishot_message_receive_lays_out_name_and_payload,
      a_zero_copy_send_reports_whether_it_copied, socket_commands_read_queues_and_options,
      splice_moves_bytes_from_a_socket_through_a_pipe,
      a_linked_limit_completes_beside_its_receive_in_either_order,
      a_silent_chain_that_fails_posts_only_the_failure)
