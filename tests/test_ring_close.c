/* Closing a ring with operations in flight: what they held is free, and they end in chains. */
#include "support/network.h"
#include "support/ring_tests.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FEW = 250, MANY = 16 * FEW };

static const uint32_t modes[] = {0, IORING_SETUP_COOP_TASKRUN, DEFERRED, IORING_SETUP_SQPOLL};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static int pair[2];
static char memory[MANY];

static void open_pair(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

/* A receive or, of those with an odd number, a poll if they are to be mixed. */
static void arm(struct ring *ring, unsigned count, bool mixed)
{
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = entry(ring);

		if (mixed && i % 2)
			ring_prep_poll(sqe, pair[0], POLLIN, 0);
		else
			ring_prep_recv(sqe, pair[0], &memory[i], 1, 0);
		ring_sqe_tag(sqe, (uint64_t)i << 32 | i);
	}
	ck_assert_int_ge(ring_submit(ring), 0);
}

/* Waiting in the ring, none has completed. */
static void assert_armed(struct ring *ring, unsigned count)
{
	while (ring_sq_ready(ring)) /* a polling thread takes them when it comes to it */
		usleep(100);
	put_nops(ring, 1, count);
	ck_assert_uint_eq(one(ring).user_data, count);
}

START_TEST(closing_frees_the_port_of_a_pending_accept_at_once)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct ring ring;
	int fd, again;

	(void)network_own(); /* or somebody else might be given the port meanwhile */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	open_ring(&ring, 4, DEFERRED);
	need(&ring, RING_SYNC_CANCEL);
	ring_prep_accept_multishot(entry(&ring), fd, NULL, NULL, 0);
	ck_assert_int_eq(ring_submit(&ring), 1);
	close(fd);
	ring_close(&ring);

	again = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(again, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(again, 1), 0);
	close(again);
}
END_TEST

/* Also by a ring so small that it takes many chains of cancels, and what was not submitted is not.
 */
START_TEST(no_operation_writes_or_holds_anything_after_the_close)
{
	char byte = 'x', got;
	struct ring ring;
	int held[2];

	open_pair();
	open_ring(&ring, 4, modes[_i]);
	need(&ring, RING_SYNC_CANCEL);
	arm(&ring, FEW, true);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, held), 0);
	ring_prep_recv(entry(&ring), held[0], &got, 1, 0);
	ck_assert_int_ge(ring_submit(&ring), 0);
	assert_armed(&ring, FEW);
	ring_prep_send(entry(&ring), pair[1], "y", 1, 0);
	close(held[0]);
	ring_close(&ring);

	/* A polling thread lets go of it a little later. */
	if (!(modes[_i] & IORING_SETUP_SQPOLL))
		ck_assert_int_eq(recv(held[1], &got, 1, MSG_DONTWAIT), 0);
	else
		ck_assert_int_eq(recv(held[1], &got, 1, 0), 0);
	for (unsigned i = 0; i < FEW; i++)
		ck_assert_int_eq(send(pair[1], &byte, 1, 0), 1);
	ck_assert_int_eq(recv(pair[0], &got, 1, MSG_DONTWAIT), 1);
	ck_assert_int_eq(got, 'x');
	for (unsigned i = 0; i < FEW; i++)
		ck_assert_int_eq(memory[i], 0);
	close(held[1]);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

static int left; /* that were ended by the cancel of all */

static int count_left(void *context, int fd, uint32_t operation, void *argument, uint32_t count)
{
	const struct io_uring_sync_cancel_reg *cancel = argument;
	int r = ring_kernel.enlist(context, fd, operation, argument, count);

	if (operation == IORING_REGISTER_SYNC_CANCEL && cancel->flags & IORING_ASYNC_CANCEL_ANY)
		left += r > 0 ? r : 0;
	return r;
}

/* The cancel of all takes the square of their number: hardly any may be left for it. */
START_TEST(the_cancel_of_all_at_once_finds_hardly_any_left)
{
	static const uint32_t own[] = {0, DEFERRED};
	struct ring_system system = ring_kernel;
	struct ring_options options = {
		.entries = 64, .wanted = own[_i % 2] | IORING_SETUP_SUBMIT_ALL, .system = &system};
	struct ring ring;

	system.enlist = count_left;
	ck_assert_int_eq(ring_open(&ring, &options, NULL), 0);
	need(&ring, RING_CANCEL_OP);
	open_pair();
	arm(&ring, MANY, _i / 2);
	assert_armed(&ring, MANY);
	ring_close(&ring);
	ck_assert_int_le(left, 20);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

SUITE_OF("ring close", 60, ONCE(closing_frees_the_port_of_a_pending_accept_at_once),
	 EACH(no_operation_writes_or_holds_anything_after_the_close, MODES),
	 EACH(the_cancel_of_all_at_once_finds_hardly_any_left, 4))
