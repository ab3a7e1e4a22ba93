/* Servers that an operator adds and removes, while clients come and go. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { A, B, C, SERVERS };
static char front[32], control[300], control_address[310];
static struct server *upstream[SERVERS];

/* A pool "p" of a and b, behind a proxy "web"; c runs and is in no file. */
static struct daemon *serve(int mode, const char *keys)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(control_address, sizeof(control_address), "unix:%s", control);
	setenv("URINGPROXY_CONTROL", control, 1);
	for (int i = 0; i < SERVERS; i++) {
		upstream[i] = server_start(NULL, server_echo, NULL);
		ck_assert_ptr_nonnull(upstream[i]);
	}
	return daemon_start(&daemon_modes[mode],
			    "[pool p]\n%sserver = %s name=a\nserver = %s name=b\n"
			    "[proxy web]\nlisten = %s\npool = p\n[control]\nlisten = %s\n"
			    "[log]\nlevel = info\n",
			    keys, server_address(upstream[A]), server_address(upstream[B]), front,
			    control_address);
}

static void stop(struct daemon *daemon)
{
	daemon_stop(daemon);
	for (int i = 0; i < SERVERS; i++)
		server_stop(upstream[i]);
}

static int connect_to_front(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

/* That many clients, one after the other, have gone there. */
static void expect_shares(unsigned a, unsigned b, unsigned c)
{
	const unsigned wanted[SERVERS] = {a, b, c};
	unsigned before[SERVERS];

	for (int i = 0; i < SERVERS; i++)
		before[i] = server_accepted(upstream[i]);
	for (unsigned i = 0; i < a + b + c; i++)
		close(connect_to_front());
	for (int i = 0; i < SERVERS; i++)
		ck_assert_uint_eq(server_accepted(upstream[i]) - before[i], wanted[i]);
}

static const char *address(int server)
{
	return server_address(upstream[server]);
}

START_TEST(a_server_is_added_takes_its_share_and_is_removed_again)
{
	struct daemon *daemon = serve(_i, "balance = least_conn\n");
	int fds[30];

	assert_run(0, ": up (added by an operator, until the next reload); weight 2, 0 connections",
		   RUN("server", "p/c", "add", address(C), "weight=2"));
	daemon_wait_log(daemon, " weight=2): added by user ");
	daemon_wait_log(daemon, ", until the next reload: 3 servers");
	daemon_wait_notify(daemon, ", 3 of 3 servers up, ");
	for (int i = 0; i < 8; i++)
		fds[i] = connect_to_front();
	ck_assert_uint_eq(server_accepted(upstream[C]), 4);
	assert_run(0, "p/c (127.0.0.1:", RUN("server", "p/c", "remove"));
	daemon_wait_log(daemon, "removed by user ");
	daemon_wait_log(daemon, ", until the next reload; it takes no new connections, and 4 go "
				"on");
	assert_run(0, ": gone (removed by an operator); ", RUN("server", "p/c"));
	assert_run(0, "removed by an operator", RUN("servers"));
	daemon_wait_notify(daemon, ", 2 of 2 servers up, ");
	for (int i = 8; i < 30; i++)
		fds[i] = connect_to_front();
	ck_assert_uint_eq(server_accepted(upstream[C]), 4);
	for (int i = 0; i < 30; i++) {
		ck_assert(peer_echoes(fds[i]));
		close(fds[i]);
	}
	stop(daemon);
}
END_TEST

START_TEST(what_is_wrong_is_said_and_nothing_has_changed)
{
	struct daemon *daemon = serve(0, "");
	int held;

	assert_run(4, "there is no pool called 'q'", RUN("server", "q/c", "add", address(C)));
	assert_run(1, "there is a server called 'a' in pool p, 127.0.0.1:",
		   RUN("server", "p/a", "add", address(C)));
	assert_run(1, "'localhost:80' is a host name", RUN("server", "p/c", "add", "localhost:80"));
	assert_run(1, "it is to be called 'c', and name= says 'd'",
		   RUN("server", "p/c", "add", address(C), "name=d"));
	assert_run(1, "weight: ", RUN("server", "p/c", "add", address(C), "weight=1000"));
	assert_run(1, "'c:d' is no name for a server", RUN("server", "p/c:d", "add", address(C)));
	assert_run(1, "leads back to a proxy of pool p", RUN("server", "p/c", "add", front));
	assert_run(64, "whom to add is an address", RUN("server", "p/c", "add"));
	assert_run(64, "'remove' is said alone", RUN("server", "p/a", "remove", "now"));
	assert_run(64, "'remove' is said alone", RUN("server", "p/a", "remove", "--for=1s"));
	assert_run(4, "there is no server called 'c' in pool p", RUN("server", "p/c", "remove"));
	assert_answer(control_address, "PUT", "/v1/servers/p/c", "{}", "HTTP/1.1 400", "server");
	assert_answer(control_address, "DELETE", "/v1/servers/p/a?now=1", "", "HTTP/1.1 400",
		      "now");
	held = connect_to_front();
	assert_run(0, ": gone (", RUN("server", "p/a", "remove"));
	assert_run(1, "'a' is removed already, and 1 of its connections go on",
		   RUN("server", "p/a", "remove"));
	assert_run(1, "'b' is the last server of pool p", RUN("server", "p/b", "remove"));
	assert_answer(control_address, "DELETE", "/v1/servers/p/b", "", "HTTP/1.1 409",
		      "add another one first, or drain it");
	expect_shares(0, 3, 0);
	ck_assert(peer_echoes(held));
	close(held);
	/* Its name is free, and it may come back. */
	assert_run(0, ": up (added ", RUN("server", "p/a", "add", address(C)));
	expect_shares(0, 2, 2);
	assert_run(0, ": gone (", RUN("server", "p/a", "remove"));
	assert_run(0, ": up (added ", RUN("server", "p/a", "add", address(A)));
	expect_shares(2, 2, 0);
	stop(daemon);
}
END_TEST

START_TEST(a_reload_has_what_the_file_says_and_tells_who_differs)
{
	struct daemon *daemon = serve(0, "balance = least_conn\n");
	int held;

	assert_run(0, ": up (added ", RUN("server", "p/c", "add", address(C), "weight=200"));
	held = connect_to_front();
	ck_assert_uint_eq(server_accepted(upstream[C]), 1);
	assert_run(0, ": gone (", RUN("server", "p/a", "remove"));
	assert_run(0, " serves\n", RUN("reload"));
	daemon_wait_log(daemon, "was removed by an operator, and the configuration has it: it "
				"takes connections again");
	daemon_wait_log(daemon, "was added by an operator, and the configuration has not got it: "
				"it takes no new connections, and 1 go on");
	expect_shares(2, 2, 0);
	assert_run(4, "there is no server called 'c' in pool p", RUN("server", "p/c"));
	ck_assert(peer_echoes(held));
	close(held);
	stop(daemon);
}
END_TEST

START_TEST(who_waits_goes_to_a_server_that_is_added)
{
	struct daemon *daemon = serve(_i, "queue = 10\nqueue_timeout = 10min\n");
	int held[2], waiting;

	assert_run(0, "", RUN("server", "p/a", "max_connections=1"));
	assert_run(0, "", RUN("server", "p/b", "max_connections=1"));
	for (int i = 0; i < 2; i++)
		held[i] = connect_to_front();
	waiting = peer_connect(front);
	assert_connected(waiting);
	ck_assert_int_eq(peer_wait_end(waiting, 100), PEER_SILENT);
	assert_run(0, ": up (added ", RUN("server", "p/c", "add", address(C)));
	ck_assert(peer_echoes(waiting));
	ck_assert_uint_eq(server_accepted(upstream[C]), 1);
	close(waiting);
	close(held[0]);
	close(held[1]);
	stop(daemon);
}
END_TEST

START_TEST(who_is_added_starts_slowly_where_that_is_said)
{
	struct daemon *daemon = serve(_i, "");
	unsigned share;

	assert_run(0, ": up (added ",
		   RUN("server", "p/c", "add", address(C), "weight=2", "slow_start=10min"));
	/* A tenth of 2, beside 1 and 1: 4 of 44, and each worker has its own turn. */
	for (int i = 0; i < 44; i++)
		close(connect_to_front());
	share = server_accepted(upstream[C]);
	ck_assert_uint_le(share, 9);
	stop(daemon);
}
END_TEST

START_TEST(what_a_host_name_stands_for_is_not_removed)
{
	unsigned port = port_reserve();
	struct daemon *daemon;
	char keys[80], name[40];

	snprintf(keys, sizeof(keys), "server = localhost:%u\nfamily = ipv4\n", port);
	snprintf(name, sizeof(name), "p/127.0.0.1:%u", port);
	daemon = serve(0, keys);
	assert_run(1, "is there because a host name stands for it, localhost",
		   RUN("server", name, "remove"));
	stop(daemon);
}
END_TEST

/* ---- Under load ------------------------------------------------------------------------------ */

enum { CLIENTS = 4 };
static atomic_bool over;
static atomic_uint turns, failed;

static void *come_and_go(void *unused)
{
	(void)unused;
	while (!over) {
		int fd = peer_connect(front);
		bool good = fd >= 0 && peer_echoes(fd) && peer_echoes(fd);

		atomic_fetch_add(good ? &turns : &failed, 1);
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

START_TEST(they_come_and_go_under_load_and_no_client_notices)
{
	struct daemon *daemon = serve(_i, "");
	pthread_t clients[CLIENTS];

	over = false;
	failed = 0;
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_create(&clients[i], NULL, come_and_go, NULL), 0);
	for (int round = 0; round < 20; round++) {
		unsigned accepted = server_accepted(upstream[C]), until;

		assert_run(0, ": up (added ", RUN("server", "p/c", "add", address(C)));
		ck_assert(wait_until(server_accepted(upstream[C]) > accepted, PEER_PATIENCE_MS));
		assert_run(0, ": gone (", RUN("server", "p/c", "remove"));
		until = turns + 2 * CLIENTS; /* whoever was on the way is through */
		ck_assert(wait_until(turns >= until || failed, PEER_PATIENCE_MS));
		accepted = server_accepted(upstream[C]);
		until = turns + 20;
		ck_assert(wait_until(turns >= until || failed, PEER_PATIENCE_MS));
		ck_assert_uint_eq(server_accepted(upstream[C]), accepted);
	}
	over = true;
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	ck_assert_uint_eq(failed, 0);
	stop(daemon);
}
END_TEST

SUITE_OF("daemon: servers added and removed", 120,
	 IN_EACH_MODE(a_server_is_added_takes_its_share_and_is_removed_again),
	 ONCE(what_is_wrong_is_said_and_nothing_has_changed),
	 ONCE(a_reload_has_what_the_file_says_and_tells_who_differs),
	 IN_EACH_MODE(who_waits_goes_to_a_server_that_is_added),
	 IN_EACH_MODE(who_is_added_starts_slowly_where_that_is_said),
	 ONCE(what_a_host_name_stands_for_is_not_removed),
	 IN_EACH_MODE(they_come_and_go_under_load_and_no_client_notices))
