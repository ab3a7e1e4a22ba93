/* What ends a connection that nobody ends, and how the log names the key that did. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char front[32];

static struct daemon *proxy(int mode, const char *keys, const struct server *server)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode], "[proxy p]\n%s\nlisten = %s\nserver = %s\n", keys,
			    front, server_address(server));
}

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

START_TEST(an_idle_connection_is_closed_after_idle_timeout)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "idle_timeout = 300ms", echo);
	unsigned before = daemon_open_fds(daemon);
	int fd = connected();

	(void)peer_echoes(fd); /* unless the machine stands still so long */
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "idle_timeout");
	ck_assert(server_wait_idle(echo));
	daemon_wait_fds(daemon, before);
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(a_service_has_an_idle_timeout_too)
{
	struct daemon *daemon;
	int fd;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i], "[echo]\nlisten = %s\nidle_timeout = 300ms\n",
			      front);
	fd = connected();
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "idle_timeout");
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* Longer than the limit in all, and never that long between two bytes. */
static void assert_bytes_keep_it(int mode, const char *keys)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(mode, keys, echo);
	int fd = connected();

	for (int i = 0; i < 40; i++) {
		ck_assert(peer_echoes(fd));
		sleep_ms(100);
	}
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}

START_TEST(bytes_in_either_direction_keep_a_connection_from_being_idle)
{
	assert_bytes_keep_it(_i, "relay = copy\nidle_timeout = 3s");
}
END_TEST

START_TEST(so_do_bytes_that_are_spliced)
{
	assert_bytes_keep_it(_i, "relay = splice\nidle_timeout = 3s");
}
END_TEST

/* Says nothing and does not close, whatever the other side does. */
static void stay_silent(int fd, void *context)
{
	const bool *released = context;

	while (!__atomic_load_n(released, __ATOMIC_RELAXED))
		if (peer_wait_end(fd, 20) != PEER_SILENT)
			sleep_ms(20);
	close(fd);
}

START_TEST(a_half_closed_connection_is_closed_after_half_close_timeout)
{
	bool released = false;
	struct server *server = server_start(NULL, stay_silent, &released);
	struct daemon *daemon = proxy(_i, "idle_timeout = 1h\nhalf_close_timeout = 300ms", server);
	unsigned before = daemon_open_fds(daemon);
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "last words"), 0);
	shutdown(fd, SHUT_WR);
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "half_close_timeout");
	daemon_wait_fds(daemon, before);
	close(fd);
	daemon_stop(daemon);
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	server_stop(server);
}
END_TEST

static void answer_slowly(int fd, void *context)
{
	char buffer[64];

	(void)context;
	if (peer_receive_text(fd, buffer, sizeof(buffer), NULL) >= 0)
		for (int i = 0; i < 40; i++) {
			sleep_ms(100);
			peer_send_text(fd, "x");
		}
	close(fd);
}

START_TEST(every_byte_gives_a_half_closed_connection_its_time_again)
{
	struct server *server = server_start(NULL, answer_slowly, NULL);
	struct daemon *daemon = proxy(_i, "half_close_timeout = 3s", server);
	char answer[64];
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "take your time"), 0);
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(peer_receive_text(fd, answer, sizeof(answer), NULL), 40);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

static void answer_late(int fd, void *context)
{
	char buffer[64];

	(void)context;
	if (peer_receive_text(fd, buffer, sizeof(buffer), NULL) >= 0) {
		sleep_ms(1500);
		peer_send_text(fd, "late");
	}
	close(fd);
}

START_TEST(idle_timeout_does_not_end_a_half_closed_connection)
{
	struct server *server = server_start(NULL, answer_late, NULL);
	struct daemon *daemon = proxy(_i, "idle_timeout = 500ms\nhalf_close_timeout = 1h", server);
	char answer[64];
	int64_t began;
	int fd = -1;

	do { /* again if it may have been idle before it was half closed */
		close(fd);
		began = clock_ms();
		fd = connected();
		(void)peer_send_text(fd, "no hurry");
		shutdown(fd, SHUT_WR);
	} while (clock_ms() - began >= 500);
	ck_assert_int_eq(peer_receive_text(fd, answer, sizeof(answer), NULL), 4);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(half_close_timeout_does_not_end_a_quiet_connection_that_is_whole)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "idle_timeout = 1h\nhalf_close_timeout = 300ms", echo);
	int fd = connected();

	ck_assert(peer_echoes(fd));
	sleep_ms(1000);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

