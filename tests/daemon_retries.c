/* Servers that cannot be reached, and how often a client is sent on to another. */
#include "base/compiler.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <stdio.h>
#include <unistd.h>

static char front[64], dead[2][64];
static struct server *echo;

static void prepare(void)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	for (unsigned i = 0; i < 2; i++)
		snprintf(dead[i], sizeof(dead[i]), "127.0.0.1:%u", port_reserve());
	echo = server_start(NULL, server_echo, NULL);
}

static int come(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

/* Two that refuse, one after the other, and behind them one that is well. */
static struct daemon *start(int mode, const char *keys)
{
	return daemon_start(&daemon_modes[mode],
			    "[proxy p]\nlisten = %s\n%sserver = %s\nserver = %s priority=1\n"
			    "server = %s priority=2\n",
			    front, keys, dead[0], dead[1], server_address(echo));
}

START_TEST(a_client_is_sent_on_as_often_as_retries_says)
{
	static const struct {
		const char *keys;
		unsigned tried;
		bool served;
	} ways[] = {{"retries = 0\n", 1, false},
		    {"retries = 1\n", 2, false},
		    {"retries = 2\n", 2, true},
		    {"retries = all\n", 2, true}};

	for (size_t i = 0; i < array_size(ways); i++) {
		struct daemon *daemon;
		int fd;

		prepare();
		daemon = start(_i, ways[i].keys);
		fd = come();
		if (ways[i].served)
			ck_assert(peer_echoes(fd));
		else
			ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
		daemon_wait_log(daemon, ways[i].served ? "both sides finished"
						       : "no server accepted: connection refused");
		ck_assert(wait_until(daemon_log_count(daemon, ", tried ") == ways[i].tried,
				     PEER_PATIENCE_MS));
		daemon_stop(daemon);
		server_stop(echo);
	}
}
END_TEST

START_TEST(a_client_is_sent_on_within_retry_timeout_only)
{
	static const char *const keys[] = {"", "retry_timeout = 100ms\n"};

	for (unsigned i = 0; i < 2; i++) {
		struct daemon *daemon;
		int fd;

		prepare();
		daemon = daemon_start(&daemon_modes[_i],
				      "[proxy p]\nlisten = %s\nconnect_timeout = 300ms\n%s"
				      "server = %s\nserver = %s backup\n",
				      front, keys[i], black_hole_address(), server_address(echo));
		fd = come();
		if (i == 0)
			ck_assert(peer_echoes(fd));
		else
			ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
		daemon_stop(daemon);
		server_stop(echo);
	}
}
END_TEST

/* Nothing is waited for that will not come. */
START_TEST(who_finds_no_server_is_told_at_once)
{
	struct daemon *daemon;
	int fd;

	prepare();
	daemon = daemon_start(&daemon_modes[_i],
			      "[proxy p]\nlisten = %s\nconnect_timeout = 10min\n"
			      "server = %s disabled\n",
			      front, server_address(echo));
	fd = come();
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	close(fd);
	daemon_wait_log(daemon, "no server takes connections, or none is known yet, ");
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: retries", 60, IN_BOTH_RINGS(a_client_is_sent_on_as_often_as_retries_says),
	 IN_BOTH_RINGS(a_client_is_sent_on_within_retry_timeout_only),
	 IN_BOTH_RINGS(who_finds_no_server_is_told_at_once))
