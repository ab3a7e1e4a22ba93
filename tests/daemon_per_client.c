/* What one client may have and how fast it may come, and what one section may take from others. */
#include "base/compiler.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/network.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static char address[32], other[32];

static void reserve_addresses(void)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
}

static unsigned port_of(const char *text)
{
	return (unsigned)strtoul(strrchr(text, ':') + 1, NULL, 10);
}

static int connect_as(const void *own, const void *to, socklen_t length, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	ck_assert_int_ge(fd, 0);
	if (family == AF_INET6) /* every address of a network that is routed here */
		ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, own, length), 0);
	ck_assert_int_eq(connect(fd, to, length), 0);
	return fd;
}

/* A client at 127.0.0.0 and so many on. */
static int connect_from(uint32_t number, const char *to)
{
	struct sockaddr_in own = {.sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + number)};
	struct sockaddr_in server = {.sin_family = AF_INET,
				     .sin_port = htons((in_port_t)port_of(to)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return connect_as(&own, &server, sizeof(own), AF_INET);
}

/* Whether it is served, or refused. */
static bool is_served(int fd)
{
	return peer_echoes(fd);
}

/* Of so many more of that client, how many are served; they stay. */
static unsigned come(uint32_t client, const char *to, int *fds, unsigned count)
{
	unsigned served = 0;

	for (unsigned i = 0; i < count; i++)
		fds[i] = connect_from(client, to);
	for (unsigned i = 0; i < count; i++) {
		if (is_served(fds[i])) {
			fds[served++] = fds[i];
			continue;
		}
		close(fds[i]);
	}
	return served;
}

static void leave(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

/* ---- max_per_client ----------------------------------------------------------------------------
 */

START_TEST(a_client_has_so_many_connections_whatever_workers_they_come_to)
{
	struct daemon *daemon;
	int fds[60], others[5], fd;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "[defaults]\nmax_per_client = 5\n"
			      "[echo a]\nlisten = %s\n[echo b]\nlisten = %s\n",
			      address, other);
	ck_assert_uint_eq(come(2, address, fds, array_size(fds)), 5);
	/* Others are not concerned, and what it has elsewhere does not count. */
	ck_assert_uint_eq(come(3, address, others, 5), 5);
	leave(others, 5);
	ck_assert_uint_eq(come(2, other, others, 5), 5);
	leave(others, 5);
	/* One goes, and one may come. */
	close(fds[4]);
	ck_assert(wait_until((fd = connect_from(2, address), is_served(fd) || close(fd)),
			     PEER_PATIENCE_MS));
	ck_assert_uint_eq(come(2, address, &fds[5], 20), 0);
	leave(fds, 4);
	close(fd);

	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, " connections from about 1 address in "));
	ck_assert(daemon_log_contains(daemon, "their clients had max_per_client connections "
					      "already (max_per_client = 5, [defaults] line "));
	ck_assert_uint_ge(daemon_counter(daemon, "client_most"), 55 + 20);
	ck_assert_uint_eq(daemon_counter(daemon, "client_fast"), 0);
	daemon_free(daemon);
}
END_TEST

/* Each of many threads' connections is counted once, and let go once: the limit stays the limit. */
START_TEST(after_many_have_come_and_gone_the_limit_is_what_it_was)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	int fds[40];

	reserve_addresses();
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy p]\nlisten = %s\nserver = %s\nmax_per_client = 7\n", address,
			       server_address(echo));
	for (int round = 0; round < 10; round++) {
		ck_assert_uint_eq(come(2, address, fds, 40), 7);
		for (int i = 0; i < 7; i++)
			(round + i) % 2 ? peer_reset(fds[i]) : (void)close(fds[i]);
		ck_assert(wait_until(edition_status("connections") == 0, PEER_PATIENCE_MS));
	}
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* They have said their end, and are still connections. */
START_TEST(who_is_half_closed_counts)
{
	struct server *flood = server_start(NULL, server_flood, NULL);
	struct daemon *daemon;
	int fds[3], fd;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nserver = %s\nmax_per_client = 3\n", address,
			      server_address(flood));
	for (int i = 0; i < 3; i++) {
		fds[i] = connect_from(2, address);
		ck_assert_int_eq(shutdown(fds[i], SHUT_WR), 0);
	}
	ck_assert(wait_until(server_accepted(flood) == 3, PEER_PATIENCE_MS));
	for (int i = 0; i < 10; i++) {
		fd = connect_from(2, address);
		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
	}
	ck_assert_uint_eq(server_accepted(flood), 3);
	leave(fds, 3);
	daemon_stop(daemon);
	server_stop(flood);
}
END_TEST

