/* Servers that are dead, deaf or rude, and how little of it the client notices. */
#include "session/handshake.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCPI_SEGS_IN 140 /* offset of tcpi_segs_in in the kernel's struct tcp_info (4.2) */

static char front[32], refused[32];

/* A proxy on front, with the rest of its section given; refused is where nobody listens. */
static struct daemon *proxy(int mode, const char *keys)
{
	return daemon_start(&daemon_modes[mode], "[proxy a]\nlisten = %s\n%s", front, keys);
}

static void reserve_addresses(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(refused, sizeof(refused), "127.0.0.1:%u", port_reserve());
}

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

/* What the client sends is on its way before the proxy knows whether there is a server. */
static void assert_echo(uint64_t size)
{
	struct transfer transfer = {.send = size,
				    .send_seed = size,
				    .half_close = true,
				    .receive = PEER_UNTIL_THE_END,
				    .receive_seed = size};
	int fd = connected();

	peer_transfer(fd, &transfer);
	assert_transferred(&transfer, size, PEER_FIN);
	close(fd);
}

START_TEST(a_refused_connect_closes_the_client_and_the_log_says_why)
{
	struct daemon *daemon;
	char keys[256];
	unsigned before;
	int fd;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\n", refused);
	daemon = proxy(_i, keys);
	before = daemon_open_fds(daemon);
	fd = connected();
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "Connection refused");
	ck_assert(daemon_log_contains(daemon, refused));
	close(fd);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_server_that_never_answers_costs_connect_timeout_and_the_log_names_the_key)
{
	struct daemon *daemon;
	char keys[256];
	unsigned before;
	int fd;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\nconnect_timeout = 300ms\n",
		 black_hole_address());
	daemon = proxy(_i, keys);
	before = daemon_open_fds(daemon);
	fd = connected();
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "connect_timeout");
	close(fd);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}
END_TEST

/* Three dead ones of different kinds before the living one; round robin begins at each in turn. */
START_TEST(with_one_server_alive_the_client_never_notices_the_dead_ones)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char keys[512];

	reserve_addresses();
	snprintf(keys, sizeof(keys),
		 "connect_timeout = 300ms\n"
		 "server = %s\nserver = unix:%s/nobody\nserver = %s\nserver = %s\n",
		 refused, suite_dir(), black_hole_address(), server_address(echo));
	daemon = proxy(_i, keys);
	for (int i = 0; i < 4; i++)
		assert_echo(3000000);
	assert_echo(1);
	assert_echo(0);
	ck_assert_uint_eq(server_accepted(echo), 6);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* One of them fails before connect(2) has returned, and the other after it. */
START_TEST(an_attempt_at_another_server_is_counted_however_the_one_before_has_failed)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char keys[512];

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = unix:%s/nobody\nserver = %s\nserver = %s\n",
		 suite_dir(), refused, server_address(echo));
	daemon = proxy(_i, keys);
	for (int i = 0; i < 3; i++)
		assert_echo(1); /* the first server's turn, the second's, the third's */
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	/* Those of the first two fail there, and then perhaps at the other one of them. */
	ck_assert_uint_ge(daemon_counter(daemon, "connect_failed"), 2);
	ck_assert_uint_le(daemon_counter(daemon, "connect_failed"), 4);
	ck_assert_uint_eq(daemon_counter(daemon, "connect_retried"),
			  daemon_counter(daemon, "connect_failed"));
	daemon_free(daemon);
	server_stop(echo);
}
END_TEST

