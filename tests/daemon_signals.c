/* SIGTERM and SIGINT: stop accepting, let what runs finish, end with 0. */
#include "support/assert.h"
#include "support/child.h"
#include "support/crowd.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char echo[32], proxy[32], source[32];

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
	crowd_finish(crowd); /* of whom each gets all of his, so that it waits for them */
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

START_TEST(while_it_drains_the_service_manager_is_asked_for_patience_and_the_watchdog_fed)
{
	static const char *const watched[] = {"WATCHDOG_USEC=200000", NULL};
	struct daemon *daemon;
	char text[100];
	unsigned fed;
	int fd;

	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text), "drain_timeout = 10min\n[echo]\nlisten = %s\n", echo);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = text, .environment = watched});
	daemon_wait_ready(daemon);
	fd = idle_connection(echo);
	/* A start that takes long asks for less. */
	ck_assert_uint_eq(daemon_notify_count(daemon, "EXTEND_TIMEOUT_USEC=5000000"), 0);
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	fed = daemon_notify_count(daemon, "WATCHDOG=1");
	ck_assert(wait_until(daemon_notify_count(daemon, "EXTEND_TIMEOUT_USEC=5000000") > 2,
			     PEER_PATIENCE_MS));
	ck_assert_uint_gt(daemon_notify_count(daemon, "WATCHDOG=1"), fed);
	close(fd);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
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

enum { SLOW_READERS = 150 };

/* Servers on a unix socket: what one has sent lies in the daemon's kernel, with nothing between. */
struct sources {
	unsigned count, stopped;
	bool enough;
	uint64_t sent[SLOW_READERS];
};

/* Its number first, then so much as is taken until it is enough. */
static void pour(int fd, void *context)
{
	struct sources *sources = context;
	unsigned number = __atomic_fetch_add(&sources->count, 1, __ATOMIC_RELAXED);
	char bytes[4096] = {0};
	ssize_t n;

	memcpy(bytes, &number, sizeof(number));
	do {
		n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			sources->sent[number] += (uint64_t)n;
		else
			sleep_ms(1);
	} while (!__atomic_load_n(&sources->enough, __ATOMIC_RELAXED));
	__atomic_add_fetch(&sources->stopped, 1, __ATOMIC_RELEASE);
	peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

/* How much was there up to the end, and the number in front. */
static uint64_t drain_client(int fd, unsigned *ret_number, ssize_t *ret_end)
{
	char bytes[65536];
	uint64_t received = 0;

	while ((*ret_end = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		if (received == 0)
			memcpy(ret_number, bytes, sizeof(*ret_number));
		received += (uint64_t)*ret_end;
	}
	return received;
}

/* More clients that read nothing than there are buffers: of most, the rest of the stream lies
 * unread in the daemon's kernel, and nothing of it in a queue of its own. */
START_TEST(a_stream_cut_by_the_second_signal_does_not_look_complete)
{
	static struct sources sources;
	struct server *server;
	struct daemon *daemon;
	int fds[SLOW_READERS];
	unsigned cut = 0;

	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", port_reserve());
	snprintf(source, sizeof(source), "unix:@signals-%u", port_reserve());
	server = server_start(source, pour, &sources);
	daemon = daemon_start(&daemon_modes[_i],
			      "buffer_memory = 1M\nbuffer_size = 16K\n"
			      "[proxy source]\nlisten = %s\nserver = %s\nrelay = copy\n",
			      proxy, source);
	for (int i = 0; i < SLOW_READERS; i++) {
		fds[i] = peer_connect_small(proxy);
		assert_connected(fds[i]);
	}
	ck_assert(wait_until(server_accepted(server) == SLOW_READERS, PEER_PATIENCE_MS));
	daemon_wait_log(daemon, "buffer_memory is all in use");
	__atomic_store_n(&sources.enough, true, __ATOMIC_RELAXED);
	ck_assert(wait_until(__atomic_load_n(&sources.stopped, __ATOMIC_ACQUIRE) == SLOW_READERS,
			     PEER_PATIENCE_MS));
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	for (int i = 0; i < SLOW_READERS; i++) {
		unsigned number = UINT_MAX;
		ssize_t end;
		uint64_t received = drain_client(fds[i], &number, &end);

		ck_assert_msg(end < 0 ||
				      (number < SLOW_READERS && received == sources.sent[number]),
			      "a FIN after %lu bytes of %lu", (unsigned long)received,
			      (unsigned long)(number < SLOW_READERS ? sources.sent[number] : 0));
		cut += end < 0;
		close(fds[i]);
	}
	ck_assert_uint_gt(cut, 0);
	daemon_stop(daemon);
	server_stop(server);
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

#define WAITING 16 /* some of them at each worker */

/* Workers share the places, and none tells the others that it has made room. */
START_TEST(who_waits_for_room_when_the_signal_comes_is_served_when_another_worker_has_some)
{
	struct daemon *daemon;
	int first, waiting[WAITING];
	unsigned tries = 0;

	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(
		&daemon_modes[_i],
		"drain_timeout = infinity\nmax_connections = 1\n[echo]\nlisten = %s\n", echo);
	first = idle_connection(echo);
	for (unsigned i = 0; i < WAITING; i++)
		assert_connected(waiting[i] = peer_connect(echo));
	daemon_wait_log(daemon, "max_connections is reached");
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	/* A try that finds a worker's socket still open is a client too, if that worker accepts it.
	 */
	ck_assert(wait_until(is_refused(echo) || !++tries, PEER_PATIENCE_MS));
	close(first);
	/* In whatever order they are given the place. */
	for (unsigned i = 0; i < WAITING; i++) {
		ck_assert_int_eq(send(waiting[i], "x", 1, MSG_NOSIGNAL), 1);
		shutdown(waiting[i], SHUT_WR);
	}
	for (unsigned i = 0; i < WAITING; i++) {
		char byte;
		ck_assert_int_eq(recv(waiting[i], &byte, 1, 0), 1);
		close(waiting[i]);
	}
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_ge(daemon_counter(daemon, "accepted"), 1 + WAITING);
	ck_assert_uint_le(daemon_counter(daemon, "accepted"), 1 + WAITING + tries);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: signals", 60, IN_EVERY_WAY(SIGTERM_loses_no_byte_of_what_is_under_way),
	 IN_BOTH_RINGS(SIGINT_loses_no_byte_of_what_is_under_way),
	 IN_BOTH_RINGS(a_connection_idle_at_the_signal_still_works_while_draining),
	 IN_EACH_MODE(without_connections_it_ends_without_waiting),
	 IN_EACH_MODE(an_idle_connection_is_cut_after_drain_timeout_and_the_log_names_the_key),
	 IN_BOTH_RINGS(
		 while_it_drains_the_service_manager_is_asked_for_patience_and_the_watchdog_fed),
	 IN_EACH_MODE(a_second_signal_ends_it_at_once),
	 IN_BOTH_RINGS(a_stream_cut_by_the_second_signal_does_not_look_complete),
	 {who_waits_for_room_when_the_signal_comes_is_served_when_another_worker_has_some,
	  DAEMON_RINGS, DAEMON_MODES},
	 IN_BOTH_RINGS(the_next_one_can_listen_on_the_same_port_at_once),
	 IN_EACH_MODE(a_signal_in_a_storm_of_connections_drops_none_it_has_accepted))