START_TEST(a_reload_changes_the_limits_and_counts_who_is_there)
{
	static const char text[] = "[echo]\nlisten = %s\n%s\n";
	struct daemon *daemon;
	int fds[30];
	unsigned served = 0;

	reserve_addresses();
	daemon = edition_start(&daemon_modes[_i], text, address, "max_per_client = 4");
	ck_assert_uint_eq(come(2, address, fds, 10), 4);
	served = 4;
	edition_adopt(text, address, "max_per_client = 6");
	ck_assert_uint_eq(come(2, address, &fds[served], 10), 2);
	served = 6;
	edition_adopt(text, address, "max_per_client = 2");
	ck_assert_uint_eq(come(2, address, &fds[served], 10), 0);
	for (unsigned i = 0; i < served; i++)
		ck_assert(is_served(fds[i]));
	/* Off, nobody more is counted, and those that were are let go. */
	edition_adopt(text, address, "");
	ck_assert_uint_eq(come(2, address, &fds[served], 10), 10);
	leave(fds, 16);
	edition_await_last();
	edition_adopt(text, address, "max_per_client = 2");
	ck_assert_uint_eq(come(2, address, fds, 10), 2);
	/* Of another prefix it is another client: those of all its addresses together. */
	edition_adopt(text, address, "max_per_client = 3\nclient_prefix_v4 = 24");
	ck_assert_uint_eq(come(9, address, &fds[2], 10), 3);
	ck_assert_uint_eq(come(2, address, &fds[5], 10), 0);
	leave(fds, 5);
	edition_adopt(text, address, "client_rate = 4/d");
	ck_assert_uint_eq(come(2, address, fds, 10), 4);
	leave(fds, 4);
	/* What has come counts for a rate that is another from now on. */
	edition_adopt(text, address, "client_rate = 2/d");
	ck_assert_uint_eq(come(2, address, fds, 10), 0);
	edition_adopt(text, address, "");
	ck_assert_uint_eq(come(2, address, fds, 10), 10);
	leave(fds, 10);
	daemon_stop(daemon);
}
END_TEST

/* A stop waits for those who are counted, and lets them go. */
START_TEST(who_is_counted_is_served_to_the_end_of_a_drain)
{
	struct daemon *daemon;
	int fds[4];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\nmax_per_client = 4\n",
			      address);
	ck_assert_uint_eq(come(2, address, fds, 4), 4);
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	for (int i = 0; i < 4; i++)
		ck_assert(is_served(fds[i]));
	leave(fds, 4);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_free(daemon);
}
END_TEST

static int connect_v6(const char *own_address, unsigned port)
{
	struct sockaddr_in6 own = {.sin6_family = AF_INET6},
			    server = {.sin6_family = AF_INET6, .sin6_port = htons((in_port_t)port)};

	ck_assert_int_eq(inet_pton(AF_INET6, own_address, &own.sin6_addr), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::1", &server.sin6_addr), 1);
	return connect_as(&own, &server, sizeof(own), AF_INET6);
}

START_TEST(many_addresses_of_one_network_are_one_client)
{
	struct daemon *daemon;
	unsigned served[2] = {0};
	int fds[2][40];

	if (!network_own() || system("ip address add 2001:db8::1/128 dev lo") != 0 ||
	    system("ip -6 route add local 2001:db8::/32 dev lo") != 0)
		SKIP_TEST("no network of its own, or no IPv6 there");
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo]\nlisten = [2001:db8::1]:4000\nmax_per_client = 6\n");
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < 40; i++) {
			char own[64];

			snprintf(own, sizeof(own), "2001:db8:0:%x:%x::%x", n + 1, i * 1021, i + 1);
			fds[n][i] = connect_v6(own, 4000);
			served[n] += is_served(fds[n][i]);
		}
	ck_assert_uint_eq(served[0], 6);
	ck_assert_uint_eq(served[1], 6);
	leave(fds[0], 80);
	daemon_stop(daemon);
}
END_TEST