static unsigned number_before(const char *from, const char *end)
{
	while (end > from && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return (unsigned)strtoul(end, NULL, 10);
}

/* Each line of the access log ends with "... 1234 ms)"; at level debug the log has them too. */
static void lifetimes(struct daemon *daemon, unsigned count, unsigned *ret_least)
{
	char *log = daemon_log(daemon), *at = log;
	unsigned found = 0;

	*ret_least = UINT_MAX;
	while ((at = strstr(at, " ms)"))) {
		unsigned ms = number_before(log, at);

		*ret_least = ms < *ret_least ? ms : *ret_least;
		found++;
		at++;
	}
	free(log);
	ck_assert_uint_eq(found, 2 * count);
}

START_TEST(max_lifetime_jitter_ends_some_earlier_and_none_before_its_share)
{
	enum { COUNT = 40 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "max_lifetime = 4s\nmax_lifetime_jitter = 50%", echo);
	unsigned least;
	int fds[COUNT];

	for (int i = 0; i < COUNT; i++) {
		fds[i] = connected();
		ck_assert(peer_echoes(fds[i]));
	}
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_ne(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_SILENT);
		close(fds[i]);
	}
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	lifetimes(daemon, COUNT, &least);
	ck_assert_uint_ge(least, 2000);
	ck_assert_uint_lt(least, 4000);
	daemon_free(daemon);
	server_stop(echo);
}
END_TEST

START_TEST(max_lifetime_ends_even_a_busy_connection)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "max_lifetime = 500ms", echo);
	int64_t until = clock_ms() + PEER_PATIENCE_MS;
	int fd = connected();

	while (peer_echoes(fd) && clock_ms() < until)
		;
	ck_assert_int_lt(clock_ms(), until);
	daemon_wait_log(daemon, "max_lifetime");
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* Expiring all at once is when a timer wheel and a drain would get in each other's way. */
START_TEST(three_hundred_connections_expire_together)
{
	enum { COUNT = 300 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "idle_timeout = 4s", echo);
	unsigned before = daemon_open_fds(daemon);
	int fds[COUNT];

	for (int i = 0; i < COUNT; i++) {
		fds[i] = connected();
		ck_assert(peer_echoes(fds[i]));
	}
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_ne(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_SILENT);
		close(fds[i]);
	}
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* What the line about a connection says of how long it lasted: "... 1234 ms)". */
static unsigned lasted_ms(struct daemon *daemon, const char *section)
{
	char *log = daemon_log(daemon), *at = strstr(log, section), *end;
	unsigned ms = 0;

	while (at && !(strstr(at, "idle timeout") && strchr(at, '\n') > strstr(at, "idle timeout")))
		at = strstr(at + 1, section);
	end = at ? strstr(at, " ms)") : NULL;
	if (end)
		ms = number_before(at, end);
	free(log);
	return ms;
}

/* An answer is known to be sent when the worker wakes up next, which may be much later. */
START_TEST(what_wakes_the_worker_keeps_no_other_connection_alive)
{
	struct daemon *daemon;
	char other[32];
	int64_t began, woken;
	int fd, waker;

	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(other, sizeof(other), "127.0.0.1:%u", port_reserve());
	daemon = daemon_start(&daemon_modes[_i],
			      "[echo idle]\nlisten = %s\nidle_timeout = 3s\n"
			      "[echo waker]\nlisten = %s\nidle_timeout = 1h\n",
			      front, other);
	waker = peer_connect(other);
	assert_connected(waker);
	ck_assert(peer_echoes(waker));
	fd = connected();
	ck_assert(peer_echoes(fd));
	began = clock_ms();
	sleep_ms(2600);
	woken = clock_ms() - began; /* not before, in the time of that connection */
	ck_assert(peer_echoes(waker));
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "idle_timeout");
	ck_assert_uint_ge(lasted_ms(daemon, "[echo idle]"), 3000);
	ck_assert_uint_lt(lasted_ms(daemon, "[echo idle]"), woken + 3000);
	close(fd);
	close(waker);
	daemon_stop(daemon);
}
END_TEST

/* Neither side says a word: it is connected all the same, and idle from then on. */
START_TEST(a_silent_connection_is_idle_from_its_connect_on)
{
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon = proxy(_i, "connect_timeout = 10s\nidle_timeout = 1s", echo);
	int fd = connected();

	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "idle_timeout");
	ck_assert_uint_ge(lasted_ms(daemon, "[proxy p]"), 1000);
	ck_assert_uint_lt(lasted_ms(daemon, "[proxy p]"), 10000);
	close(fd);
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

/* ---- A request's ----------------------------------------------------------------------------- */

#define LATE "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

static struct daemon *responder(int mode, const char *keys)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode], "[responder]\nsize = 0\nlisten = %s\n%s\n", front,
			    keys);
}

/* One byte after the other, until the other side says something or ends. */
static void trickle(int fd, const char *text)
{
	struct pollfd waits = {.fd = fd, .events = POLLIN};

	for (const char *at = text; *at && poll(&waits, 1, 20) == 0; at++)
		ck_assert_int_eq(send(fd, at, 1, MSG_NOSIGNAL), 1);
}

static void assert_answered(int fd)
{
	char got[300];

	ck_assert_int_gt(peer_receive_text(fd, got, sizeof(got), "\r\n\r\n"), 0);
	ck_assert_ptr_nonnull(strstr(got, "200 OK"));
}

