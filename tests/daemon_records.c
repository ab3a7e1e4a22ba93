/* What connections leave behind, in the access log and in the counters: all of it is true. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/suite.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JSON "[log]\nlevel = info\naccess = stderr\nformat = json\n"

static char address[64];

static struct daemon *serve(int mode, const char *section)
{
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	return daemon_start(&daemon_modes[mode], JSON "%s\nlisten = %s\n", section, address);
}

static int connected(const char *to)
{
	int fd = peer_connect(to);

	assert_connected(fd);
	return fd;
}

/* Its value as text, of a number or a string, in the n-th line that has it; "" for none. */
static const char *field(struct daemon *daemon, const char *name, unsigned n, char text[300])
{
	char *log = daemon_log(daemon), wanted[64], *at = log;

	snprintf(wanted, sizeof(wanted), "\"%s\":", name);
	text[0] = '\0';
	while ((at = strstr(at, wanted))) {
		at += strlen(wanted);
		if (n-- > 0)
			continue;
		at += *at == '"';
		snprintf(text, 300, "%.*s", (int)strcspn(at, "\",}"), at);
		break;
	}
	free(log);
	return text;
}

static uint64_t number(struct daemon *daemon, const char *name, unsigned n)
{
	char text[300];

	return strtoull(field(daemon, name, n, text), NULL, 10);
}

/* Of the only connection: its record and the counters of the whole run agree. */
static void assert_bytes(struct daemon *daemon, uint64_t up, uint64_t down)
{
	daemon_wait_log(daemon, "\"bytes_down\"");
	ck_assert_uint_eq(number(daemon, "bytes_up", 0), up);
	ck_assert_uint_eq(number(daemon, "bytes_down", 0), down);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_counter(daemon, "bytes_up"), up);
	ck_assert_uint_eq(daemon_counter(daemon, "bytes_down"), down);
	daemon_free(daemon);
}

/* up came from the client, down went to it, for services as for proxies. */
START_TEST(up_came_from_the_client_and_down_went_to_it)
{
	enum { SIZE = 1 << 20 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	char proxy[128];
	const struct {
		const char *section;
		bool comes_back;
	} cases[] = {{"[discard]", false}, {"[echo]", true}, {proxy, true}};

	snprintf(proxy, sizeof(proxy), "[proxy p]\nserver = %s", server_address(echo));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct daemon *daemon = serve(_i, cases[i].section);
		struct transfer transfer = {.send = SIZE,
					    .send_seed = 3,
					    .half_close = true,
					    .receive = PEER_UNTIL_THE_END,
					    .receive_seed = 3};
		int fd = connected(address);

		peer_transfer(fd, &transfer);
		assert_transferred(&transfer, cases[i].comes_back ? SIZE : 0, PEER_FIN);
		close(fd);
		assert_bytes(daemon, SIZE, cases[i].comes_back ? SIZE : 0);
	}
	server_stop(echo);
}
END_TEST

START_TEST(what_a_service_says_of_itself_counts_down_only)
{
	static const char request[] = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
	struct daemon *daemon = serve(_i, "[responder]\nsize = 1000");
	char answer[2048];
	int fd = connected(address), length;

	ck_assert_int_eq(peer_send_text(fd, request), 0);
	length = peer_receive_text(fd, answer, sizeof(answer), NULL);
	ck_assert_int_gt(length, 1000);
	close(fd);
	assert_bytes(daemon, strlen(request), (uint64_t)length);
}
END_TEST

static int by_value(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

START_TEST(no_two_connections_have_the_same_id_whichever_worker_had_them)
{
	enum { CLIENTS = 200 };
	struct daemon *daemon = serve(_i + DAEMON_RINGS, "[echo]");
	uint64_t ids[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++) {
		int fd = connected(address);

		ck_assert(peer_echoes(fd));
		close(fd);
	}
	ck_assert(wait_until(daemon_log_count(daemon, "\"id\":") == CLIENTS, PEER_PATIENCE_MS));
	for (unsigned i = 0; i < CLIENTS; i++)
		ids[i] = number(daemon, "id", i);
	qsort(ids, CLIENTS, sizeof(ids[0]), by_value);
	for (unsigned i = 1; i < CLIENTS; i++)
		ck_assert_msg(ids[i - 1] != ids[i], "two have the id %" PRIu64, ids[i]);
	daemon_stop(daemon);
}
END_TEST

static void assert_listener(struct daemon *daemon, const char *to, unsigned n, const char *expected)
{
	char text[300];
	int fd = connected(to);

	ck_assert(peer_echoes(fd));
	close(fd);
	ck_assert(wait_until(daemon_log_count(daemon, "\"id\":") == n + 1, PEER_PATIENCE_MS));
	ck_assert_str_eq(field(daemon, "listener", n, text), expected);
}

/* Whatever the line says: a socket's name, a host's, or a port alone. */
START_TEST(the_listener_of_a_record_is_an_address)
{
	char passed[64], text[512], any[64], wild[64], path[200], unix_path[220];
	uint16_t port = port_reserve();
	struct daemon *daemon;
	int listener;

	snprintf(passed, sizeof(passed), "127.0.0.1:%u", port_reserve());
	snprintf(any, sizeof(any), "127.0.0.1:%u", port);
	snprintf(wild, sizeof(wild), "[::]:%u", port);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(path, sizeof(path), "%s/listener", suite_dir());
	snprintf(unix_path, sizeof(unix_path), "unix:%s", path);
	snprintf(text, sizeof(text),
		 JSON "[echo]\nlisten = systemd:passed\nlisten = %u\nlisten = localhost:%s\n"
		      "listen = %s\n",
		 port, strchr(address, ':') + 1, unix_path);
	listener = peer_listen(passed, 16);
	ck_assert_int_ge(listener, 0);
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i],
						       .configuration = text,
						       .inherited = (const int[]){listener, -1}});
	daemon_wait_ready(daemon);
	close(listener);
	snprintf(text, sizeof(text), "listens on systemd:passed (%s)", passed);
	ck_assert(daemon_log_contains(daemon, text));
	assert_listener(daemon, passed, 0, passed);
	assert_listener(daemon, any, 1, wild);
	assert_listener(daemon, address, 2, address);
	assert_listener(daemon, unix_path, 3, unix_path);
	daemon_stop(daemon);
}
END_TEST

