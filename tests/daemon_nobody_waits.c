/* Whoever is reset, or can send no more, hears of it; and of who is gone nothing is left. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* No time limit helps: what must end, ends by itself. */
#define NEVER "idle_timeout = off\nhalf_close_timeout = off\nuser_timeout = off\n"

static const char *const relays[] = {"auto", "copy", "splice", "zerocopy"};
enum { RELAYS = sizeof(relays) / sizeof(relays[0]) };

static char front[128], back[128];

static struct daemon *proxy(const char *relay)
{
	return daemon_start(&daemon_modes[0],
			    "[proxy p]\nrelay = %s\n" NEVER "listen = %s\nserver = %s\n", relay,
			    front, back);
}

static void inet(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "127.0.0.1:%u", port_reserve());
}

/* Both ends of a proxied connection, as the test's own descriptors. */
static void open_pair(int listener, int *ret_client, int *ret_server)
{
	*ret_client = peer_connect(front);
	assert_connected(*ret_client);
	*ret_server = accept(listener, NULL, NULL);
	ck_assert_int_ge(*ret_server, 0);
}

/* Send until nobody has taken anything for a while: everything on the way is full. */
static void fill(int fd)
{
	static const char block[65536];
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (poll(&writable, 1, 500) > 0)
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			break;
	fcntl(fd, F_SETFL, 0);
}

/* Who resets first, who goes then and how, and how much waits for him: every way to be alone. */
START_TEST(a_session_does_not_outlive_both_its_peers)
{
	enum { SMALL = 3000, BIG = 400000 };
	struct daemon *daemon;
	unsigned before;
	int listener;

	inet();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	before = daemon_open_fds(daemon);
	for (unsigned way = 0; way < 16; way++) {
		int client, server, first, second;
		char *bytes = calloc(1, BIG);

		open_pair(listener, &client, &server);
		first = way & 1 ? client : server;
		second = way & 1 ? server : client;
		fcntl(first, F_SETFL, O_NONBLOCK);
		(void)!write(first, bytes, way & 2 ? BIG : SMALL);
		if (way & 4) /* and something the other way, which is not read either */
			(void)!send(second, bytes, SMALL, MSG_DONTWAIT | MSG_NOSIGNAL);
		sleep_ms(30);
		peer_reset(first);
		sleep_ms(30);
		if (way & 8)
			peer_reset(second);
		else
			close(second);
		free(bytes);
	}
	daemon_wait_fds(daemon, before);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* The server writes on and on and never reads; its client resets while bytes wait for it. */
START_TEST(who_is_blocked_in_writing_to_a_side_that_was_reset_is_told)
{
	struct daemon *daemon;
	int listener, client, server, writer, resetter;
	ssize_t n;

	inet();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i % RELAYS]);
	open_pair(listener, &client, &server);
	writer = _i < RELAYS ? server : client;
	resetter = _i < RELAYS ? client : server;
	fill(writer);
	fill(resetter);
	peer_reset(resetter);
	do {
		static const char block[65536];
		struct pollfd writable = {.fd = writer, .events = POLLOUT};

		ck_assert_msg(poll(&writable, 1, PEER_PATIENCE_MS) > 0, "it waits for ever");
		n = send(writer, block, sizeof(block), MSG_NOSIGNAL);
	} while (n > 0);
	ck_assert(errno == ECONNRESET || errno == EPIPE);
	close(writer);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

START_TEST(who_only_reads_gets_everything_before_the_reset)
{
	enum { BYTES = 300000 };
	struct daemon *daemon;
	int listener, client, server;
	char *bytes = calloc(1, BYTES);
	ssize_t n, got = 0;

	inet();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	open_pair(listener, &client, &server);
	ck_assert_int_eq(send(client, bytes, BYTES, MSG_NOSIGNAL), BYTES);
	ck_assert(peer_flush(client));
	peer_reset(client);
	sleep_ms(500); /* longer than who writes would be left alone */
	while ((n = recv(server, bytes, 1000, 0)) > 0) {
		got += n;
		sleep_ms(1);
	}
	ck_assert_int_eq(got, BYTES);
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, ECONNRESET);
	free(bytes);
	close(server);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* Nothing is read from it, since the server takes nothing: who looks after it all the same? */
