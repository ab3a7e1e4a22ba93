/* What a sink takes, and what we say it takes. */
#include "base/clock.h"
#include "loop/socket.h"
#include "support/skip.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LARGE = 4 << 20, PIECE = 50001 };

static char bytes[LARGE];
static int sink, peer;

/* Whose receive buffer is so large; 0: as the system has it.  A small one makes small segments. */
static void open_tcp_to(int receive_buffer)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (receive_buffer)
		ck_assert_int_eq(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
					    sizeof(receive_buffer)),
				 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	sink = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(sink, (struct sockaddr *)&address, size), 0);
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(peer, 0);
	close(listener);
}

static void open_tcp(void)
{
	open_tcp_to(0);
}

static void open_unix(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	sink = pair[0];
	peer = pair[1];
}

static bool is_writable(void)
{
	struct pollfd writable = {.fd = sink, .events = POLLOUT};

	return poll(&writable, 1, 0) == 1;
}

/*
 * The room there is, of which it takes every byte. An acknowledgement may arrive
 * at any moment: poll(2) is asked before and after, and only what both say is
 * compared. Where nobody sends room comes and does not go, so that they agree soon.
 */
static uint32_t take_room(void)
{
	uint32_t room;
	bool before;

	do {
		before = is_writable();
		room = socket_room(sink, 1);
	} while (before != is_writable());
	ck_assert_int_eq(room > 0, before);
	ck_assert_uint_le(room, LARGE);
	if (room)
		ck_assert_int_eq(send(sink, bytes, room, MSG_DONTWAIT | MSG_NOSIGNAL), room);
	return room;
}

/* qemu-user fills in a single number and calls that a success: there is room for one byte at a
 * time then, and four megabytes of that take an hour. */
static bool room_is_told(void)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t size = sizeof(info);

	return getsockopt(sink, SOL_SOCKET, SO_MEMINFO, info, &size) == 0 && size == sizeof(info);
}

/*
 * Filled as far as there is room, and read a piece at a time.  What was sent arrives a
 * moment later, on a busy machine long after the send.
 */
static void fill_and_read(void)
{
	size_t queued = 0;
	ssize_t n;

	for (unsigned i = 0; i < 200; i++) {
		for (uint32_t room; (room = take_room());)
			queued += room;
		ck_assert_uint_gt(queued, 0);
		n = recv(peer, bytes, PIECE, 0);
		ck_assert_int_gt(n, 0);
		queued -= (size_t)n;
	}
	close(sink);
	close(peer);
}

START_TEST(a_tcp_sink_takes_at_once_what_it_has_room_for)
{
	open_tcp();
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	fill_and_read();
}
END_TEST

START_TEST(so_it_does_with_a_limit_even_an_odd_one)
{
	static const uint32_t limits[] = {16384, 262144, 262145, 99999};

	open_tcp();
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	socket_limit_unsent(sink, limits[_i]);
	fill_and_read();
}
END_TEST

/* A segment of theirs has a header in the kernel that is larger than it. */
START_TEST(so_does_one_with_small_segments)
{
	static const int receive_buffers[] = {1, 3000, 5000};

	open_tcp_to(receive_buffers[_i]);
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	fill_and_read();
}
END_TEST

/* Each from a page of its own, as small segments come out of a socket. */
static void fill_pipe(int pipe_end, unsigned pieces)
{
	for (unsigned i = 0; i < pieces; i++) {
		struct iovec piece = {bytes + i * 8192u, 1};
		ck_assert_int_eq(vmsplice(pipe_end, &piece, 1, SPLICE_F_NONBLOCK), 1);
	}
}

