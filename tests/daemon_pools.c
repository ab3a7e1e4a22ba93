/* Choosing among the servers of a pool: shares, limits, order, and who clings to whom. */
#include "base/compiler.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS = 3, CLIENTS_MAX = 300 };

static char front[64];
static struct server *servers[SERVERS];
static int clients[CLIENTS_MAX];

/* ---- Servers that say which they are --------------------------------------------------------- */

/* A letter first, and then an echo. */
static void say_name(int fd, void *context)
{
	char bytes[64];
	ssize_t size = send(fd, context, 1, MSG_NOSIGNAL);

	while (size > 0) {
		size = recv(fd, bytes, sizeof(bytes), 0);
		if (size > 0)
			size = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
	}
	close(fd);
}

static void start_servers(void)
{
	static char names[] = "abc";

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (unsigned i = 0; i < SERVERS; i++)
		servers[i] = server_start(NULL, say_name, &names[i]);
}

static void stop_servers(void)
{
	for (unsigned i = 0; i < SERVERS; i++)
		if (servers[i])
			server_stop(servers[i]);
}

static const char *at(unsigned server)
{
	return server_address(servers[server]);
}

static int come(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

/* The server's letter; 0: it is reset, or its end comes. */
static char served_by(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char letter;

	ck_assert_int_eq(poll(&poll_fd, 1, PEER_PATIENCE_MS), 1);
	return recv(fd, &letter, 1, 0) == 1 ? letter : 0;
}

/* Nothing has come, and the connection is open. */
static bool waits(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Of a daemon with a control socket. */
static unsigned queued(void)
{
	char *answer = edition_get("/v1/connections?state=queued");
	unsigned count = 0;

	for (const char *text = answer; (text = strstr(text, "\"state\":\"queued\"")); text++)
		count++;
	free(answer);
	return count;
}

/* One more, who waits. */
static int come_and_wait(void)
{
	unsigned before = queued();
	int fd = come();

	ck_assert(wait_until(queued() == before + 1, PEER_PATIENCE_MS));
	return fd;
}

static void count(unsigned counts[SERVERS], unsigned connections)
{
	memset(counts, 0, SERVERS * sizeof(*counts));
	for (unsigned i = 0; i < connections; i++) {
		char name = served_by(clients[i]);

		ck_assert_int_ge(name, 'a');
		counts[name - 'a']++;
	}
}

static void come_all(unsigned connections)
{
	for (unsigned i = 0; i < connections; i++)
		clients[i] = come();
}

static void go_all(unsigned connections)
{
	for (unsigned i = 0; i < connections; i++)
		close(clients[i]);
}

/* ---- Shares ---------------------------------------------------------------------------------- */

START_TEST(servers_get_the_share_of_their_weights)
{
	enum { ROUNDS = 8, SUM = 6 };
	unsigned counts[SERVERS];
	struct daemon *daemon;

	start_servers();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s weight=3\nserver = %s weight=2\n"
			      "server = %s\n",
			      front, at(0), at(1), at(2));
	come_all(ROUNDS * SUM);
	count(counts, ROUNDS * SUM);
	/* Of each worker at most one off. */
	for (unsigned i = 0; i < SERVERS; i++)
		ck_assert_int_le(abs((int)counts[i] - (int)(ROUNDS * (SERVERS - i))),
				 (int)daemon_modes[_i].workers);
	go_all(ROUNDS * SUM);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(the_fewest_connections_are_counted_over_all_workers)
{
	unsigned counts[SERVERS];
	struct daemon *daemon;

	start_servers();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nbalance = least_conn\nserver = %s\n"
			      "server = %s\nserver = %s\n",
			      front, at(0), at(1), at(2));
	/* One after the other is served, so that two workers never choose at the same moment. */
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		clients[i] = come();
		ck_assert(wait_until(server_accepted(servers[0]) + server_accepted(servers[1]) +
						     server_accepted(servers[2]) ==
					     i + 1,
				     PEER_PATIENCE_MS));
	}
	count(counts, CLIENTS_MAX);
	for (unsigned i = 0; i < SERVERS; i++)
		ck_assert_uint_eq(counts[i], CLIENTS_MAX / SERVERS);
	go_all(CLIENTS_MAX);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(a_backup_is_used_only_while_no_other_can_be)
{
	struct daemon *daemon;
	char address[64];
	int fd;

	start_servers();
	snprintf(address, sizeof(address), "%s", at(0));
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\nserver = %s backup\n", front,
			      at(0), at(1));
	for (unsigned i = 0; i < 8; i++) {
		fd = come();
		ck_assert_int_eq(served_by(fd), 'a');
		close(fd);
	}
	server_stop(servers[0]);
	fd = come();
	ck_assert_int_eq(served_by(fd), 'b');
	close(fd);
	servers[0] = server_start(address, say_name, (void *)"a");
	ck_assert_ptr_nonnull(servers[0]);
	fd = come();
	ck_assert_int_eq(served_by(fd), 'a');
	close(fd);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Clinging -------------------------------------------------------------------------------- */

/* From another address of the loopback. */
static char served_from(unsigned client)
{
	struct sockaddr_in source = {.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(0x7f000002 + client)};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(strchr(front, ':') + 1)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char letter;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&source, sizeof(source)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	letter = served_by(fd);
	close(fd);
	return letter;
}

START_TEST(a_client_clings_to_its_server_and_only_those_of_one_that_goes_move)
{
	/* A table that is made anew moves some in a thousand of the others, too. */
	enum { CLIENTS = 60, INNOCENT_MAX = 3 };
	char before[CLIENTS];
	unsigned counts[SERVERS] = {0}, moved = 0;
	struct daemon *daemon;

	start_servers();
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy p]\nlisten = %s\nbalance = source_hash\nserver = %s\n"
			       "server = %s\nserver = %s\n",
			       front, at(0), at(1), at(2));
	for (unsigned i = 0; i < CLIENTS; i++) {
		before[i] = served_from(i);
		ck_assert_int_ge(before[i], 'a');
		counts[before[i] - 'a']++;
	}
	for (unsigned i = 0; i < SERVERS; i++)
		ck_assert_uint_gt(counts[i], 0);
	/* In another order, and without the first. */
	edition_adopt("[proxy p]\nlisten = %s\nbalance = source_hash\nserver = %s\nserver = %s\n",
		      front, at(2), at(1));
	for (unsigned i = 0; i < CLIENTS; i++) {
		char now = served_from(i);

		ck_assert_int_ne(now, 'a');
		moved += before[i] != 'a' && now != before[i];
	}
	ck_assert_uint_le(moved, INNOCENT_MAX);
	edition_adopt("[proxy p]\nlisten = %s\nbalance = source_hash\nserver = %s\nserver = %s\n"
		      "server = %s\n",
		      front, at(2), at(0), at(1));
	for (unsigned i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(served_from(i), before[i]);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- Full ------------------------------------------------------------------------------------ */

START_TEST(without_a_queue_clients_of_full_servers_are_reset_at_once)
{
	struct daemon *daemon;
	int fd;

	start_servers();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s max_connections=1\n"
			      "server = %s max_connections=1 backup\n",
			      front, at(0), at(1));
	clients[0] = come();
	ck_assert_int_eq(served_by(clients[0]), 'a');
	clients[1] = come();
	ck_assert_int_eq(served_by(clients[1]), 'b');
	fd = come();
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, "every server has its max_connections (queue = off, ");
	close(clients[0]);
	ck_assert(server_wait_idle(servers[0]));
	ck_assert(wait_until(({
				     fd = come();
				     char letter = served_by(fd);
				     close(fd);
				     letter == 'a';
			     }),
			     PEER_PATIENCE_MS));
	close(clients[1]);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(who_waits_is_served_in_order)
{
	enum { CLIENTS = 6 };
	struct daemon *daemon;

	start_servers();
	daemon =
		edition_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nqueue = 10\nserver = %s max_connections=1\n",
			      front, at(0));
	for (unsigned i = 0; i < CLIENTS; i++) {
		clients[i] = i ? come_and_wait() : come();
		if (i == 0)
			ck_assert_int_eq(served_by(clients[0]), 'a');
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (i > 0)
			ck_assert_int_eq(served_by(clients[i]), 'a');
		for (unsigned later = i + 1; later < CLIENTS; later++)
			ck_assert(waits(clients[later]));
		ck_assert(peer_echoes(clients[i]));
		close(clients[i]);
	}
	daemon_wait_log(daemon, ", queued for ");
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(who_waits_too_long_or_is_one_too_many_is_reset_and_who_leaves_makes_room)
{
	struct daemon *daemon;
	int fd;

	start_servers();
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy p]\nlisten = %s\nqueue = 2\nqueue_timeout = 1500ms\n"
			       "server = %s max_connections=1\n",
			       front, at(0));
	clients[0] = come();
	ck_assert_int_eq(served_by(clients[0]), 'a');
	clients[1] = come_and_wait();
	clients[2] = come_and_wait();
	fd = come();
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, "no more could wait for a place at a server (queue = 2, ");
	peer_reset(clients[1]);
	daemon_wait_log(daemon, "client side while queued");
	clients[1] = come();
	ck_assert_int_eq(peer_wait_end(clients[2], PEER_PATIENCE_MS), PEER_RST);
	ck_assert_int_eq(peer_wait_end(clients[1], PEER_PATIENCE_MS), PEER_RST);
	daemon_wait_log(daemon, "no place at a server was free in time (queue_timeout = 1s500ms, ");
	go_all(3);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