/* All come from one load balancer, and none of them is it. */
START_TEST(it_is_the_client_that_a_header_names)
{
	struct daemon *daemon;
	unsigned served[2] = {0};
	int fds[20];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo]\nlisten = %s\naccept_proxy = v1\nmax_per_client = 3\n",
			      address);
	for (unsigned i = 0; i < 20; i++) {
		char header[100];

		snprintf(header, sizeof(header), "PROXY TCP4 192.0.2.%u 192.0.2.80 %u 80\r\n",
			 i % 2 + 1, 1000 + i);
		fds[i] = connect_from(2, address);
		ck_assert_int_eq(peer_send_text(fds[i], header), 0);
		served[i % 2] += is_served(fds[i]);
	}
	ck_assert_uint_eq(served[0], 3);
	ck_assert_uint_eq(served[1], 3);
	leave(fds, 20);
	daemon_stop(daemon);
}
END_TEST

START_TEST(who_connects_to_a_unix_socket_is_no_client_in_this_sense)
{
	char path[300];
	struct daemon *daemon;
	int fds[20];

	snprintf(path, sizeof(path), "unix:%s/echo-%d", suite_dir(), _i);
	daemon =
		daemon_start(&daemon_modes[_i],
			     "[echo]\nlisten = %s\nmax_per_client = 1\nclient_rate = 1/1h\n", path);
	for (int i = 0; i < 20; i++) {
		fds[i] = peer_connect(path);
		assert_connected(fds[i]);
		ck_assert(is_served(fds[i]));
	}
	leave(fds, 20);
	daemon_stop(daemon);
}
END_TEST

/* ---- The table ---------------------------------------------------------------------------------
 */

START_TEST(where_the_table_is_full_everybody_is_let_in_and_who_is_counted_stays_counted)
{
	enum { CLIENTS = 2500, PLACES = 2048, LOOKED_AT = 100 };
	static int fds[CLIENTS];
	unsigned refused = 0, full;
	struct rlimit limit;
	struct daemon *daemon;
	char text[200];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 4 * CLIENTS)
		SKIP_TEST("RLIMIT_NOFILE is %llu", (unsigned long long)limit.rlim_max);
	reserve_addresses();
	snprintf(text, sizeof(text),
		 "client_memory = 64K\n[echo]\nlisten = %s\nmax_per_client = 1\n", address);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = text, .nofile = 4 * CLIENTS});
	daemon_wait_ready(daemon);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		fds[i] = connect_from(2 + i, address);
		ck_assert_msg(is_served(fds[i]), "client %u is refused", i);
	}
	/* The first came when there was room for all. */
	for (uint32_t i = 0; i < LOOKED_AT; i++) {
		int fd = connect_from(2 + i, address);

		refused += !is_served(fd);
		close(fd);
	}
	ck_assert_uint_eq(refused, LOOKED_AT);
	leave(fds, CLIENTS);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	full = (unsigned)daemon_counter(daemon, "client_table_full");
	ck_assert_uint_ge(full, CLIENTS - PLACES);
	daemon_free(daemon);
}
END_TEST

/* ---- client_rate -------------------------------------------------------------------------------
 */

START_TEST(so_many_come_at_once_and_the_rest_are_refused)
{
	struct daemon *daemon;
	int fds[30];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo]\nlisten = %s\nclient_rate = 9/1d\n[echo b]\nlisten = %s\n",
			      address, other);
	ck_assert_uint_eq(come(2, address, fds, 30), 9);
	leave(fds, 9);
	/* It is how often it comes, not how many there are. */
	ck_assert_uint_eq(come(2, address, fds, 5), 0);
	ck_assert_uint_eq(come(3, address, fds, 30), 9);
	leave(fds, 9);
	ck_assert_uint_eq(come(2, other, fds, 20), 20);
	leave(fds, 20);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "their clients connected faster than client_rate "
					      "(client_rate = 9/d, [echo] line "));
	ck_assert_uint_eq(daemon_counter(daemon, "client_fast"), 21 + 5 + 21);
	daemon_free(daemon);
}
END_TEST

/* ---- accept_rate -------------------------------------------------------------------------------
 */

START_TEST(nobody_is_accepted_faster_and_nobody_is_refused)
{
	enum { CLIENTS = 15, EVERY_MS = 50, AHEAD_MS = 20 };
	struct daemon *daemon;
	int fds[CLIENTS];
	int64_t began;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_rate = 20/s\n",
			      address);
	began = clock_ms();
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = connect_from(2, address);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert(is_served(fds[i]));
	ck_assert_int_ge(clock_ms() - began, (CLIENTS - 1) * EVERY_MS - AHEAD_MS - EVERY_MS);
	leave(fds, CLIENTS);
	daemon_wait_log(daemon, "accepting no faster for [echo]: accept_rate = 20/s, [echo] line ");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "refused"), 0);
	ck_assert_uint_ge(daemon_counter(daemon, "paused_rate"), 1);
	daemon_free(daemon);
}
END_TEST