static void splice_and_read(void)
{
	const int send_buffer = 4096; /* that little is free of it at times */
	uint32_t size, room, pages;
	int ends[2], n;

	ck_assert_int_eq(setsockopt(sink, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)),
			 0);
	ck_assert_int_eq(fcntl(sink, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(socket_pipe(ends, 1 << 20, &size), 0);
	pages = size / 4096;
	for (unsigned i = 0; i < 20; i++) {
		while ((room = socket_room(sink, pages))) {
			room = room < pages ? room : pages;
			fill_pipe(ends[1], room);
			ck_assert_int_eq(socket_splice(ends[0], sink, room), room);
		}
		n = (int)recv(peer, bytes, PIECE, 0);
		ck_assert_int_gt(n, 0);
	}
	close(ends[0]);
	close(ends[1]);
	close(sink);
	close(peer);
}

START_TEST(a_tcp_sink_takes_at_once_what_is_spliced_in_small_pieces)
{
	open_tcp_to(_i);
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	splice_and_read();
}
END_TEST

START_TEST(a_unix_sink_takes_at_once_what_is_spliced_in_small_pieces)
{
	open_unix();
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	splice_and_read();
}
END_TEST

START_TEST(a_unix_sink_takes_at_once_what_it_has_room_for)
{
	open_unix();
	if (!room_is_told())
		SKIP_TEST("SO_MEMINFO does not tell all it should: is this an emulator?");
	fill_and_read();
}
END_TEST

/* What the kernel queues for a peer that reads nothing, its own buffers not counted. */
static int unsent_at_most(void)
{
	int most = 0;

	while (send(sink, bytes, 4096, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		if (socket_unacknowledged(sink) > (uint32_t)most)
			most = (int)socket_unacknowledged(sink);
	return most;
}

START_TEST(a_limit_holds_and_is_lifted_again)
{
	int limited;

	open_tcp();
	socket_limit_unsent(sink, 65536);
	limited = unsent_at_most();
	socket_limit_unsent(sink, 0);
	ck_assert_int_gt(unsent_at_most(), limited + (1 << 20));
	close(sink);
	close(peer);
}
END_TEST

/* The kernel waits for 200 ms at least, and this machine may be slower than that. */
static bool is_held_back(void)
{
	uint64_t began_ms = clock_now_ms();
	ssize_t n;

	ck_assert_int_eq(socket_send_last(sink, "last", 4), 4);
	n = recv(peer, bytes, 10, MSG_DONTWAIT);
	if (clock_now_ms() - began_ms > 100)
		return false;
	ck_assert_int_eq(n, -1);
	ck_assert_uint_eq(socket_unacknowledged(sink), 4);
	return true;
}

START_TEST(what_is_sent_last_waits_for_the_end)
{
	open_tcp();
	while (!is_held_back()) {
		close(sink);
		close(peer);
		open_tcp();
	}
	socket_shut_write(sink);
	ck_assert_int_eq(recv(peer, bytes, 10, 0), 4);
	ck_assert_int_eq(recv(peer, bytes, 10, 0), 0);
	close(peer);
	ck_assert_int_eq(socket_send_last(sink, "more", 4), -EPIPE);
	close(sink);
}
END_TEST

START_TEST(as_much_is_sent_last_as_there_is_room_for)
{
	size_t sent = 0;
	int n;

	open_tcp();
	while ((n = socket_send_last(sink, bytes, LARGE)) > 0)
		sent += (size_t)n;
	ck_assert_int_eq(n, -EAGAIN);
	socket_shut_write(sink);
	for (ssize_t got; (got = recv(peer, bytes, LARGE, 0)) > 0;)
		sent -= (size_t)got;
	ck_assert_uint_eq(sent, 0);
	close(sink);
	close(peer);
}
END_TEST

SUITE_OF("loop: sockets", 60, ONCE(a_tcp_sink_takes_at_once_what_it_has_room_for),
	 EACH(so_it_does_with_a_limit_even_an_odd_one, 4), EACH(so_does_one_with_small_segments, 3),
	 ONCE(a_unix_sink_takes_at_once_what_it_has_room_for),
	 EACH(a_tcp_sink_takes_at_once_what_is_spliced_in_small_pieces, 2),
	 ONCE(a_unix_sink_takes_at_once_what_is_spliced_in_small_pieces),
	 ONCE(what_is_sent_last_waits_for_the_end), ONCE(as_much_is_sent_last_as_there_is_room_for),
	 ONCE(a_limit_holds_and_is_lifted_again))