START_TEST(who_waits_outlives_a_reload_and_more_room_is_seen)
{
	struct daemon *daemon;

	start_servers();
	daemon =
		edition_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nqueue = 10\nserver = %s max_connections=1\n",
			      front, at(0));
	clients[0] = come();
	ck_assert_int_eq(served_by(clients[0]), 'a');
	clients[1] = come_and_wait();
	clients[2] = come_and_wait();
	edition_adopt("[proxy p]\nlisten = %s\nqueue = 11\nserver = %s max_connections=1\n", front,
		      at(0));
	ck_assert(waits(clients[1]) && waits(clients[2]));
	edition_adopt("[proxy p]\nlisten = %s\nqueue = 11\nserver = %s max_connections=2\n", front,
		      at(0));
	ck_assert_int_eq(served_by(clients[1]), 'a');
	ck_assert(waits(clients[2]));
	close(clients[0]);
	ck_assert_int_eq(served_by(clients[2]), 'a');
	close(clients[1]);
	close(clients[2]);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

/* ---- A crowd --------------------------------------------------------------------------------- */

struct meter {
	_Atomic unsigned now, most;
};

/* How many there are at a time. */
static void measure(int fd, void *context)
{
	struct meter *meter = context;
	unsigned now = ++meter->now, most = meter->most;
	char byte;

	while (now > most && !atomic_compare_exchange_weak(&meter->most, &most, now))
		;
	while (recv(fd, &byte, 1, 0) == 1)
		(void)send(fd, &byte, 1, MSG_NOSIGNAL);
	/* Before the other side can know that it is over. */
	meter->now--;
	close(fd);
}

