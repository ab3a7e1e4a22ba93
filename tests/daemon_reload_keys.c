/*
 * A configuration in place of another: each key that a reload changes governs the connections
 * that come after it, and not those from before.
 */
#include "config/schema.h"
#include "support/assert.h"
#include "support/daemon.h"
#include "support/daemon_sockets.h"
#include "support/edition.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON_MS 15000

static char front[32], upstream[240], other[240];
static struct server *servers[2];
static struct daemon *daemon_here;
static unsigned pipes_before;

/* ---- Two connections, one from before and one from after ------------------------------------- */

static int connected(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	return fd;
}

static int echoed(void)
{
	int fd = connected();

	ck_assert(peer_echoes(fd));
	return fd;
}

static void expect_new_ends(int old, int new)
{
	ck_assert_int_ne(peer_wait_end(new, SOON_MS), PEER_SILENT);
	ck_assert(peer_echoes(old));
}

static void expect_old_ends(int old, int new)
{
	ck_assert_int_ne(peer_wait_end(old, SOON_MS), PEER_SILENT);
	ck_assert(peer_echoes(new));
}

/* One side has finished sending, and the other never will. */
static void expect_half_closed_ends(int old, int new)
{
	shutdown(old, SHUT_WR);
	shutdown(new, SHUT_WR);
	ck_assert_int_ne(peer_wait_end(new, SOON_MS), PEER_SILENT);
	ck_assert_int_eq(peer_wait_end(old, 50), PEER_SILENT);
}

/* Of many that may end at any time before, one does. */
static void expect_some_end_early(int old, int new)
{
	int fds[40], first = -1;

	for (int i = 0; i < 40; i++)
		fds[i] = echoed();
	ck_assert(wait_until(({
				     for (int i = 0; i < 40 && first < 0; i++)
					     if (peer_wait_end(fds[i], 1) != PEER_SILENT)
						     first = i;
				     first >= 0;
			     }),
			     SOON_MS));
	ck_assert(peer_echoes(old));
	for (int i = 0; i < 40; i++)
		close(fds[i]);
	(void)new;
}

static void expect_new_gives_up(int old, int new)
{
	ck_assert_int_ne(peer_wait_end(new, SOON_MS), PEER_SILENT);
	ck_assert_int_eq(peer_wait_end(old, 50), PEER_SILENT);
}

static void expect_no_room(int old, int new)
{
	ck_assert(peer_echoes(old));
	daemon_wait_log(daemon_here, "max_connections is reached");
	shutdown(old, SHUT_RDWR);
	ck_assert(peer_echoes(new));
}