/* Segments that had arrived with the request; glibc 2.36 ends struct tcp_info before them. */
static void count_segments(int fd, void *context)
{
	struct {
		struct tcp_info known;
		uint8_t more[256];
	} info = {0};
	socklen_t size = sizeof(info);
	unsigned *segments = context;
	char request[64];
	uint32_t in;

	if (peer_receive_text(fd, request, sizeof(request), "\n") < 0 ||
	    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
		abort();
	memcpy(&in, (const unsigned char *)&info + TCPI_SEGS_IN, sizeof(in));
	__atomic_store_n(segments, in, __ATOMIC_RELAXED);
	(void)peer_send_text(fd, request);
	(void)peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

/* Once clients were seen to speak first: session/handshake.h. */
START_TEST(a_request_takes_the_acknowledgement_of_the_handshake_along)
{
	enum { CONNECTIONS = HANDSHAKE_LEARN + 200 };
	unsigned segments = 0, most = 0, fewest = UINT_MAX;
	struct server *server = server_start(NULL, count_segments, &segments);
	struct daemon *daemon;
	char keys[256], answer[64];

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\n", server_address(server));
	daemon = proxy(_i, keys);
	for (int i = 0; i < CONNECTIONS && fewest >= most; i++) {
		int fd;

		/* The request is there when the connection is accepted. */
		daemon_signal(daemon, SIGSTOP);
		fd = connected();
		ck_assert_int_eq(peer_send_text(fd, "request\n"), 0);
		daemon_signal(daemon, SIGCONT);
		ck_assert_int_gt(peer_receive_text(fd, answer, sizeof(answer), "\n"), 0);
		close(fd);
		ck_assert(server_wait_idle(server));
		if (i < HANDSHAKE_LEARN && segments > most)
			most = segments;
		if (i >= HANDSHAKE_LEARN && segments < fewest)
			fewest = segments;
	}
	ck_assert_uint_eq(fewest + 1, most);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

static void greet(int fd, void *context)
{
	(void)context;
	(void)peer_send_text(fd, "welcome\n");
	(void)peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

/* Nothing but the clock makes the held acknowledgement go out then. */
START_TEST(a_silent_client_is_greeted_by_a_server_that_was_spoken_to_first_before)
{
	struct server *echo = server_start(NULL, server_echo, NULL), *greeter;
	struct daemon *daemon;
	char address[64], keys[256], greeting[64];
	int fd;

	reserve_addresses();
	snprintf(address, sizeof(address), "%s", server_address(echo));
	snprintf(keys, sizeof(keys), "server = %s\n", address);
	daemon = proxy(_i, keys);
	for (int i = 0; i < HANDSHAKE_LEARN; i++)
		assert_echo(1000);
	server_stop(echo);
	greeter = server_start(address, greet, NULL);
	ck_assert_ptr_nonnull(greeter);
	for (int i = 0; i < 2; i++) {
		fd = connected();
		ck_assert_int_gt(peer_receive_text(fd, greeting, sizeof(greeting), "\n"), 0);
		ck_assert_str_eq(greeting, "welcome\n");
		close(fd);
	}
	daemon_stop(daemon);
	server_stop(greeter);
}
END_TEST

/* They are accepted together, fail together, and each goes on to its own next server. */
START_TEST(of_many_clients_at_once_none_notices_that_one_of_two_servers_is_dead)
{
	enum { CLIENTS = 60 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int fds[CLIENTS];
	char keys[256];

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\nserver = %s\n", refused, server_address(echo));
	daemon = proxy(_i, keys);
	daemon_signal(daemon, SIGSTOP);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connected();
	daemon_signal(daemon, SIGCONT);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert(peer_echoes(fds[i]));
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(when_every_server_is_dead_the_client_is_closed_and_the_log_names_each)
{
	char second[32], keys[256];
	struct daemon *daemon;
	int fd;

	reserve_addresses();
	snprintf(second, sizeof(second), "127.0.0.1:%u", port_reserve());
	snprintf(keys, sizeof(keys), "server = %s\nserver = %s\n", refused, second);
	daemon = proxy(_i, keys);
	fd = connected();
	(void)peer_send_text(fd, "anybody there?"); /* unless it is closed already */
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	daemon_wait_log(daemon, refused);
	daemon_wait_log(daemon, second);
	daemon_stop(daemon);
}
END_TEST

/* Whichever worker finds out. */
START_TEST(a_server_that_fails_is_one_warning_for_all_workers)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	char keys[256], line[128];
	struct daemon *daemon;
	char *log, *first;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\nserver = %s\n", refused, server_address(echo));
	snprintf(line, sizeof(line), "[proxy a] server %s: cannot connect", refused);
	daemon = proxy(_i, keys);
	for (unsigned i = 0; i < 64; i++)
		assert_echo(10);
	daemon_wait_log(daemon, line);
	log = daemon_log(daemon);
	first = strstr(log, line);
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, line));
	free(log);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(a_server_that_comes_to_life_is_used)
{
	struct server *echo;
	struct daemon *daemon;
	char keys[256];
	int fd;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\n", refused);
	daemon = proxy(_i, keys);
	fd = connected();
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	echo = server_start(refused, server_echo, NULL);
	ck_assert_ptr_nonnull(echo);
	assert_echo(100000);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(connections_go_round_the_servers)
{
	struct server *a = server_start(NULL, server_echo, NULL);
	struct server *b = server_start(NULL, server_echo, NULL);
	struct server *c = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char keys[256];

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\nserver = %s\nserver = %s\n", server_address(a),
		 server_address(b), server_address(c));
	daemon = proxy(_i, keys);
	for (int i = 0; i < 12; i++)
		assert_echo(1000);
	ck_assert_uint_eq(server_accepted(a), 4);
	ck_assert_uint_eq(server_accepted(b), 4);
	ck_assert_uint_eq(server_accepted(c), 4);
	daemon_stop(daemon);
	server_stop(a);
	server_stop(b);
	server_stop(c);
}
END_TEST

static void assert_passes_on(int mode, server_handler *rudeness, enum peer_end end)
{
	struct server *server = server_start(NULL, rudeness, NULL);
	struct daemon *daemon;
	char keys[256];
	int fd;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\n", server_address(server));
	daemon = proxy(mode, keys);
	fd = connected();
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), end);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
}

START_TEST(a_server_that_hangs_up_at_once_hangs_up_on_the_client)
{
	assert_passes_on(_i, server_close, PEER_FIN);
}
END_TEST

START_TEST(a_server_that_resets_at_once_resets_the_client)
{
	assert_passes_on(_i, server_reset, PEER_RST);
}
END_TEST

START_TEST(a_client_that_resets_while_connecting_is_let_go_at_once)
{
	struct daemon *daemon;
	char keys[256];
	unsigned before;
	int fd;

	reserve_addresses();
	snprintf(keys, sizeof(keys), "server = %s\nconnect_timeout = 10min\n",
		 black_hole_address());
	daemon = proxy(_i, keys);
	before = daemon_open_fds(daemon);
	fd = connected();
	ck_assert_int_eq(peer_send_text(fd, "in vain"), 0);
	ck_assert(wait_until(daemon_open_fds(daemon) == before + 2, PEER_PATIENCE_MS));
	peer_reset(fd);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}
END_TEST

/* One that takes nothing must not keep another connection's bytes waiting.  What waits for the deaf
 * can never be delivered, so only drain_timeout ends those at the end. */
START_TEST(servers_that_never_read_delay_nobody_else)
{
	enum { STALLED = 20 }; /* megabytes each, see net.ipv4.tcp_mem */
	bool released = false;
	struct server *deaf = server_start(NULL, server_hold, &released);
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char beside[32];
	int fds[STALLED];

	reserve_addresses();
	snprintf(beside, sizeof(beside), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "buffer_memory = 16M\ndrain_timeout = 1s\n"
			      "[proxy deaf]\nlisten = %s\nserver = %s\n"
			      "[proxy a]\nlisten = %s\nserver = %s\n",
			      beside, server_address(deaf), front, server_address(echo));
	for (int i = 0; i < STALLED; i++) {
		static char megabyte[1 << 20];
		ssize_t n;

		fds[i] = peer_connect(beside);
		assert_connected(fds[i]);
		do
			n = send(fds[i], megabyte, sizeof(megabyte), MSG_DONTWAIT | MSG_NOSIGNAL);
		while (n > 0);
	}
	assert_echo(16 << 20);
	for (int i = 0; i < STALLED; i++)
		peer_reset(fds[i]);
	daemon_stop(daemon);
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	server_stop(deaf);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: upstreams", 60,
	 IN_BOTH_RINGS(a_refused_connect_closes_the_client_and_the_log_says_why),
	 IN_BOTH_RINGS(a_server_that_never_answers_costs_connect_timeout_and_the_log_names_the_key),
	 IN_EVERY_WAY(with_one_server_alive_the_client_never_notices_the_dead_ones),
	 IN_BOTH_RINGS(an_attempt_at_another_server_is_counted_however_the_one_before_has_failed),
	 IN_BOTH_RINGS(a_request_takes_the_acknowledgement_of_the_handshake_along),
	 IN_BOTH_RINGS(a_silent_client_is_greeted_by_a_server_that_was_spoken_to_first_before),
	 IN_BOTH_RINGS(of_many_clients_at_once_none_notices_that_one_of_two_servers_is_dead),
	 IN_BOTH_RINGS(when_every_server_is_dead_the_client_is_closed_and_the_log_names_each),
	 IN_EVERY_WAY(a_server_that_fails_is_one_warning_for_all_workers),
	 IN_BOTH_RINGS(a_server_that_comes_to_life_is_used),
	 IN_BOTH_RINGS(connections_go_round_the_servers),
	 IN_BOTH_RINGS(a_server_that_hangs_up_at_once_hangs_up_on_the_client),
	 IN_BOTH_RINGS(a_server_that_resets_at_once_resets_the_client),
	 IN_BOTH_RINGS(a_client_that_resets_while_connecting_is_let_go_at_once),
	 IN_EVERY_WAY(servers_that_never_read_delay_nobody_else))
