/* Which server a connection goes to, as the servers see it. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/server.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVERS 4
#define CLIENTS 64

static char front[32];

/* Each says its name, and then waits for the end. */
static const char names[] = "abcd";
static struct upstream {
	struct server *server;
	const char *name;
} upstreams[SERVERS];

static void introduce(int fd, void *context)
{
	const char text[] = {*(const char *)context, '\n', '\0'};

	(void)peer_send_text(fd, text);
	(void)peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

static void start_upstreams(unsigned count)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (unsigned i = 0; i < count; i++) {
		upstreams[i].name = &names[i];
		upstreams[i].server = server_start(NULL, introduce, (void *)&names[i]);
		ck_assert_ptr_nonnull(upstreams[i].server);
	}
}

static void turn_upstreams(unsigned count)
{
	for (unsigned i = 0; i < count / 2; i++) {
		struct upstream moved = upstreams[i];

		upstreams[i] = upstreams[count - 1 - i];
		upstreams[count - 1 - i] = moved;
	}
}

static void stop_upstreams(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		server_stop(upstreams[i].server);
}

/* A proxy to as many servers as there are options for, NULL ends them, and further keys. */
static const char *section(const char *keys, const char *const *options)
{
	static char text[2048];
	int length = snprintf(text, sizeof(text), "[proxy a]\nlisten = %s\n%s", front, keys);

	for (unsigned i = 0; options[i]; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "server = %s name=%c %s\n", server_address(upstreams[i].server),
				   *upstreams[i].name, options[i]);
	return text;
}

static struct daemon *proxy(int mode, const char *keys, const char *const *options)
{
	return daemon_start(&daemon_modes[mode], "%s", section(keys, options));
}

/* Who has it: 0 is the first server, -1: nobody. */
static int answered_by(int fd)
{
	char name[8];

	if (peer_receive_text(fd, name, sizeof(name), "\n") <= 0)
		return -1;
	return name[0] - 'a';
}

/* A connection, to be closed, and which server has it. */
static int connect_one(int *ret_server)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	*ret_server = answered_by(fd);
	return fd;
}

/* So many, one after the other, that stay open: how many each server has. */
static void connect_all(unsigned count, int *ret_fds, unsigned *counts)
{
	for (unsigned i = 0; i < count; i++) {
		int server;

		ret_fds[i] = connect_one(&server);
		ck_assert_int_ge(server, 0);
		counts[server]++;
	}
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

START_TEST(the_fewest_are_counted_over_all_workers)
{
	unsigned counts[SERVERS] = {0};
	int fds[CLIENTS];
	struct daemon *daemon;

	start_upstreams(3);
	daemon = proxy(_i, "balance = least_conn\n",
		       (const char *const[]){"", "weight=2", "weight=1", NULL});
	connect_all(40, fds, counts);
	ck_assert_uint_eq(counts[0], 10);
	ck_assert_uint_eq(counts[1], 20);
	ck_assert_uint_eq(counts[2], 10);
	close_all(fds, 40);
	daemon_stop(daemon);
	stop_upstreams(3);
}
END_TEST

enum { MANY = 1000, FEW = 3 };

/* A place to connect to where nobody accepts. */
static int listen_for_many(char address[32])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
	ck_assert_int_eq(listen(fd, MANY), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

static unsigned accept_all(int fd)
{
	unsigned count = 0;
	int client;

	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		count++;
		close(client);
	}
	return count;
}

START_TEST(of_a_thousand_each_of_three_has_its_third_within_one)
{
	const struct rlimit limit = {4 * MANY, 4 * MANY};
	unsigned counts[FEW] = {0};
	char addresses[FEW][32];
	int listeners[FEW], fds[MANY];
	struct daemon *daemon;

	setrlimit(RLIMIT_NOFILE, &limit);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (unsigned i = 0; i < FEW; i++)
		listeners[i] = listen_for_many(addresses[i]);
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy a]\nlisten = %s\nbalance = least_conn\nserver = %s\n"
			      "server = %s\nserver = %s\n[log]\nlevel = info\n",
			      front, addresses[0], addresses[1], addresses[2]);
	for (unsigned i = 0; i < MANY; i++) {
		fds[i] = peer_connect(front);
		assert_connected(fds[i]);
		(void)peer_send_text(fds[i], "x");
	}
	/* Nobody leaves before all are there. */
	ck_assert(wait_until(daemon_open_fds(daemon) >= 2 * MANY, PEER_PATIENCE_MS));
	for (unsigned i = 0; i < FEW; i++)
		counts[i] = accept_all(listeners[i]);
	for (unsigned i = 0; i < FEW; i++) {
		ck_assert_uint_ge(counts[i], MANY / FEW);
		ck_assert_uint_le(counts[i], MANY / FEW + 1);
	}
	close_all(fds, MANY);
	close_all(listeners, FEW);
	daemon_stop(daemon);
}
END_TEST

