/* What the daemon itself cuts short never ends like something whole: with a RST, not a FIN. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char front[32];

/* What ends the connection: keys, and how many times SIGTERM is sent. */
static const struct {
	const char *keys, *global;
	unsigned signals;
	const char *reason; /* in the log */
} ends[] = {
	{"max_lifetime = 700ms\n", "", 0, "maximum lifetime"},
	{"idle_timeout = 400ms\n", "", 0, "idle timeout"},
	{"", "drain_timeout = 300ms\n", 1, "drain timeout"},
	{"", "", 2, "the daemon was stopped"},
};
enum { ENDS = sizeof(ends) / sizeof(ends[0]) };

static struct daemon *start(const char *section, int end)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[0], "%s%s\nlisten = %s\n%s", ends[end].global, section,
			    front, ends[end].keys);
}

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

/* One that was spoken to and has answered.  Where the machine stands still meanwhile it may have
 * been ended before, and another one is tried. */
static int conversing(const char *request, const char *answer)
{
	enum { SOONEST_MS = 400 }; /* of what ends them */

	for (;;) {
		int64_t began = clock_ms();
		int fd = connected();
		char got[64];

		(void)peer_send_text(fd, request);
		if (peer_receive_text(fd, got, sizeof(got), answer) > 0 && strstr(got, answer))
			return fd;
		ck_assert_int_ge(clock_ms() - began, SOONEST_MS);
		close(fd);
	}
}

/* Let what is to end it come, and see how this end of the connection hears of it. */
static void assert_reset(struct daemon *daemon, int end, int fd)
{
	for (unsigned i = 0; i < ends[end].signals; i++) {
		daemon_signal(daemon, SIGTERM);
		daemon_wait_log(daemon, i == 0 ? "draining" : "stopping now");
	}
	ck_assert_str_eq(peer_end_name(peer_wait_end(fd, PEER_PATIENCE_MS)),
			 peer_end_name(PEER_RST));
	daemon_wait_log(daemon, ends[end].reason);
	close(fd);
}

/* An answer that is not over yet; afterwards, how the client's end was seen. */
static void answer_in_part(int fd, void *context)
{
	enum peer_end *seen = context;
	char request[64];

	if (peer_receive_text(fd, request, sizeof(request), "\n") > 0)
		peer_send_text(fd, "the first half of it");
	*seen = peer_wait_end(fd, PEER_PATIENCE_MS);
	close(fd);
}

static void proxied(const char *keys, int end)
{
	enum peer_end seen = PEER_OPEN;
	struct server *server = server_start(NULL, answer_in_part, &seen);
	struct daemon *daemon;
	char section[160];

	snprintf(section, sizeof(section), "[proxy p]\nserver = %s\n%s", server_address(server),
		 keys);
	daemon = start(section, end);
	assert_reset(daemon, end, conversing("go on\n", "half of it"));
	ck_assert(server_wait_idle(server));
	ck_assert_str_eq(peer_end_name(seen), peer_end_name(PEER_RST));
	daemon_stop(daemon);
	server_stop(server);
}

START_TEST(both_sides_of_a_proxied_connection_see_a_reset)
{
	proxied("", _i);
}
END_TEST

START_TEST(so_do_they_where_bytes_are_spliced)
{
	proxied("relay = splice", _i);
}
END_TEST

/* The server said nothing at all, not even that it will not. */
START_TEST(a_client_that_has_got_nothing_yet_sees_a_reset)
{
	bool released = false;
	struct server *server = server_start(NULL, server_hold, &released);
	char section[160];
	struct daemon *daemon;

	snprintf(section, sizeof(section), "[proxy p]\nserver = %s", server_address(server));
	daemon = start(section, _i);
	assert_reset(daemon, _i, connected());
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

static void said_its_end(int fd, void *context)
{
	const bool *released = context;

	peer_send_text(fd, "all of it");
	shutdown(fd, SHUT_WR);
	while (!__atomic_load_n(released, __ATOMIC_RELAXED))
		sleep_ms(10);
	close(fd);
}

/* It has had the whole stream: what is cut short is only what it says itself. */
START_TEST(a_client_that_has_got_all_sees_its_end_first)
{
	bool released = false;
	struct server *server = server_start(NULL, said_its_end, &released);
	char section[160], answer[64];
	struct daemon *daemon;
	int64_t began;
	int fd = -1, length;

	snprintf(section, sizeof(section), "[proxy p]\nserver = %s\nhalf_close_timeout = 500ms",
		 server_address(server));
	daemon = start(section, ENDS - 1);
	do { /* again if it may have been cut short before it was read */
		close(fd);
		began = clock_ms();
		fd = connected();
		length = peer_receive_text(fd, answer, sizeof(answer), NULL);
	} while (length < 0 && clock_ms() - began >= 500);
	ck_assert_int_eq(length, (int)strlen("all of it"));
	daemon_wait_log(daemon, "half-close timeout");
	__atomic_store_n(&released, true, __ATOMIC_RELAXED);
	close(fd);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

START_TEST(an_echo_that_is_cut_short_ends_with_a_reset)
{
	struct daemon *daemon = start("[echo]", _i);

	assert_reset(daemon, _i, conversing("?", "?"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(characters_that_are_cut_short_end_with_a_reset)
{
	struct daemon *daemon = start("[chargen]", _i);
	int fd = peer_connect_small(front);

	assert_connected(fd);
	sleep_ms(600); /* reads nothing, so that it is idle as well */
	assert_reset(daemon, _i, fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(an_upload_to_discard_that_is_cut_short_ends_with_a_reset)
{
	struct daemon *daemon = start("[discard]", _i);
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "and so on"), 0);
	assert_reset(daemon, _i, fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(half_a_request_to_the_responder_ends_with_a_reset)
{
	struct daemon *daemon = start("[responder]", _i);
	int fd = connected();

	ck_assert_int_eq(peer_send_text(fd, "GET / HT"), 0);
	assert_reset(daemon, _i, fd);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: truncated streams", 60,
	 EACH(both_sides_of_a_proxied_connection_see_a_reset, ENDS),
	 EACH(so_do_they_where_bytes_are_spliced, ENDS),
	 EACH(a_client_that_has_got_nothing_yet_sees_a_reset, ENDS),
	 ONCE(a_client_that_has_got_all_sees_its_end_first),
	 EACH(an_echo_that_is_cut_short_ends_with_a_reset, ENDS),
	 EACH(characters_that_are_cut_short_end_with_a_reset, ENDS),
	 EACH(an_upload_to_discard_that_is_cut_short_ends_with_a_reset, ENDS),
	 EACH(half_a_request_to_the_responder_ends_with_a_reset, ENDS))
