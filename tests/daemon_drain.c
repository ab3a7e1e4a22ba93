/* What an operator drains: newcomers go elsewhere, and whoever is there stays. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/suite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char echo[32], second[32], local[320], control[300], control_address[310];

static void find_places(void)
{
	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(second, sizeof(second), "127.0.0.1:%u", port_reserve());
	snprintf(local, sizeof(local), "unix:%s/echo.sock", suite_dir());
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(control_address, sizeof(control_address), "unix:%s", control);
	setenv("URINGPROXY_CONTROL", control, 1);
}

/* Two sections, the second with a unix socket as well. */
static struct daemon *serve_two(int mode)
{
	find_places();
	return daemon_start(&daemon_modes[mode],
			    "[echo]\nlisten = %s\n[echo b]\nlisten = %s\nlisten = %s\n"
			    "[control]\nlisten = unix:%s\n[log]\nlevel = info\n",
			    echo, second, local, control);
}

static int connect_to(const char *address)
{
	int fd = peer_connect(address);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

static void expect_served(const char *address, bool served)
{
	/* A unix socket knows no reset where nothing was sent. */
	enum peer_end end = address == local ? PEER_FIN : PEER_RST;

	for (int i = 0; i < 20; i++) {
		int fd = peer_connect(address);

		assert_connected(fd);
		if (served)
			ck_assert(peer_echoes(fd));
		else
			ck_assert_str_eq(peer_end_name(peer_wait_end(fd, PEER_PATIENCE_MS)),
					 peer_end_name(end));
		close(fd);
	}
}

START_TEST(a_drained_section_resets_who_comes_and_keeps_whom_it_has)
{
	struct daemon *daemon = serve_two(_i);
	int fd = connect_to(second), other = connect_to(local);

	assert_run(0, "[echo b] is drained, since 20", RUN("drain", "b"));
	assert_run(0, "; 2 connections are left\n", RUN("status"));
	assert_answer(control_address, "GET", "/metrics", "", "HTTP/1.1 200",
		      "\nuringproxy_proxy_draining{proxy=\"b\",kind=\"echo\"} 1\n");
	expect_served(second, false);
	expect_served(local, false);
	expect_served(echo, true);
	ck_assert(peer_echoes(fd) && peer_echoes(other));
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 200", "\r\n\r\nserving\n");
	assert_run(0, "nothing is drained\n", RUN("drain", "b", "--undo"));
	expect_served(second, true);
	expect_served(local, true);
	assert_answer(control_address, "GET", "/metrics", "", "HTTP/1.1 200",
		      "\nuringproxy_proxy_draining{proxy=\"b\",kind=\"echo\"} 0\n");
	ck_assert(peer_echoes(fd) && peer_echoes(other));
	close(fd);
	close(other);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_drained_daemon_is_not_ready_until_that_is_taken_back)
{
	struct daemon *daemon = serve_two(_i);
	int fd = connect_to(echo);

	assert_run(0, "", RUN("status", "--quiet"));
	assert_run(0, "the daemon is drained, since 20", RUN("drain"));
	daemon_wait_notify(daemon, "STATUS=draining by operator: ");
	ck_assert(daemon_log_contains(daemon, "drained by user "));
	assert_run(1, "", RUN("status", "--quiet"));
	assert_run(0, ": draining by operator for ", RUN("status"));
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 503",
		      "\r\n\r\ndraining by operator\n");
	assert_answer(control_address, "GET", "/livez", "", "HTTP/1.1 200", "ok\n");
	assert_answer(control_address, "GET", "/status.json", "", "HTTP/1.1 200",
		      "\"ready\":false");
	expect_served(echo, false);
	expect_served(local, false);
	ck_assert(peer_echoes(fd));
	/* What is said of a name is said beside it. */
	assert_run(0, "[echo b] is drained", RUN("drain", "b"));
	assert_run(0, "[echo b] is drained", RUN("drain", "--undo"));
	assert_run(0, "", RUN("status", "--quiet"));
	expect_served(echo, true);
	expect_served(local, false);
	assert_run(0, "nothing is drained\n", RUN("drain", "--undo", "b"));
	expect_served(local, true);
	/* It ends as any other. */
	assert_run(0, "is drained", RUN("drain"));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

/* The end that a test waits for is minutes away: what happens before it is what is looked at. */
static struct daemon *serve_announcing(const char *announce)
{
	find_places();
	return daemon_start(&daemon_modes[2],
			    "drain_announce = %s\n[echo]\nlisten = %s\n[control]\nlisten = "
			    "unix:%s\n[log]\nlevel = info\n",
			    announce, echo, control);
}

START_TEST(a_stop_is_announced_by_not_being_ready_while_all_are_served)
{
	struct daemon *daemon = serve_announcing("10min");

	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 503", "\r\n\r\ndraining\n");
	assert_run(1, "", RUN("status", "--quiet"));
	expect_served(echo, true);
	ck_assert(daemon_log_contains(
		daemon, "SIGTERM: not ready from now on, and draining after that (drain_announce "
			"= 10min, [global] line "));
	daemon_stop(daemon); /* by another signal */
}
END_TEST

START_TEST(an_announced_stop_comes)
{
	struct daemon *daemon = serve_announcing("50ms");
	int fd = connect_to(echo);

	daemon_signal(daemon, SIGTERM);
	daemon_wait_log(daemon, "announced; draining 1 connections; another signal to stop now");
	ck_assert(wait_until(peer_connect(echo) == -ECONNREFUSED, PEER_PATIENCE_MS));
	ck_assert(peer_echoes(fd));
	close(fd);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_free(daemon);
}
END_TEST

START_TEST(a_drain_of_the_daemon_is_announced_too)
{
	struct daemon *daemon = serve_announcing("10min");

	assert_run(0, " s more it takes new connections\n", RUN("drain"));
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 503",
		      "draining by operator\n");
	expect_served(echo, true);
	assert_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 200", "serving\n");
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_stop(daemon); /* by another signal */

	daemon = serve_announcing("50ms");
	assert_run(0, "the daemon is drained", RUN("drain"));
	daemon_wait_log(daemon, "no new connections are taken, of no section");
	expect_served(echo, false);
	assert_answer(control_address, "GET", "/v1/drain", "", "HTTP/1.1 200",
		      "\"refuses_in_seconds\": 0.0");
	assert_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	expect_served(echo, true);
	assert_run(0, "the daemon is drained", RUN("drain"));
	daemon_wait_log(daemon, "no new connections are taken, of no section");
	daemon_stop(daemon);
}
END_TEST

