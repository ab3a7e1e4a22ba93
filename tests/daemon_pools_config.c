/*
 * Pools, as the configuration has them, in a daemon that runs: who has which servers, and what a
 * reload makes of it.
 */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/edition.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char inside[32], outside[32];

/* Servers that say who they are, and echo then. */
struct crowd_of_servers {
	struct server *server[3];
	char letter[3];
};

static void say_who(int fd, void *context)
{
	if (send(fd, context, 1, MSG_NOSIGNAL) == 1)
		server_echo(fd, NULL);
	else
		close(fd);
}

static void set_up(struct crowd_of_servers *crowd)
{
	snprintf(inside, sizeof(inside), "127.0.0.1:%u", port_reserve());
	snprintf(outside, sizeof(outside), "127.0.0.1:%u", port_reserve());
	for (int i = 0; i < 3; i++) {
		crowd->letter[i] = (char)('a' + i);
		crowd->server[i] = server_start(NULL, say_who, &crowd->letter[i]);
	}
}

static void tear_down(struct daemon *daemon, struct crowd_of_servers *crowd)
{
	daemon_stop(daemon);
	for (int i = 0; i < 3; i++)
		server_stop(crowd->server[i]);
}

static const char *address(const struct crowd_of_servers *crowd, int i)
{
	return server_address(crowd->server[i]);
}

/* A connection, and who it is with: 0 for nobody. */
static int connected(const char *where, char *ret_who)
{
	int fd = peer_connect(where);

	assert_connected(fd);
	*ret_who = 0;
	(void)!recv(fd, ret_who, 1, 0);
	return fd;
}

/* Who serves so many, one after the other, as letters. */
static const char *who_serves(const char *where, int count)
{
	static char who[40];

	for (int i = 0; i < count; i++)
		close(connected(where, &who[i]));
	who[count] = 0;
	return who;
}

static unsigned times(const char *text, char letter)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == letter;
	return count;
}

#define TWO_PROXIES                                                                                \
	"[proxy inside]\nlisten = %s\npool = shared\n"                                             \
	"[proxy outside]\nlisten = %s\npool = shared\n"

START_TEST(proxies_that_name_a_pool_have_its_servers)
{
	struct crowd_of_servers crowd;
	struct daemon *daemon;
	const char *who;

	set_up(&crowd);
	daemon = daemon_start(&daemon_modes[_i],
			      TWO_PROXIES "[pool shared]\nserver = %s\nserver = %s\n", inside,
			      outside, address(&crowd, 0), address(&crowd, 1));
	who = who_serves(inside, 8);
	ck_assert_uint_ge(times(who, 'a'), 3);
	ck_assert_uint_ge(times(who, 'b'), 3);
	who = who_serves(outside, 8);
	ck_assert_uint_ge(times(who, 'a'), 3);
	ck_assert_uint_ge(times(who, 'b'), 3);
	tear_down(daemon, &crowd);
}
END_TEST

/* What it may have is counted over both, and over all workers. */
START_TEST(what_a_server_may_have_holds_for_all_proxies_of_its_pool)
{
	struct crowd_of_servers crowd;
	struct daemon *daemon;
	int fds[12];
	char who[13] = "";

	set_up(&crowd);
	daemon = daemon_start(&daemon_modes[_i],
			      TWO_PROXIES
			      "[pool shared]\nserver = %s max_connections=3\nserver = %s\n",
			      inside, outside, address(&crowd, 0), address(&crowd, 1));
	for (int i = 0; i < 12; i++)
		fds[i] = connected(i % 2 ? inside : outside, &who[i]);
	ck_assert_uint_eq(times(who, 'a'), 3);
	ck_assert_uint_eq(times(who, 'b'), 9);
	for (int i = 0; i < 12; i++)
		close(fds[i]);
	tear_down(daemon, &crowd);
}
END_TEST

START_TEST(weights_and_backups_are_as_they_are_written)
{
	struct crowd_of_servers crowd;
	struct daemon *daemon;
	const char *who;

	set_up(&crowd);
	daemon = edition_start(&daemon_modes[_i],
			       "[proxy p]\nlisten = %s\n"
			       "server = %s weight=3\nserver = %s\nserver = %s backup\n",
			       inside, address(&crowd, 0), address(&crowd, 1), address(&crowd, 2));
	who = who_serves(inside, 32);
	ck_assert_uint_ge(times(who, 'a'), 22);
	ck_assert_uint_ge(times(who, 'b'), 6);
	ck_assert_uint_eq(times(who, 'a') + times(who, 'b'), 32);

	edition_adopt("[proxy p]\nlisten = %s\n"
		      "server = %s weight=0\nserver = %s disabled\nserver = %s backup\n",
		      inside, address(&crowd, 0), address(&crowd, 1), address(&crowd, 2));
	ck_assert_str_eq(who_serves(inside, 4), "cccc");
	tear_down(daemon, &crowd);
}
END_TEST

START_TEST(servers_move_into_a_pool_and_nobody_notices)
{
	struct crowd_of_servers crowd;
	struct daemon *daemon;
	char who;
	int old, new;

	set_up(&crowd);
	daemon = edition_start(&daemon_modes[_i], "[proxy inside]\nlisten = %s\nserver = %s\n",
			       inside, address(&crowd, 0));
	old = connected(inside, &who);
	edition_adopt("[proxy inside]\nlisten = %s\npool = p\n[pool p]\nserver = %s\n", inside,
		      address(&crowd, 1));
	ck_assert_uint_eq(edition_answered("[proxy inside] pool: none is p now"), 1);
	ck_assert_uint_eq(edition_answered("[pool p] is new"), 1);
	new = connected(inside, &who);
	ck_assert_int_eq(who, 'b');
	ck_assert(peer_echoes(old) && peer_echoes(new));

	edition_refuse("[pool p] is used by no proxy",
		       "[proxy inside]\nlisten = %s\npool = q\n[pool p]\nserver = %s\n", inside,
		       address(&crowd, 1));
	edition_adopt("[proxy inside]\nlisten = %s\npool = p\n[pool p]\nserver = %s\n"
		      "[proxy outside]\nlisten = %s\npool = p\n",
		      inside, address(&crowd, 2), outside);
	ck_assert(peer_echoes(old) && peer_echoes(new));
	ck_assert_str_eq(who_serves(inside, 2), "cc");
	ck_assert_str_eq(who_serves(outside, 2), "cc");
	close(old);
	close(new);
	tear_down(daemon, &crowd);
}
END_TEST

/* Of a proxy that has them from a pool, what governs its servers stands there. */
START_TEST(the_line_of_the_pool_is_named_where_it_governs)
{
	struct daemon *daemon;
	int fd;

	snprintf(inside, sizeof(inside), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy inside]\nlisten = %s\npool = far\n"
			      "[pool far]\nserver = %s\nconnect_timeout = 200ms\n",
			      inside, black_hole_address());
	fd = peer_connect(inside);
	assert_connected(fd);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, "connect_timeout = 200ms, [pool far] line ");
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: pools as configured", 60, IN_EACH_MODE(proxies_that_name_a_pool_have_its_servers),
	 IN_EACH_MODE(what_a_server_may_have_holds_for_all_proxies_of_its_pool),
	 IN_BOTH_RINGS(weights_and_backups_are_as_they_are_written),
	 IN_BOTH_RINGS(servers_move_into_a_pool_and_nobody_notices),
	 IN_BOTH_RINGS(the_line_of_the_pool_is_named_where_it_governs))