/* Who waits for a turn that is hours away is accepted as soon as there are turns again. */
START_TEST(a_reload_changes_the_pace_at_once)
{
	struct daemon *daemon;
	int fds[20];

	reserve_addresses();
	daemon = edition_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_rate = 1/1d\n",
			       address);
	for (int i = 0; i < 20; i++)
		fds[i] = connect_from(2, address);
	daemon_wait_log(daemon, "accepting no faster for [echo]");
	edition_adopt("[echo]\nlisten = %s\naccept_rate = 1000/s\n", address);
	for (int i = 0; i < 20; i++)
		ck_assert(is_served(fds[i]));
	edition_adopt("[echo]\nlisten = %s\naccept_rate = 1/1d\n", address);
	leave(fds, 20);
	for (int i = 0; i < 10; i++)
		fds[i] = connect_from(2, address);
	edition_adopt("[echo]\nlisten = %s\n", address);
	for (int i = 0; i < 10; i++)
		ck_assert(is_served(fds[i]));
	leave(fds, 10);
	daemon_stop(daemon);
}
END_TEST

/* It would be lost. */
START_TEST(what_waits_at_a_stop_is_served_whatever_the_pace)
{
	struct daemon *daemon;
	int fds[10];

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\naccept_rate = 1/1d\n",
			      address);
	for (int i = 0; i < 10; i++)
		fds[i] = connect_from(2, address);
	daemon_wait_log(daemon, "accepting no faster for [echo]");
	daemon_signal(daemon, SIGTERM);
	for (int i = 0; i < 10; i++)
		ck_assert(is_served(fds[i]));
	leave(fds, 10);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_free(daemon);
}
END_TEST

/* ---- What is kept for each section -------------------------------------------------------------
 */

START_TEST(a_section_that_is_flooded_leaves_a_place_to_each_other)
{
	enum { ALL = 30, KEPT = 1 };
	struct daemon *daemon;
	int fds[ALL + 10], fd;

	reserve_addresses();
	daemon = daemon_start(&daemon_modes[_i],
			      "max_connections = %d\n[echo a]\nlisten = %s\n"
			      "[echo b]\nlisten = %s\n[discard]\nlisten = 127.0.0.1:%u\n",
			      ALL, address, other, port_reserve());
	for (int i = 0; i < ALL + 10; i++) {
		fds[i] = connect_from(2, address);
		ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
	}
	daemon_wait_log(daemon, "paused accepting for [echo a]: max_connections is reached, but "
				"for 2 places kept for other sections; raise it: ");
	fd = connect_from(3, other);
	ck_assert(is_served(fd));
	close(fd);
	/* And who waited is served when there is room. */
	for (int i = 0; i < ALL + 10; i++) {
		char got[2];

		ck_assert_int_eq(peer_receive_text(fds[i], got, 2, NULL), 1);
		close(fds[i]);
	}
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon per client", 120,
	 IN_EACH_MODE(a_client_has_so_many_connections_whatever_workers_they_come_to),
	 IN_EACH_MODE(after_many_have_come_and_gone_the_limit_is_what_it_was),
	 IN_BOTH_RINGS(who_is_half_closed_counts),
	 IN_EACH_MODE(a_reload_changes_the_limits_and_counts_who_is_there),
	 IN_EACH_MODE(who_is_counted_is_served_to_the_end_of_a_drain),
	 IN_EACH_MODE(many_addresses_of_one_network_are_one_client),
	 IN_EACH_MODE(it_is_the_client_that_a_header_names),
	 IN_BOTH_RINGS(who_connects_to_a_unix_socket_is_no_client_in_this_sense),
	 IN_EACH_MODE(where_the_table_is_full_everybody_is_let_in_and_who_is_counted_stays_counted),
	 IN_EACH_MODE(so_many_come_at_once_and_the_rest_are_refused),
	 IN_BOTH_RINGS(nobody_is_accepted_faster_and_nobody_is_refused),
	 IN_EACH_MODE(a_reload_changes_the_pace_at_once),
	 IN_EACH_MODE(what_waits_at_a_stop_is_served_whatever_the_pace),
	 IN_EACH_MODE(a_section_that_is_flooded_leaves_a_place_to_each_other))