/* The file from now on: what it was, with one piece replaced by the other. */
static void reload_with(const struct daemon *daemon, const char *piece, const char *other)
{
	char *text = file_read(daemon_configuration_path(daemon)), *at = strstr(text, piece);
	FILE *out;

	ck_assert_ptr_nonnull(at);
	out = fopen(daemon_configuration_path(daemon), "w");
	ck_assert_ptr_nonnull(out);
	fprintf(out, "%.*s%s%s", (int)(at - text), text, other, at + strlen(piece));
	fclose(out);
	free(text);
	assert_answer(control_address, "POST", "/v1/reload", "", "HTTP/1.1 200", "\"edition\": ");
}

START_TEST(what_was_said_outlives_reloads)
{
	struct daemon *daemon = serve_two(2);
	int fd = connect_to(second);
	char section[400];

	snprintf(section, sizeof(section), "[echo b]\nlisten = %s\nlisten = %s\n", second, local);
	assert_run(0, "[echo b] is drained", RUN("drain", "b"));
	assert_run(0, "debug, since 20", RUN("log-level", "debug"));
	reload_with(daemon, section, "; nothing\n");
	assert_run(0, "; 1 connections are left; no configuration has it now\n", RUN("status"));
	assert_run(0, "debug, since 20", RUN("log-level"));
	reload_with(daemon, "; nothing\n", section);
	assert_run(0, "; 1 connections are left\n", RUN("status"));
	expect_served(second, false);
	expect_served(local, false);
	expect_served(echo, true);
	ck_assert(peer_echoes(fd));
	assert_run(0, "nothing is drained\n", RUN("drain", "b", "--undo"));
	expect_served(second, true);
	expect_served(local, true);
	assert_run(0, "the daemon is drained", RUN("drain"));
	reload_with(daemon, section, "; nothing\n");
	reload_with(daemon, "; nothing\n", section);
	expect_served(second, false);
	assert_answer(control_address, "GET", "/readyz", "", "HTTP/1.1 503",
		      "draining by operator\n");
	assert_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	expect_served(second, true);
	/* Another level in the file than before is meant. */
	reload_with(daemon, "level = info", "level = warning");
	assert_run(0, "warning\n", RUN("log-level"));
	reload_with(daemon, "level = warning", "level = info");
	assert_run(0, "info\n", RUN("log-level"));
	assert_run(0, "the daemon runs what the configuration says\n", RUN("config", "--diff"));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(what_cannot_be_drained_is_said)
{
	struct daemon *daemon = serve_two(0);

	assert_run(4, "there is no proxy or service called 'c'; there are echo, b",
		   RUN("drain", "c"));
	assert_run(4, "there is no proxy or service called 'a/&%=? b'", RUN("drain", "a/&%=? b"));
	assert_run(4, "there is no proxy or service called 'c'", RUN("drain", "c", "--undo"));
	assert_run(4, "there is no proxy or service called ''", RUN("drain", ""));
	assert_run(0, "nothing is drained", RUN("drain", "b", "--undo"));
	assert_run(64, "it is `uringproxy drain [PROXY] [--undo] [--json]`",
		   RUN("drain", "b", "c"));
	assert_answer(control_address, "POST", "/v1/drain?proxi=b", "", "HTTP/1.1 400",
		      "the query may not have 'proxi'");
	assert_answer(control_address, "POST", "/v1/drain?proxy=b&proxy=echo", "", "HTTP/1.1 400",
		      "the query may not have 'proxy' as well");
	assert_answer(control_address, "POST", "/v1/drain", "{\"proxy\": \"b\"}", "HTTP/1.1 400",
		      "the body may not have");
	assert_answer(control_address, "PUT", "/v1/drain", "", "HTTP/1.1 405",
		      "Allow: GET, POST, DELETE");
	assert_answer(control_address, "GET", "/v1/drain", "", "HTTP/1.1 200", "\"daemon\": null");
	expect_served(echo, true);
	expect_served(second, true);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: drain", 60,
	 IN_EACH_MODE(a_drained_section_resets_who_comes_and_keeps_whom_it_has),
	 IN_EACH_MODE(a_drained_daemon_is_not_ready_until_that_is_taken_back),
	 ONCE(a_stop_is_announced_by_not_being_ready_while_all_are_served),
	 ONCE(an_announced_stop_comes), ONCE(a_drain_of_the_daemon_is_announced_too),
	 ONCE(what_was_said_outlives_reloads), ONCE(what_cannot_be_drained_is_said))
