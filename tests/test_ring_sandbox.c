/*
 * The ring of a worker does what the engine asks of it and refuses everything else, in both modes.
 * This kernel's, or that of test_kernel.sh.
 */
#include "loop/loop.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ring_capabilities capabilities;
static struct loop loop;

/* As worker/thread.c has them. */
static const struct ring_options modes[] = {
	{.entries = 64,
	 .required = IORING_SETUP_CLAMP,
	 .wanted = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
		   IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
	{.entries = 64,
	 .required = IORING_SETUP_CLAMP | IORING_SETUP_SQPOLL,
	 .wanted = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER},
};

static void open_loop(int mode, bool sandbox)
{
	const struct loop_sizes sizes = {
		.buffer_memory = 1 << 20, .buffer_size = 16384, .sandbox = sandbox};
	struct ring_options options = modes[mode];
	struct ring_error error = {0};

	ck_assert_int_eq(ring_probe(&capabilities, NULL), 0);
	options.capabilities = &capabilities;
	ck_assert_int_eq(loop_init(&loop, 0, &sizes), 0);
	ck_assert_msg(loop_open(&loop, &options, &error) == 0, "%s", error.text);
}

static void close_loop(void)
{
	loop_close(&loop);
	loop_done(&loop);
}

/* What becomes of the only operation. */
static int32_t result(void)
{
	struct io_uring_cqe done;

	while (ring_reap(&loop.ring, &done, 1) != 1)
		(void)!ring_submit_wait(&loop.ring, 1, RING_NEVER, 0).error;
	return done.res;
}

static struct io_uring_sqe *entry(void)
{
	return loop_entry(&loop);
}

START_TEST(what_the_engine_does_not_ask_for_is_refused)
{
	open_loop(_i, true);

	ring_prep_openat(entry(), AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	ck_assert_int_eq(result(), -EACCES);
	ring_prep_socket(entry(), AF_NETLINK, SOCK_RAW, 0);
	ck_assert_int_eq(result(), -EACCES);
	ring_prep_nop(entry());
	ck_assert_int_eq(result(), -EACCES);
	close_loop();
}
END_TEST

START_TEST(flags_that_the_engine_does_not_set_are_refused)
{
	static const uint8_t flags[] = {IOSQE_FIXED_FILE, IOSQE_IO_DRAIN, IOSQE_IO_LINK,
					IOSQE_ASYNC};
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	open_loop(_i, true);
	for (size_t i = 0; i < array_size(flags); i++) {
		struct io_uring_sqe *sqe = entry();

		ring_prep_send(sqe, pair[0], "x", 1, MSG_DONTWAIT);
		sqe->flags |= flags[i];
		ck_assert_msg(result() == -EACCES, "flag %x", flags[i]);
	}
	close_loop();
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(registrations_that_the_engine_does_not_make_are_refused)
{
	open_loop(_i, true);
	ck_assert_int_eq(ring_files_sparse(&loop.ring, 4), -EACCES);
	ck_assert_int_eq(ring_personality_register(&loop.ring), -EACCES);
	close_loop();
}
END_TEST

START_TEST(what_the_engine_asks_for_is_done)
{
	int pair[2], event = eventfd(1, EFD_CLOEXEC);
	char byte;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	open_loop(_i, true);
	ring_prep_send(entry(), pair[0], "x", 1, MSG_DONTWAIT);
	ck_assert_int_eq(result(), 1);
	ring_prep_recv(entry(), pair[1], &byte, 1, 0);
	ck_assert_int_eq(result(), 1);
	ring_prep_poll(entry(), event, POLLIN, 0);
	ck_assert_int_eq(result(), POLLIN);
	ring_prep_cancel(entry(), 12345, 0);
	ck_assert_int_eq(result(), -ENOENT);
	ring_prep_accept(entry(), event, NULL, NULL, 0);
	ck_assert_int_eq(result(), -ENOTSOCK);
	close_loop();
	close(event);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(without_the_sandbox_a_ring_does_anything)
{
	open_loop(_i, false);
	ring_prep_nop(entry());
	ck_assert_int_eq(result(), 0);
	close_loop();
}
END_TEST

SUITE_OF("ring sandbox", 60, EACH(what_the_engine_does_not_ask_for_is_refused, 2),
	 EACH(flags_that_the_engine_does_not_set_are_refused, 2),
	 EACH(registrations_that_the_engine_does_not_make_are_refused, 2),
	 EACH(what_the_engine_asks_for_is_done, 2),
	 EACH(without_the_sandbox_a_ring_does_anything, 2))