/* All have gone before the daemon, which stands still meanwhile, hears of the first. */
START_TEST(a_client_that_resets_at_once_is_named)
{
	enum { CLIENTS = 100 };
	static const char *const hosts[] = {"127.0.0.1", "[::1]"};

	for (size_t h = 0; h < sizeof(hosts) / sizeof(hosts[0]); h++) {
		struct server *echo = server_start(NULL, server_echo, NULL);
		char text[300], expected[320], proxy[128];
		struct daemon *daemon;

		snprintf(address, sizeof(address), "%s:%u", hosts[h], port_reserve());
		snprintf(proxy, sizeof(proxy), "[proxy p]\nserver = %s", server_address(echo));
		if (h == 1) {
			int probe = peer_listen(address, 1);

			if (probe < 0) { /* a machine without IPv6 */
				server_stop(echo);
				break;
			}
			close(probe);
		}
		daemon = daemon_start(&daemon_modes[_i], JSON "%s\nlisten = %s\n", proxy, address);
		daemon_signal(daemon, SIGSTOP);
		for (unsigned i = 0; i < CLIENTS; i++)
			peer_reset(connected(address));
		daemon_signal(daemon, SIGCONT);
		ck_assert(wait_until(daemon_log_count(daemon, "\"id\":") == CLIENTS,
				     PEER_PATIENCE_MS));
		ck_assert_uint_eq(daemon_log_count(daemon, "unknown"), 0);
		snprintf(expected, sizeof(expected), "\"client\":\"%s:", hosts[h]);
		ck_assert_uint_eq(daemon_log_count(daemon, expected), CLIENTS);
		ck_assert_str_ne(field(daemon, "client", 0, text), address);
		daemon_stop(daemon);
		server_stop(echo);
	}
}
END_TEST

START_TEST(clients_that_wait_for_room_at_a_stop_have_a_record_each)
{
	enum { WAITING = 5 };
	struct daemon *daemon = serve(_i, "[echo]\nmax_connections = 1");
	int fds[1 + WAITING];

	for (int i = 0; i <= WAITING; i++)
		fds[i] = connected(address);
	ck_assert(peer_echoes(fds[0]));
	daemon_wait_log(daemon, "paused");
	daemon_signal(daemon, SIGTERM);
	daemon_wait_log(daemon, "draining");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_log_count(daemon, "\"id\":"), 1 + WAITING);
	ck_assert_uint_eq(daemon_log_count(daemon,
					   "\"reason\":\"stopped\",\"reason_text\":\"the daemon "
					   "was stopped\",\"phase\":\"waiting\""),
			  WAITING);
	ck_assert_uint_eq(daemon_log_count(daemon, "\"client\":\"127.0.0.1:"), 1 + WAITING);
	ck_assert_uint_eq(daemon_counter(daemon, "refused"), WAITING);
	for (int i = 0; i <= WAITING; i++) {
		ck_assert_int_eq(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_RST);
		close(fds[i]);
	}
	daemon_free(daemon);
}
END_TEST

SUITE_OF("daemon: records", 60, IN_EVERY_WAY(up_came_from_the_client_and_down_went_to_it),
	 IN_BOTH_RINGS(what_a_service_says_of_itself_counts_down_only),
	 IN_BOTH_RINGS(no_two_connections_have_the_same_id_whichever_worker_had_them),
	 IN_BOTH_RINGS(the_listener_of_a_record_is_an_address),
	 IN_EVERY_WAY(a_client_that_resets_at_once_is_named),
	 IN_BOTH_RINGS(clients_that_wait_for_room_at_a_stop_have_a_record_each))
