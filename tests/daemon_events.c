/* What changes in a daemon is told as it does, to whoever listens and keeps up. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_MAX (256 << 10)

static char front[32], control[200], text[TEXT_MAX];

static struct daemon *serve(const char *sections)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	return daemon_start(&daemon_modes[0], "%s\nlisten = %s\n[control]\nlisten = %s\n", sections,
			    front, control);
}

static int listen_to_events(void)
{
	int fd = peer_connect(control);

	assert_connected(fd);
	(void)peer_send_text(fd, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
	return fd;
}

static void expect(int fd, const char *contains)
{
	int r = peer_receive_text(fd, text, sizeof(text), contains);

	ck_assert_msg(r > 0 && strstr(text, contains), "%s\n--- %d %.2000s", contains, r, text);
}

START_TEST(what_operators_do_is_told_at_once)
{
	struct daemon *daemon = serve("[echo]");
	int events, fd = peer_connect(front);
	char by[100];

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	events = listen_to_events();
	expect(events, "event: hello\ndata: {\"event\":\"hello\",\"time\":\"2");
	assert_answer(control, "DELETE", "/v1/connections?proxy=echo&confirm=1", "", "HTTP/1.1 200",
		      "{\"killed\":1}");
	snprintf(by, sizeof(by), "\"count\":1,\"by\":\"user %u (process %d", getuid(), getpid());
	expect(events, by);
	assert_answer(control, "POST", "/v1/drain?proxy=echo", "", "HTTP/1.1 200", "echo");
	expect(events, "\"name\":\"echo\",\"kind\":\"echo\",\"draining\":true}\n\n");
	expect(events, ":\n\n"); /* nothing is told, each second */
	close(fd);
	close(events);
	daemon_stop(daemon);
}
END_TEST

START_TEST(servers_and_the_daemons_own_state_are_told)
{
	struct server *server = server_start(NULL, server_echo, NULL);
	char sections[200], address[40], down[200];
	struct daemon *daemon;
	int events, fd;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(sections, sizeof(sections), "[proxy web]\nserver = %s\nserver = %s", address,
		 server_address(server));
	daemon = serve(sections);
	events = listen_to_events();
	expect(events, "event: hello\n");
	fd = peer_connect(front);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	snprintf(down, sizeof(down), "\"pool\":\"web\",\"name\":\"%s\",\"state\":\"down\"",
		 address);
	expect(events, down);
	daemon_signal(daemon, SIGTERM);
	expect(events, "\"state\":\"draining\"");
	close(fd);
	ck_assert_int_eq(peer_wait_end(events, PEER_PATIENCE_MS), PEER_FIN);
	close(events);
	daemon_stop(daemon);
	server_stop(server);
}
END_TEST

/* Each event is as long as a path may be; nobody else waits meanwhile. */
START_TEST(who_does_not_read_is_let_go)
{
	static char request[4200];
	struct daemon *daemon = serve("[echo]");
	int slow = listen_to_events(), quick = listen_to_events(), fd;

	expect(quick, "event: hello\n");
	snprintf(request, sizeof(request), "/v1/connections/%04000d", 1);
	for (unsigned i = 0; !daemon_log_contains(daemon, "a reader of events is too slow"); i++) {
		ck_assert_uint_lt(i, 1000);
		assert_answer(control, "DELETE", request, "", "HTTP/1.1 404", "");
		expect(quick, "0001\",\"by\":");
	}
	fd = peer_connect(front);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	ck_assert_int_ne(peer_wait_end(slow, PEER_PATIENCE_MS), PEER_SILENT);
	close(fd);
	close(slow);
	close(quick);
	daemon_stop(daemon);
}
END_TEST

/* That others are gone is known when something is said to them. */
static int become_a_reader(void)
{
	for (;;) {
		int fd = listen_to_events();

		ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "\r\n\r\n"), 0);
		if (strstr(text, "HTTP/1.1 200"))
			return fd;
		ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 503"));
		close(fd);
	}
}

START_TEST(readers_that_go_and_readers_that_are_too_many_harm_nobody)
{
	enum { MOST = 32 };
	struct daemon *daemon = serve("[echo]");
	int fds[MOST];

	for (unsigned round = 0; round < 3; round++) {
		for (int i = 0; i < MOST; i++)
			fds[i] = become_a_reader();
		assert_answer(control, "GET", "/v1/events", "", "HTTP/1.1 503", "\"busy\"");
		for (int i = 0; i < MOST; i++)
			close(fds[i]);
	}
	assert_answer(control, "GET", "/v1/events?all", "", "HTTP/1.1 400", "\"argument\"");
	assert_answer(control, "POST", "/v1/events", "", "HTTP/1.1 405", "Allow: GET");
	daemon_stop(daemon);
}
END_TEST

static bool has_printed(const char *path, const char *contains)
{
	char *output = file_read(path);
	bool found = strstr(output, contains) != NULL;

	free(output);
	return found;
}

START_TEST(the_command_prints_a_line_for_each)
{
	struct daemon *daemon = serve("[echo]");
	const char *argv[] = {getenv("URINGPROXY"), "-s", control + 5, "events", NULL};
	char output[200];
	struct child child;

	snprintf(output, sizeof(output), "%s/events", suite_dir());
	ck_assert_int_eq(
		child_start(&child, &(struct child_options){.argv = argv, .output = output}), 0);
	ck_assert(wait_until(has_printed(output, " hello version=\""), PEER_PATIENCE_MS));
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_int_eq(child_wait(&child, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_exit_status(&child), 3);
	ck_assert(has_printed(output, "the daemon tells no more"));
	daemon_free(daemon);
}
END_TEST

SUITE_OF("daemon: events", 120, ONCE(what_operators_do_is_told_at_once),
	 ONCE(servers_and_the_daemons_own_state_are_told), ONCE(who_does_not_read_is_let_go),
	 ONCE(readers_that_go_and_readers_that_are_too_many_harm_nobody),
	 ONCE(the_command_prints_a_line_for_each))