static void assert_late(int fd, struct daemon *daemon)
{
	char got[300];

	ck_assert_int_ge(peer_receive_text(fd, got, sizeof(got), NULL), 0);
	ck_assert_str_eq(got, LATE);
	close(fd);
	daemon_wait_log(daemon, "no whole head of a request came in time (request_timeout = ");
}

START_TEST(a_head_that_trickles_in_is_late)
{
	struct daemon *daemon = responder(_i, "request_timeout = 500ms");
	unsigned before = daemon_open_fds(daemon);
	int fd = connected();

	trickle(fd, "GET /a/rather/long/way/to/nowhere/in/particular HTTP/1.1\r\n"
		    "Host: example.test\r\nX-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_late(fd, daemon);
	daemon_wait_fds(daemon, before);
	daemon_stop(daemon);
}
END_TEST

START_TEST(so_is_a_later_one_from_its_first_byte_on)
{
	struct daemon *daemon = responder(_i, "request_timeout = 500ms");
	int fd = connected();

	/* Nobody is late between two requests, and empty lines are no request. */
	ck_assert_int_eq(peer_send_text(fd, "GET / HTTP/1.1\r\n\r\n"), 0);
	assert_answered(fd);
	sleep_ms(1000);
	ck_assert_int_eq(peer_send_text(fd, "\r\n"), 0);
	sleep_ms(1000);
	ck_assert_int_eq(peer_send_text(fd, "GET / HTTP/1.1\r\n\r\nG"), 0);
	assert_answered(fd);
	assert_late(fd, daemon);
	daemon_stop(daemon);
}
END_TEST

START_TEST(who_says_nothing_at_all_hears_nothing)
{
	struct daemon *daemon = responder(_i, "request_timeout = 300ms");
	int fd = connected();
	char got[100];

	ck_assert_int_eq(peer_receive_text(fd, got, sizeof(got), NULL), 0);
	daemon_wait_log(daemon, "no whole head of a request came in time (request_timeout = ");
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_body_may_take_its_time)
{
	struct daemon *daemon = responder(_i, "request_timeout = 500ms");
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na"), 0);
	assert_answered(fd);
	sleep_ms(1000);
	ck_assert_int_eq(peer_send_text(fd, "bGET / HTTP/1.1\r\n\r\n"), 0);
	assert_answered(fd);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* A head of 100 bytes and more at 1K a second, of which the time of each wait is another's. */
START_TEST(who_waits_for_its_rate_is_not_late)
{
	struct daemon *daemon = responder(_i, "request_timeout = 400ms\nupload_rate = 1K");
	char head[2000];
	int fd = connected();

	snprintf(head, sizeof(head), "GET /%01000d HTTP/1.1\r\n\r\n", 0);
	ck_assert_int_eq(peer_send_text(fd, head), 0);
	assert_answered(fd);
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(with_request_timeout_off_nobody_is_late)
{
	struct daemon *daemon = responder(_i, "request_timeout = off\nidle_timeout = 1s");
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "GET "), 0);
	ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
	daemon_wait_log(daemon, "idle_timeout");
	close(fd);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: timeouts", 60, IN_BOTH_RINGS(an_idle_connection_is_closed_after_idle_timeout),
	 IN_BOTH_RINGS(a_service_has_an_idle_timeout_too),
	 IN_BOTH_RINGS(what_wakes_the_worker_keeps_no_other_connection_alive),
	 IN_BOTH_RINGS(a_silent_connection_is_idle_from_its_connect_on),
	 IN_BOTH_RINGS(bytes_in_either_direction_keep_a_connection_from_being_idle),
	 IN_BOTH_RINGS(so_do_bytes_that_are_spliced),
	 IN_BOTH_RINGS(a_half_closed_connection_is_closed_after_half_close_timeout),
	 IN_BOTH_RINGS(every_byte_gives_a_half_closed_connection_its_time_again),
	 IN_BOTH_RINGS(idle_timeout_does_not_end_a_half_closed_connection),
	 IN_BOTH_RINGS(half_close_timeout_does_not_end_a_quiet_connection_that_is_whole),
	 IN_BOTH_RINGS(max_lifetime_ends_even_a_busy_connection),
	 IN_BOTH_RINGS(max_lifetime_jitter_ends_some_earlier_and_none_before_its_share),
	 IN_BOTH_RINGS(three_hundred_connections_expire_together),
	 IN_EVERY_WAY(a_head_that_trickles_in_is_late),
	 IN_BOTH_RINGS(so_is_a_later_one_from_its_first_byte_on),
	 IN_BOTH_RINGS(who_says_nothing_at_all_hears_nothing),
	 IN_BOTH_RINGS(a_body_may_take_its_time), IN_BOTH_RINGS(who_waits_for_its_rate_is_not_late),
	 IN_BOTH_RINGS(with_request_timeout_off_nobody_is_late))
