/* What a connect leads to besides a server that answers, and what the first moments are like. */
#include "session/handshake.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/network.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <stdio.h>
#include <unistd.h>

static char front[64];

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

/* ---- a connect that meets itself ---- */

/* Four ports to come from, and the server's is one of them: most attempts would meet themselves. */
static const char *const selves[] = {"127.0.0.1:40002", "[::1]:40002"};
enum { SELVES = sizeof(selves) / sizeof(selves[0]), ATTEMPTS = 60 };

START_TEST(a_connect_that_meets_itself_is_refused_and_the_server_can_have_its_port)
{
	const char *address = selves[_i / DAEMON_RINGS];
	struct server *echo;
	struct daemon *daemon;
	int fd;

	if (!network_own())
		SKIP_TEST("no network namespace may be made here");
	snprintf(front, sizeof(front), "unix:%s/front", suite_dir());
	ck_assert(network_set("ip_local_port_range", "40000 40003"));
	daemon = daemon_start(&daemon_modes[_i % DAEMON_RINGS],
			      "[proxy p]\nlisten = %s\nserver = %s\n", front, address);
	for (int i = 0; i < ATTEMPTS; i++) {
		char got[8];

		fd = connected();
		(void)peer_send_text(fd, "mine"); /* unless it is closed already */
		ck_assert_int_le(peer_receive_text(fd, got, sizeof(got), NULL), 0);
		close(fd);
	}
	ck_assert_uint_eq(daemon_log_count(daemon, "cannot connect: Connection refused"), 1);
	echo = server_start(address, server_echo, NULL);
	ck_assert_ptr_nonnull(echo);
	fd = connected();
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* ---- the first exchange ---- */

static void speak_first(void)
{
	for (int i = 0; i < HANDSHAKE_LEARN; i++) {
		int fd = connected();

		ck_assert(peer_echoes(fd));
		close(fd);
	}
}

/* Directly it would see a connection that is reset; a RST behind an acknowledgement that is held
 * back it never does. */
START_TEST(a_client_that_resets_at_once_is_seen_by_a_server_that_is_spoken_to_first)
{
	enum { RESETS = 20 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[proxy p]\nlisten = %s\nserver = %s\n", front,
			      server_address(echo));
	speak_first();
	for (unsigned i = 1; i <= RESETS; i++) {
		peer_reset(connected());
		ck_assert(
			wait_until(server_accepted(echo) == HANDSHAKE_LEARN + i, PEER_PATIENCE_MS));
	}
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* ---- a server that comes and goes ---- */

/* At level info, since debug is where a line per connection belongs. */
START_TEST(a_server_that_flaps_is_two_lines_in_the_log)
{
	enum { FLAPS = 30 };
	char back[32];
	struct daemon *daemon;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(back, sizeof(back), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[log]\nlevel = info\n[proxy p]\nlisten = %s\nserver = %s\n", front,
			      back);
	for (int i = 0; i < FLAPS; i++) {
		int fd = connected();
		struct server *echo;

		ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
		close(fd);
		echo = server_start(back, server_echo, NULL);
		ck_assert_ptr_nonnull(echo);
		fd = connected();
		ck_assert(peer_echoes(fd));
		close(fd);
		server_stop(echo);
	}
	/* On a machine that stands still for a second now and then, some more. */
	daemon_wait_log(daemon, "connected again after");
	ck_assert_uint_le(daemon_log_count(daemon, "[proxy p] server"), 8);
	ck_assert(wait_until(daemon_log_count(daemon, "cannot connect: Connection refused") ==
				     daemon_log_count(daemon, "connected again after"),
			     PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: connecting", 60,
	 EACH(a_connect_that_meets_itself_is_refused_and_the_server_can_have_its_port,
	      SELVES *DAEMON_RINGS),
	 IN_BOTH_RINGS(a_server_that_flaps_is_two_lines_in_the_log),
	 IN_BOTH_RINGS(a_client_that_resets_at_once_is_seen_by_a_server_that_is_spoken_to_first))
