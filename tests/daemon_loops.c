/* Chains of sections that come back to one of them, where the configuration does not show it. */
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

static char front[128], between[128];

static void remove_path(const char *address)
{
	if (strncmp(address, "unix:/", 6) == 0)
		unlink(address + strlen("unix:"));
}

/* What is passed to the daemon is not in its configuration. */
static int passed_listener(const char *address)
{
	int fd;

	remove_path(address); /* a test that failed has left it */
	fd = peer_listen(address, 16);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct daemon *start_with(unsigned workers, int passed, const char *text)
{
	struct daemon_mode mode = daemon_modes[0];
	struct daemon *daemon;

	mode.workers = workers;
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &mode, .configuration = text, .inherited = (const int[]){passed, -1}});
	daemon_wait_ready(daemon);
	return daemon;
}

static const char *tcp(char *address)
{
	snprintf(address, sizeof(front), "127.0.0.1:%u", port_reserve());
	return address;
}

static const char *local(char *address, const char *name)
{
	snprintf(address, sizeof(front), "unix:%s/%s", suite_dir(), name);
	return address;
}

/* One comes, and so many sections are passed before the first is met again. */
static void assert_refused(struct daemon *daemon, unsigned sections)
{
	enum { CLIENTS = 3, RACES = 10 };
	uint64_t accepted;

	for (int i = 0; i < CLIENTS; i++) {
		int fd = peer_connect(front);

		assert_connected(fd);
		ck_assert_int_ne(peer_wait_end(fd, PEER_PATIENCE_MS), PEER_SILENT);
		close(fd);
	}
	daemon_wait_log(daemon, "it came back to a section that it had passed");
	ck_assert_uint_eq(daemon_log_count(daemon, "a connection came back to the section"), 1);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	accepted = daemon_counter(daemon, "accepted");
	/* Another worker may be faster than what it looks for is noted. */
	ck_assert_uint_ge(accepted, CLIENTS * (sections + 1));
	ck_assert_uint_le(accepted, CLIENTS * (sections + 1) + RACES);
	ck_assert(daemon_log_contains(daemon, " loop=3"));
	daemon_free(daemon);
}

/* In TCP and unix sockets, by one worker and by two. */
START_TEST(a_connection_that_comes_back_to_its_section_is_reset)
{
	bool unix_socket = _i & 1;
	int passed;
	char text[512];

	passed = passed_listener(unix_socket ? local(front, "front") : tcp(front));
	snprintf(text, sizeof(text), "[proxy a]\nlisten = systemd:passed\nserver = %s\n", front);
	assert_refused(start_with(1 + (unsigned)_i / 2, passed, text), 1);
	close(passed);
	remove_path(front);
}
END_TEST

/* Each hop of either kind. */
START_TEST(a_connection_that_comes_back_through_another_section_is_reset)
{
	int passed;
	char text[512];

	passed = passed_listener(_i & 1 ? local(front, "front") : tcp(front));
	snprintf(text, sizeof(text),
		 "[proxy a]\nlisten = systemd:passed\nserver = %s\n"
		 "[proxy b]\nlisten = %s\nserver = %s\n",
		 _i & 2 ? local(between, "between") : tcp(between), between, front);
	assert_refused(start_with(1, passed, text), 2);
	close(passed);
	remove_path(front);
}
END_TEST

/* Wildcards, and another of the machine's addresses. */
START_TEST(a_connection_that_comes_back_by_another_address_is_reset)
{
	unsigned port = port_reserve();
	char any[32], text[512];
	int passed;

	snprintf(any, sizeof(any), _i ? "[::]:%u" : "0.0.0.0:%u", port);
	snprintf(front, sizeof(front), "127.0.0.1:%u", port);
	passed = passed_listener(any);
	snprintf(text, sizeof(text), "[proxy a]\nlisten = systemd:passed\nserver = 127.0.0.7:%u\n",
		 port);
	assert_refused(start_with(1, passed, text), 1);
	close(passed);
}
END_TEST

/* Many at once, from ports that are used again and again, and none is taken for another. */
START_TEST(a_chain_that_ends_is_served)
{
	enum { ROUNDS = 30, CLIENTS = 10 };
	struct server *echo = server_start(NULL, server_echo, NULL);
	struct daemon *daemon;
	char text[1024], last[128];

	snprintf(text, sizeof(text),
		 "[proxy a]\nlisten = %s\nserver = %s\n[proxy b]\nlisten = %s\nserver = %s\n"
		 "[proxy c]\nlisten = %s\nserver = %s\n",
		 tcp(front), _i & 1 ? local(between, "between") : tcp(between), between, tcp(last),
		 last, server_address(echo));
	daemon = daemon_start(&daemon_modes[2 * (_i / 2)], "%s", text);
	for (int round = 0; round < ROUNDS; round++) {
		int fds[2 * CLIENTS];

		for (int i = 0; i < CLIENTS; i++) {
			fds[2 * i] = peer_connect(front);
			fds[2 * i + 1] = peer_connect(between);
		}
		for (int i = 0; i < 2 * CLIENTS; i++)
			ck_assert(peer_echoes(fds[i]));
		for (int i = 0; i < 2 * CLIENTS; i++)
			close(fds[i]);
	}
	ck_assert(!daemon_log_contains(daemon, "came back"));
	daemon_stop(daemon);
	server_stop(echo);
}
END_TEST

SUITE_OF("daemon: loops", 60, EACH(a_connection_that_comes_back_to_its_section_is_reset, 4),
	 EACH(a_connection_that_comes_back_through_another_section_is_reset, 4),
	 EACH(a_connection_that_comes_back_by_another_address_is_reset, 2),
	 EACH(a_chain_that_ends_is_served, 4))