static size_t size_of_answer(int fd)
{
	char text[4096], *body;
	int n;

	ck_assert_int_eq(peer_send_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
	n = peer_receive_text(fd, text, sizeof(text), "\r\n\r\n");
	ck_assert_int_gt(n, 0);
	body = strstr(text, "ontent-Length: ");
	ck_assert_msg(body, "%s", text);
	return (size_t)atoi(body + 15);
}

static void expect_other_size(int old, int new)
{
	ck_assert_uint_eq(size_of_answer(new), 700);
	ck_assert_uint_eq(size_of_answer(old), 300);
}

/* From one address one server is chosen, where two had their turns. */
static void expect_one_server(int old, int new)
{
	unsigned before[2], more;

	ck_assert(peer_echoes(new)); /* which is counted */
	before[0] = server_accepted(servers[0]);
	before[1] = server_accepted(servers[1]);
	for (int i = 0; i < 6; i++)
		close(echoed());
	more = server_accepted(servers[0]) - before[0];
	ck_assert_msg(more == 0 || more == 6, "%u of 6", more);
	ck_assert_uint_eq(server_accepted(servers[1]) - before[1], 6 - more);
	ck_assert(peer_echoes(old));
}

/* ---- What the kernel knows ------------------------------------------------------------------- */

static bool any_has(int level, int option, int value, int *ret_without)
{
	int fds[64], count = daemon_connected_sockets(daemon_here, fds, 64);
	bool any = false;

	*ret_without = 0;
	for (int i = 0; i < count; i++) {
		int found = -1;
		socklen_t size = sizeof(found);

		(void)getsockopt(fds[i], level, option, &found, &size);
		any |= found == value;
		*ret_without += found != value;
		close(fds[i]);
	}
	return count < 0 || any;
}

static void expect_option(int old, int new, int level, int option, int value)
{
	int without;

	ck_assert(peer_echoes(old) && peer_echoes(new)); /* it is accepted */
	ck_assert(any_has(level, option, value, &without));
	ck_assert_int_ne(without, 0);
}

static void expect_probed(int old, int new)
{
	expect_option(old, new, IPPROTO_TCP, TCP_KEEPIDLE, 77);
}

static void expect_timed(int old, int new)
{
	expect_option(old, new, IPPROTO_TCP, TCP_USER_TIMEOUT, 77000);
}

static void expect_not_probed(int old, int new)
{
	expect_option(old, new, SOL_SOCKET, SO_KEEPALIVE, 0);
}

static void expect_not_timed(int old, int new)
{
	expect_option(old, new, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
}

static unsigned pipes_open(void)
{
	char path[64], target[64];
	unsigned count = 0;

	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", daemon_pid(daemon_here), i);
		count += readlink(path, target, sizeof(target)) > 5 && !strncmp(target, "pipe:", 5);
	}
	return count;
}

static void expect_pipes(int old, int new)
{
	ck_assert(peer_echoes(old) && peer_echoes(new));
	ck_assert_uint_gt(pipes_open(), pipes_before);
}

/* ---- What the daemon does -------------------------------------------------------------------- */

static void expect_spinning(int old, int new)
{
	int64_t began = daemon_cpu_ms(daemon_here);

	for (int i = 0; i < 200; i++) {
		ck_assert(peer_echoes(new));
		sleep_ms(2);
	}
	/* It looks for a whole millisecond after each, where it would sleep. */
	ck_assert_int_ge(daemon_cpu_ms(daemon_here) - began, 150);
	ck_assert(peer_echoes(old));
}

static void expect_debugging(int old, int new)
{
	close(new);
	daemon_wait_log(daemon_here, "log level is debug from now on");
	ck_assert(peer_echoes(old));
}

static void expect_drained(int old, int new)
{
	daemon_signal(daemon_here, SIGTERM);
	daemon_wait_log(daemon_here, "drain_timeout = 300ms");
	(void)old;
	(void)new;
}

static void expect_announced(int old, int new)
{
	daemon_signal(daemon_here, SIGTERM);
	daemon_wait_log(daemon_here, "not ready from now on");
	ck_assert(peer_echoes(old) && peer_echoes(new));
}

static void expect_checked(int old, int new)
{
	(void)old;
	(void)new;
	daemon_wait_log(daemon_here, ": check: L4OK tcp was connected, ");
}

/* Both have something to say; no time is too long for the old one to have said it. */
static void expect_slow(int old, int new)
{
	struct transfer transfer = {.send = 2048, .receive = 2048};
	int64_t began = clock_ms();

	peer_transfer(new, &transfer);
	assert_transferred(&transfer, 2048, PEER_OPEN);
	ck_assert_int_ge(clock_ms() - began, 1000);
	ck_assert(peer_echoes(old));
}

static void expect_told_of(int old, int new)
{
	(void)old;
	(void)new;
	daemon_wait_log(daemon_here, "still open");
}

static void expect_cut(int old, int new)
{
	ck_assert_int_ne(peer_wait_end(old, SOON_MS), PEER_SILENT);
	ck_assert(peer_echoes(new));
}

/* ---- The keys -------------------------------------------------------------------------------- */

/* A proxy before a server that echoes, one that is checked, two of them, one that never ends, or
 * one where nobody answers. */
enum place { GLOBAL, LOG, CHECKS, PROXY, TWO, HELD, BLACK_HOLE, ECHO, RESPONDER };

static const struct {
	const char *key;
	enum place place;
	const char *others, *before, *after;
	void (*expect)(int old, int new);
} rows[] = {
	{"busy_poll", GLOBAL, "", "off", "1ms", expect_spinning},
	{"drain_timeout", GLOBAL, "", "infinity", "300ms", expect_drained},
	{"drain_announce", GLOBAL, "", "off", "300ms", expect_announced},
	{"checks", CHECKS, "", "changes", "all", expect_checked},
	{"open_every", LOG, "access = stderr\n", "off", "1s", expect_told_of},
	{"drain_old", GLOBAL, "", "infinity", "300ms", expect_cut},
	{"level", LOG, "", "info", "debug", expect_debugging},
	{"size", RESPONDER, "", "300", "700", expect_other_size},
	{"relay", PROXY, "", "copy", "splice", expect_pipes},
	{"balance", TWO, "", "round_robin", "source_hash", expect_one_server},
	{"connect_timeout", BLACK_HOLE, "", "10min", "300ms", expect_new_gives_up},
	{"idle_timeout", ECHO, "", "off", "300ms", expect_new_ends},
	{"idle_if_alive", ECHO, "keepalive = 1min\nidle_timeout = 1s\n", "close", "keep",
	 expect_old_ends},
	{"half_close_timeout", HELD, "", "10min", "300ms", expect_half_closed_ends},
	{"max_lifetime", ECHO, "", "off", "300ms", expect_new_ends},
	{"max_lifetime_jitter", ECHO, "max_lifetime = 20s\n", "off", "90", expect_some_end_early},
	{"download_rate", ECHO, "", "off", "1K", expect_slow},
	{"upload_rate", ECHO, "", "off", "1K", expect_slow},
	{"request_timeout", RESPONDER, "", "10min", "300ms", expect_new_ends},
	{"keepalive", ECHO, "", "off", "77s", expect_probed},
	{"user_timeout", ECHO, "", "off", "77s", expect_timed},
	{"keepalive", ECHO, "", "77s", "off", expect_not_probed},
	{"user_timeout", ECHO, "", "77s", "off", expect_not_timed},
	{"max_connections", ECHO, "", "off", "1", expect_no_room},
	{"max_connections", GLOBAL, "", "auto", "1", expect_no_room},
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

static void section_of(enum place place, char *text, size_t size)
{
	if (place == ECHO || place == RESPONDER)
		snprintf(text, size, "[%s]\nlisten = %s\n", place == ECHO ? "echo" : "responder",
			 front);
	else
		snprintf(text, size, "[proxy p]\nlisten = %s\nserver = %s\n%s%s\n", front, upstream,
			 place == TWO      ? "server = "
			 : place == CHECKS ? "check = tcp\ncheck_every = 100ms\n"
					     "check_timeout = 100ms\n"
					   : "",
			 place == TWO ? other : "");
}

static void compose(int row, const char *value, char *text, size_t size)
{
	enum place place = rows[row].place;
	bool is_log = place == LOG || place == CHECKS;
	char section[800], line[400];

	section_of(place, section, sizeof(section));
	snprintf(line, sizeof(line), "%s = %s\n%s", rows[row].key, value, rows[row].others);
	if (place == GLOBAL)
		snprintf(text, size, "%s%s", line, section);
	else
		snprintf(text, size, "%s%s%s%s", place == BLACK_HOLE ? "drain_timeout = 1s\n" : "",
			 is_log ? "[log]\n" : section, line, is_log ? section : "");
}

/* Neither side of it ever ends by itself. */
static void hold(int fd, void *context)
{
	const _Atomic bool *end = context;

	while (!*end)
		sleep_ms(5);
	close(fd);
}

START_TEST(a_key_governs_who_comes_after_the_reload)
{
	enum place place = rows[_i].place;
	bool nothing_comes = place == BLACK_HOLE || place == HELD || place == RESPONDER;
	_Atomic bool end = false;
	char text[1400];
	int old, new;

	servers[0] = server_start(NULL, place == HELD ? hold : server_echo, &end);
	servers[1] = server_start(NULL, server_echo, NULL);
	snprintf(other, sizeof(other), "%s", server_address(servers[1]));
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(upstream, sizeof(upstream), "%s",
		 place == BLACK_HOLE ? black_hole_address() : server_address(servers[0]));
	compose(_i, rows[_i].before, text, sizeof(text));
	daemon_here = edition_start(&daemon_modes[0], "%s", text);
	old = nothing_comes ? connected() : echoed();
	compose(_i, rows[_i].after, text, sizeof(text));
	ck_assert(wait_until(edition_status("connections") == 1, SOON_MS));
	pipes_before = pipes_open();
	edition_adopt("%s", text);
	ck_assert_msg(edition_answered(rows[_i].key) == 1, "%s", edition_answer());
	new = connected();
	rows[_i].expect(old, new);
	close(old);
	close(new);
	end = true;
	daemon_stop(daemon_here);
	server_stop(servers[0]);
	server_stop(servers[1]);
}
END_TEST

/* Where else: lists are in daemon_reload.c. */
START_TEST(each_key_that_a_reload_changes_is_shown_to)
{
	/* What these do is not seen at one connection: pipes, too, are kept for the next. */
	static const char *const others[] = {"listen", "server", "backlog", "receive_budget",
					     "pipe_size"};
	/* What these do takes several servers, checks or names. */
	static const char *const elsewhere[] = {
		"pool",          "retries",      "retry_timeout", "queue",      "queue_timeout",
		"on_down",       "on_up",        "panic",         "check",      "check_request",
		"check_host",    "check_send",   "check_expect",  "check_user", "check_every",
		"check_timeout", "check_fall",   "check_rise",    "check_fast", "resolve_min",
		"resolve_max",   "resolve_hold", "resolver",      "family",     "source",
		"interface",     "mark"};
	/* And these several clients: daemon_per_client.c. */
	static const char *const clients[] = {"max_per_client", "client_rate", "client_prefix_v4",
					      "client_prefix_v6", "accept_rate"};

	/* Names in a ClientHello: daemon_hello.c. */
	static const char *const names[] = {"route_sni",     "route_alpn", "no_sni",
					    "hello_timeout", "hello_max",  "preface"};

	/* Who may come, and PROXY headers: daemon_admission.c, daemon_proxy.c. */
	static const char *const comers[] = {
		"allow",
		"deny",
		"reject",
		"accept_proxy",
		"accept_proxy_from",
		"accept_proxy_others",
		"send_proxy",
		"send_proxy_tlv",
		"accept_proxy_timeout",
	};

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		bool shown = schema_keys[i].restart;

		for (int row = 0; row < ROWS; row++)
			shown |= !strcmp(rows[row].key, schema_keys[i].name);
		for (size_t j = 0; j < sizeof(others) / sizeof(others[0]); j++)
			shown |= !strcmp(others[j], schema_keys[i].name);
		for (size_t j = 0; j < sizeof(elsewhere) / sizeof(elsewhere[0]); j++)
			shown |= !strcmp(elsewhere[j], schema_keys[i].name);
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			shown |= !strcmp(names[j], schema_keys[i].name);
		for (size_t j = 0; j < sizeof(comers) / sizeof(comers[0]); j++)
			shown |= !strcmp(comers[j], schema_keys[i].name);
		for (size_t j = 0; j < sizeof(clients) / sizeof(clients[0]); j++)
			shown |= !strcmp(clients[j], schema_keys[i].name);
		ck_assert_msg(shown, "%s", schema_keys[i].name);
	}
}
END_TEST

SUITE_OF("daemon: reload keys", 60, EACH(a_key_governs_who_comes_after_the_reload, ROWS),
	 ONCE(each_key_that_a_reload_changes_is_shown_to))