START_TEST(in_turn_each_has_its_weights_share)
{
	unsigned counts[SERVERS] = {0};
	int fds[CLIENTS];
	struct daemon *daemon;

	start_upstreams(3);
	daemon = proxy(_i, "", (const char *const[]){"weight=10", "weight=20", "weight=10", NULL});
	connect_all(60, fds, counts);
	/* A worker is never a whole turn before or behind. */
	ck_assert(counts[0] >= 13 && counts[0] <= 17);
	ck_assert(counts[1] >= 28 && counts[1] <= 32);
	ck_assert(counts[2] >= 13 && counts[2] <= 17);
	close_all(fds, 60);
	daemon_stop(daemon);
	stop_upstreams(3);
}
END_TEST

/* A place at that server, as soon as there is one. */
static int connect_to(int server)
{
	int64_t began_ms = clock_ms();

	while (clock_ms() - began_ms < PEER_PATIENCE_MS) {
		int answered, fd = connect_one(&answered);

		if (answered == server)
			return fd;
		close(fd);
	}
	ck_abort_msg("the server has no room again");
}

/* They are accepted together; who came too late is told, and is nobody's. */
static void connect_at_once(struct daemon *daemon, int *ret_fds, int *ret_servers, unsigned *counts)
{
	daemon_signal(daemon, SIGSTOP);
	for (int i = 0; i < CLIENTS; i++) {
		ret_fds[i] = peer_connect(front);
		assert_connected(ret_fds[i]);
	}
	daemon_signal(daemon, SIGCONT);
	for (int i = 0; i < CLIENTS; i++) {
		ret_servers[i] = answered_by(ret_fds[i]);
		if (ret_servers[i] >= 0)
			counts[ret_servers[i]]++;
	}
}

START_TEST(a_server_has_no_more_than_it_may_however_many_come_at_once)
{
	const char *const options[] = {"max_connections=7", "max_connections=3", NULL};
	unsigned counts[SERVERS] = {0};
	int fds[CLIENTS], servers[CLIENTS];
	struct daemon *daemon;

	start_upstreams(2);
	daemon = proxy(_i, "balance = least_conn\nconnect_timeout = 1s\n", options);
	connect_at_once(daemon, fds, servers, counts);
	ck_assert_uint_eq(counts[0], 7);
	ck_assert_uint_eq(counts[1], 3);
	for (int i = 0, again = 2; i < CLIENTS && again > 0; i++) {
		if (servers[i] < 0)
			continue;
		close(fds[i]);
		fds[i] = connect_to(servers[i]);
		again--;
	}
	close_all(fds, CLIENTS);
	daemon_stop(daemon);
	stop_upstreams(2);
}
END_TEST

START_TEST(backups_are_for_when_nobody_else_has_room)
{
	const char *const options[] = {"max_connections=4", "backup", "priority=5", "weight=0",
				       NULL};
	unsigned counts[SERVERS] = {0};
	int fds[CLIENTS];
	struct daemon *daemon;

	start_upstreams(4);
	daemon = proxy(_i, "balance = random_two\n", options);
	connect_all(4, fds, counts);
	ck_assert_uint_eq(counts[0], 4);
	connect_all(4, fds + 4, counts);
	ck_assert_uint_eq(counts[2], 4); /* of priority 5, and before those of the backup */
	close_all(fds + 4, 4);
	server_stop(upstreams[2].server);
	connect_all(4, fds + 4, counts);
	ck_assert_uint_eq(counts[1], 4);
	ck_assert_uint_eq(counts[3], 0);
	close_all(fds, 8);
	daemon_stop(daemon);
	server_stop(upstreams[0].server);
	server_stop(upstreams[1].server);
	server_stop(upstreams[3].server);
}
END_TEST