START_TEST(the_reset_of_a_client_that_waits_for_a_full_server_is_seen)
{
	struct daemon *daemon;
	int listener, client, server;

	inet();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	open_pair(listener, &client, &server);
	fill(client);
	peer_reset(client);
	sleep_ms(300);
	/* It answers somebody who is gone, and hears it. */
	ck_assert(wait_until(send(server, "x", 1, MSG_NOSIGNAL) < 0, PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "the client reset the connection");
	close(server);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* ---- Unix sockets ---------------------------------------------------------------------------- */

static void unix_paths(void)
{
	snprintf(front, sizeof(front), "unix:%s/front%d", suite_dir(), (int)getpid());
	snprintf(back, sizeof(back), "unix:%s/back%d", suite_dir(), (int)getpid());
}

static void assert_whole_way(int from, int to)
{
	enum { BYTES = 1 << 20 };
	struct transfer up = {.send = BYTES, .send_seed = 7, .half_close = true};
	struct transfer down = {.receive = PEER_UNTIL_THE_END, .receive_seed = 7};
	pid_t pid = fork();

	if (pid == 0) {
		peer_transfer(from, &up);
		_exit(up.sent == BYTES ? 0 : 1);
	}
	peer_transfer(to, &down);
	ck_assert_uint_eq(down.received, BYTES);
	ck_assert_uint_eq(down.wrong_at, UINT64_MAX);
	ck_assert_int_eq(down.end, PEER_FIN);
}

START_TEST(a_unix_socket_is_served_in_every_way_to_relay)
{
	struct daemon *daemon;
	int listener, client, server;

	unix_paths();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	open_pair(listener, &client, &server);
	assert_whole_way(client, server);
	shutdown(client, SHUT_WR); /* the other process had its own */
	assert_whole_way(server, client);
	close(client);
	close(server);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* As directly: EPIPE for who writes, while the answer still comes. */
START_TEST(a_unix_peer_that_takes_no_more_is_written_to_in_vain)
{
	struct daemon *daemon;
	int listener, client, server;
	char answer[16];

	unix_paths();
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	open_pair(listener, &client, &server);
	ck_assert_int_eq(peer_send_text(client, "one"), 0);
	ck_assert_int_gt(peer_receive_text(server, answer, sizeof(answer), "one"), 0);
	shutdown(server, SHUT_RD);
	ck_assert(wait_until(send(client, "more", 4, MSG_NOSIGNAL) < 0, PEER_PATIENCE_MS));
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(peer_send_text(server, "the end"), 0);
	close(server);
	ck_assert_int_eq(peer_receive_text(client, answer, sizeof(answer), NULL), 7);
	close(client);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* TCP has no word for it: what the client goes on saying is dropped, as a socket would. */
START_TEST(a_tcp_client_of_such_a_peer_gets_its_answer)
{
	static const char block[65536];
	struct daemon *daemon;
	int listener, client, server;
	char answer[16];

	unix_paths();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	open_pair(listener, &client, &server);
	shutdown(server, SHUT_RD);
	for (int i = 0; i < 200; i++)
		ck_assert_int_gt(send(client, block, sizeof(block), MSG_NOSIGNAL), 0);
	ck_assert_int_eq(peer_send_text(server, "the end"), 0);
	close(server);
	ck_assert_int_eq(peer_receive_text(client, answer, sizeof(answer), NULL), 7);
	close(client);
	daemon_wait_log(daemon, "both sides finished");
	ck_assert(!daemon_log_contains(daemon, "reset"));
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* Read slowly what a client sent before it was reset, and write meanwhile; how long it took him at
 * most to read the next piece. */
static int64_t read_and_write(int server, ssize_t *ret_got)
{
	int64_t began = clock_ms(), longest = 0;
	char piece[16384];
	ssize_t n;

	*ret_got = 0;
	ck_assert_int_eq(send(server, "x", 1, MSG_NOSIGNAL), 1);
	do {
		int64_t now;

		n = recv(server, piece, sizeof(piece), 0);
		now = clock_ms();
		longest = now - began > longest ? now - began : longest;
		began = now;
		*ret_got += n > 0 ? n : 0;
		(void)send(server, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		sleep_ms(20);
	} while (n > 0);
	return longest;
}

/* The kernel counts more for a unix socket's bytes than there are. */
START_TEST(who_writes_to_a_client_that_was_reset_gets_what_came_before_as_long_as_he_reads)
{
	enum { BYTES = 500000, DEAF_MS = 200 /* who reads nothing for so long is told */ };
	struct daemon *daemon;
	int listener, client, server;
	char *bytes = calloc(1, BYTES);
	int64_t longest;
	ssize_t got;

	unix_paths();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	listener = peer_listen(back, 64);
	ck_assert_int_ge(listener, 0);
	daemon = proxy(relays[_i]);
	do { /* again if the machine stood still, and he with it */
		open_pair(listener, &client, &server);
		ck_assert_int_eq(send(client, bytes, BYTES, MSG_NOSIGNAL), BYTES);
		ck_assert(peer_flush(client));
		peer_reset(client);
		sleep_ms(300); /* it is known by then */
		longest = read_and_write(server, &got);
		close(server);
	} while (got != BYTES && longest >= DEAF_MS / 2);
	ck_assert_int_eq(got, BYTES);
	free(bytes);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

/* Its server's backlog is full, and nothing has been read from it yet. */
START_TEST(the_reset_of_a_client_that_waits_for_its_connect_is_seen)
{
	struct daemon *daemon;
	unsigned before;
	int listener, client, fillers[8], count = 0;

	unix_paths();
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	listener = peer_listen(back, 1);
	ck_assert_int_ge(listener, 0);
	while (count < 8 && (fillers[count] = peer_connect_begin(back)) >= 0)
		count++;
	ck_assert_int_lt(count, 8);
	daemon = daemon_start(&daemon_modes[0],
			      "[proxy p]\nconnect_timeout = 10min\nlisten = %s\nserver = %s\n",
			      front, back);
	before = daemon_open_fds(daemon);
	client = peer_connect(front);
	assert_connected(client);
	daemon_wait_log(daemon, "cannot connect");
	peer_reset(client);
	daemon_wait_log(daemon, "the client reset the connection");
	daemon_wait_fds(daemon, before);
	while (count > 0)
		close(fillers[--count]);
	close(listener);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: nobody waits", 120, EACH(a_session_does_not_outlive_both_its_peers, RELAYS),
	 EACH(who_is_blocked_in_writing_to_a_side_that_was_reset_is_told, 2 * RELAYS),
	 EACH(who_only_reads_gets_everything_before_the_reset, RELAYS),
	 EACH(the_reset_of_a_client_that_waits_for_a_full_server_is_seen, RELAYS),
	 EACH(who_writes_to_a_client_that_was_reset_gets_what_came_before_as_long_as_he_reads,
	      RELAYS),
	 ONCE(the_reset_of_a_client_that_waits_for_its_connect_is_seen),
	 EACH(a_unix_socket_is_served_in_every_way_to_relay, RELAYS),
	 EACH(a_unix_peer_that_takes_no_more_is_written_to_in_vain, RELAYS),
	 EACH(a_tcp_client_of_such_a_peer_gets_its_answer, RELAYS))
