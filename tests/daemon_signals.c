/* SIGTERM and SIGINT: stop accepting, let what runs finish, end with 0. */
#include "support/assert.h"
#include "support/child.h"
#include "support/crowd.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char echo[32], proxy[32];

static struct daemon *serve(int mode, const char *drain_timeout)
{
	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode],
			    "drain_timeout = %s\n"
			    "[echo]\nlisten = %s\n"
			    "[proxy front]\nlisten = %s\nserver = %s\n",
			    drain_timeout, echo, proxy, echo);
}

static bool is_refused(const char *address)
{
	int fd = peer_connect(address);

	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED;
}

static int idle_connection(const char *address)
{
	int fd = peer_connect(address);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

/* The readers are slow, so that megabytes are under way everywhere when the signal comes. */
static void assert_drains_on(int signal, int mode)
{
	struct server *upstream = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	struct crowd *crowd;

	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[mode],
			      "drain_timeout = 60s\n"
			      "[echo]\nlisten = %s\n"
			      "[proxy front]\nlisten = %s\nserver = %s\n",
			      echo, proxy, server_address(upstream));
	crowd = crowd_start(
		20, (const char *const[]){echo, proxy}, 2,
		&(struct transfer){.send = 8 << 20, .read_size = 64 << 10, .read_pause_ms = 5});
	ck_assert(crowd_wait_received(crowd, 256 << 10));
	daemon_signal(daemon, signal);
	daemon_wait_notify(daemon, "STOPPING=1");
	ck_assert(wait_until(is_refused(echo), PEER_PATIENCE_MS));
	ck_assert(wait_until(is_refused(proxy), PEER_PATIENCE_MS));
	ck_assert_msg(!daemon_has_exited(daemon), "it did not wait for the traffic");
	crowd_finish(crowd);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_stop(daemon);
	server_stop(upstream);
}

START_TEST(SIGTERM_loses_no_byte_of_what_is_under_way)
{
	assert_drains_on(SIGTERM, _i);
}
END_TEST

START_TEST(SIGINT_loses_no_byte_of_what_is_under_way)
{
	assert_drains_on(SIGINT, _i);
}
END_TEST

/* Both the traffic and the silence of a draining daemon: a connection idle at the signal can still
 * be used. */
START_TEST(a_connection_idle_at_the_signal_still_works_while_draining)
{
	struct daemon *daemon = serve(_i, "60s");
	int fd = idle_connection(echo);

	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	ck_assert(wait_until(is_refused(echo), PEER_PATIENCE_MS));
	ck_assert(peer_echoes(fd));
	close(fd);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_stop(daemon);
}
END_TEST

START_TEST(without_connections_it_ends_without_waiting)
{
	struct daemon *daemon = serve(_i, "10min");

	close(idle_connection(proxy));
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_idle_connection_is_cut_after_drain_timeout_and_the_log_names_the_key)
{
	struct daemon *daemon = serve(_i, "300ms");
	int direct = idle_connection(echo), through = idle_connection(proxy);

	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "drain_timeout"));
	ck_assert_int_ne(peer_wait_end(direct, PEER_PATIENCE_MS), PEER_SILENT);
	ck_assert_int_ne(peer_wait_end(through, PEER_PATIENCE_MS), PEER_SILENT);
	close(direct);
	close(through);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
	struct daemon *daemon = serve(_i, "10min");
	int direct = idle_connection(echo), through = idle_connection(proxy);

	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_signal(daemon, SIGINT);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "the daemon was stopped"));
	ck_assert(!daemon_log_contains(daemon, "drain timeout"));
	close(direct);
	close(through);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_next_one_can_listen_on_the_same_port_at_once)
{
	struct daemon *first = serve(_i, "60s"), *second;

	close(idle_connection(echo));
	daemon_stop(first);
	second = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\n", echo);
	close(idle_connection(echo));
	daemon_stop(second);
}
END_TEST

static void pour(int fd, void *unused)
{
	char buffer[65536] = {0};

	(void)unused;
	while (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) > 0)
		;
	close(fd);
}

/* In the middle of it: what follows is in the daemon's queues and in the kernel's. */
START_TEST(a_stream_cut_by_the_second_signal_does_not_look_complete)
{
	struct server *source = server_start(NULL, pour, NULL);
	struct daemon *daemon;
	char word[2];
	int fd;

	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[proxy source]\nlisten = %s\nserver = %s\n",
			      proxy, server_address(source));
	fd = peer_connect_small(proxy);
	assert_connected(fd);
	ck_assert_int_gt(recv(fd, word, sizeof(word), MSG_WAITALL), 0);
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_RST);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	close(fd);
	daemon_stop(daemon);
	server_stop(source);
}
END_TEST

/* What still waits in the kernel's queue when the listener closes is reset by the kernel; whatever
 * the daemon has accepted is served. */
START_TEST(a_signal_in_a_storm_of_connections_drops_none_it_has_accepted)
{
	struct daemon *daemon = serve(_i, "60s");
	int served = 0, fd, attempts = 0;

	while (attempts++ < 100000 && (fd = peer_connect(echo)) >= 0) {
		if (attempts == 500)
			daemon_signal(daemon, SIGTERM);
		if (peer_echoes(fd))
			served++;
		else
			ck_assert_msg(attempts > 500, "connection %d was dropped", attempts);
		close(fd);
	}
	ck_assert_int_ge(served, 500);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "accepted"), served);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: signals", 60, IN_EVERY_WAY(SIGTERM_loses_no_byte_of_what_is_under_way),
	 IN_BOTH_RINGS(SIGINT_loses_no_byte_of_what_is_under_way),
	 IN_BOTH_RINGS(a_connection_idle_at_the_signal_still_works_while_draining),
	 IN_EACH_MODE(without_connections_it_ends_without_waiting),
	 IN_EACH_MODE(an_idle_connection_is_cut_after_drain_timeout_and_the_log_names_the_key),
	 IN_EACH_MODE(a_second_signal_ends_it_at_once),
	 IN_BOTH_RINGS(a_stream_cut_by_the_second_signal_does_not_look_complete),
	 IN_BOTH_RINGS(the_next_one_can_listen_on_the_same_port_at_once),
	 IN_EACH_MODE(a_signal_in_a_storm_of_connections_drops_none_it_has_accepted))