/* A server of the same name and address is the same after a reload, with what it has. */
START_TEST(after_a_reload_connections_from_before_count)
{
	unsigned counts[SERVERS] = {0};
	int fds[CLIENTS];
	struct daemon *daemon;

	start_upstreams(2);
	daemon = edition_start(&daemon_modes[_i], "%s",
			       section("balance = least_conn\n", (const char *const[]){"", NULL}));
	connect_all(12, fds, counts);
	edition_adopt("%s", section("balance = least_conn\n", (const char *const[]){"", "", NULL}));
	connect_all(12, fds + 12, counts);
	ck_assert_uint_eq(counts[0], 12);
	ck_assert_uint_eq(counts[1], 12);
	close_all(fds, 24);
	daemon_stop(daemon);
	stop_upstreams(2);
}
END_TEST

/* ---- By the client's address ----------------------------------------------------------------- */

/* From 127.0.1.N. */
static int connect_from(uint8_t number)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(0x7f000100u + number)};
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(strchr(front, ':') + 1)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	server = answered_by(fd);
	close(fd);
	return server;
}

static void connect_from_all(int *ret_servers)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		ret_servers[i] = connect_from((uint8_t)i);
		ck_assert_int_ge(ret_servers[i], 0);
		ck_assert_int_eq(connect_from((uint8_t)i), ret_servers[i]);
	}
}

START_TEST(a_client_has_the_server_of_the_same_name_in_every_daemon)
{
	const char *const options[] = {"", "", "", NULL};
	unsigned counts[3] = {0};
	int first[CLIENTS], second[CLIENTS];
	struct daemon *daemon;

	start_upstreams(3);
	daemon = proxy(_i, "balance = source_hash\n", options);
	connect_from_all(first);
	daemon_stop(daemon);
	for (unsigned i = 0; i < CLIENTS; i++)
		counts[first[i]]++;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_gt(counts[i], CLIENTS / 10);

	/* The same names at other addresses, and in another order. */
	stop_upstreams(3);
	start_upstreams(3);
	turn_upstreams(3);
	daemon = proxy(_i, "balance = source_hash\n", options);
	connect_from_all(second);
	daemon_stop(daemon);
	for (unsigned i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(first[i], second[i]);
	stop_upstreams(3);
}
END_TEST

START_TEST(when_a_server_goes_its_clients_spread_and_all_others_stay)
{
	unsigned counts[3] = {0};
	int before[CLIENTS], after[CLIENTS];
	struct daemon *daemon;

	start_upstreams(3);
	daemon = proxy(_i, "balance = source_hash\n", (const char *const[]){"", "", "", NULL});
	connect_from_all(before);
	server_stop(upstreams[1].server);
	connect_from_all(after);
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (before[i] != 1)
			ck_assert_int_eq(before[i], after[i]);
		else
			counts[after[i]]++;
	}
	ck_assert_uint_eq(counts[1], 0);
	ck_assert(counts[0] > 0 && counts[2] > 0);
	daemon_stop(daemon);
	server_stop(upstreams[0].server);
	server_stop(upstreams[2].server);
}
END_TEST

/* clang-format off */
SUITE_OF("daemon balance", 120,
	 IN_EACH_MODE(the_fewest_are_counted_over_all_workers),
	 IN_EACH_MODE(of_a_thousand_each_of_three_has_its_third_within_one),
	 IN_EACH_MODE(in_turn_each_has_its_weights_share),
	 IN_EACH_MODE(a_server_has_no_more_than_it_may_however_many_come_at_once),
	 IN_EACH_MODE(backups_are_for_when_nobody_else_has_room),
	 IN_EACH_MODE(after_a_reload_connections_from_before_count),
	 IN_EACH_MODE(a_client_has_the_server_of_the_same_name_in_every_daemon),
	 IN_EACH_MODE(when_a_server_goes_its_clients_spread_and_all_others_stay))
/* clang-format on */