START_TEST(no_crowd_exceeds_max_connections_and_all_are_served)
{
	enum { CROWD = 200, LIMIT = 3 };
	struct meter meters[2] = {0};
	struct daemon *daemon;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (unsigned i = 0; i < 2; i++)
		servers[i] = server_start(NULL, measure, &meters[i]);
	servers[2] = NULL;
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy p]\nlisten = %s\nqueue = 1000\nqueue_timeout = 10min\n"
			       "balance = least_conn\nserver = %s max_connections=%u\n"
			       "server = %s max_connections=%u\n",
			       front, at(0), LIMIT, at(1), LIMIT);
	for (unsigned i = 0; i < CROWD; i++) {
		clients[i] = come();
		ck_assert_int_eq(peer_send_text(clients[i], "x"), 0);
	}
	/* Whoever is served goes, and then the next is, whichever that is. */
	for (unsigned served = 0; served < CROWD;) {
		unsigned before = served;

		for (unsigned i = 0; i < CROWD; i++) {
			char byte;

			if (clients[i] < 0 || recv(clients[i], &byte, 1, MSG_DONTWAIT) != 1)
				continue;
			close(clients[i]);
			clients[i] = -1;
			served++;
		}
		if (served == before)
			sleep_ms(1);
	}
	ck_assert_uint_eq(server_accepted(servers[0]) + server_accepted(servers[1]), CROWD);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_le(meters[i].most, LIMIT);
	daemon_stop(daemon);
	stop_servers();
}
END_TEST

SUITE_OF("daemon: pools", 120, IN_EACH_MODE(servers_get_the_share_of_their_weights),
	 IN_EACH_MODE(the_fewest_connections_are_counted_over_all_workers),
	 IN_BOTH_RINGS(a_backup_is_used_only_while_no_other_can_be),
	 IN_BOTH_RINGS(a_client_clings_to_its_server_and_only_those_of_one_that_goes_move),
	 IN_BOTH_RINGS(without_a_queue_clients_of_full_servers_are_reset_at_once),
	 IN_EACH_MODE(who_waits_is_served_in_order),
	 IN_EACH_MODE(who_waits_too_long_or_is_one_too_many_is_reset_and_who_leaves_makes_room),
	 IN_EACH_MODE(who_waits_outlives_a_reload_and_more_room_is_seen),
	 IN_EACH_MODE(no_crowd_exceeds_max_connections_and_all_are_served))
