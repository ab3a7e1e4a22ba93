/* What an operator says while it runs: log files, what is logged, who is served. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char echo[32], control[300], folder[300], access_log[320], renamed[330];

static void find_places(void)
{
	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(folder, sizeof(folder), "%s/XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(access_log, sizeof(access_log), "%s/access.log", folder);
	snprintf(renamed, sizeof(renamed), "%s/access.log.1", folder);
	setenv("URINGPROXY_CONTROL", control, 1);
}

static struct daemon *serve_logging(const char *log)
{
	return daemon_start(&daemon_modes[0],
			    "[echo]\nlisten = %s\n[control]\nlisten = unix:%s\n[log]\n%s\n", echo,
			    control, log);
}

static struct daemon *serve(void)
{
	find_places();
	return serve_logging("level = info");
}

static struct daemon *serve_with_file(void)
{
	char log[400];

	find_places();
	snprintf(log, sizeof(log), "access = %s", access_log);
	return serve_logging(log);
}

static void converse(unsigned times)
{
	while (times--) {
		int fd = peer_connect(echo);

		assert_connected(fd);
		ck_assert(peer_echoes(fd));
		close(fd);
	}
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static int run(const char *const arguments[], char **ret_output)
{
	const char *argv[10] = {getenv("URINGPROXY")};

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	return child_run(&(struct child_options){.argv = argv}, PEER_PATIENCE_MS, ret_output);
}

static void expect_run(int status, const char *contains, const char *const arguments[])
{
	char *output;
	int r = run(arguments, &output);

	ck_assert_msg(r == status && strstr(output, contains), "%s: %d\n%s", arguments[0], r,
		      output);
	free(output);
}
#define RUN(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void expect_answer(const char *method, const char *target, const char *body,
			  const char *begins, const char *contains)
{
	char *request, *answer = calloc(1, 65536), address[320];
	int fd;

	ck_assert_ptr_nonnull(answer);
	snprintf(address, sizeof(address), "unix:%s", control);
	fd = peer_connect(address);
	assert_connected(fd);
	ck_assert_int_gt(
		asprintf(
			&request,
			"%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
			"%zu\r\n\r\n%s",
			method, target, strlen(body), body),
		0);
	(void)peer_send_text(fd, request);
	free(request);
	(void)peer_receive_text(fd, answer, 65536, NULL);
	close(fd);
	ck_assert_msg(!strncmp(answer, begins, strlen(begins)) && strstr(answer, contains),
		      "%s %s %s\n--- %.500s", method, target, body, answer);
	free(answer);
}

/* ---- Log files ------------------------------------------------------------------------------- */

START_TEST(reopen_logs_returns_when_the_file_is_open_anew)
{
	struct daemon *daemon = serve_with_file();

	for (int i = 0; i < 5; i++) {
		converse(1);
		ck_assert_int_eq(rename(access_log, renamed), 0);
		expect_run(0, "/access.log is open anew\n", RUN("reopen-logs"));
		ck_assert_int_eq(access(access_log, F_OK), 0);
	}
	expect_run(0, "/access.log\"", RUN("reopen-logs", "--json"));
	ck_assert(daemon_log_contains(daemon, "control: POST /v1/reopen-logs, asked by user "));
	expect_run(64, "it is `uringproxy reopen-logs [--json]`", RUN("reopen-logs", access_log));
	daemon_stop(daemon);
}
END_TEST

START_TEST(reopen_logs_says_why_the_file_cannot_be_opened)
{
	struct daemon *daemon = serve_with_file();
	char moved[320], text[500];

	snprintf(moved, sizeof(moved), "%s.moved", folder);
	ck_assert_int_eq(rename(folder, moved), 0);
	snprintf(text, sizeof(text),
		 "cannot open %s anew: No such file or directory (errno 2); the old one stays in "
		 "use; make its directory",
		 access_log);
	expect_run(1, text, RUN("reopen-logs"));
	expect_answer("POST", "/v1/reopen-logs", "", "HTTP/1.1 503", "\"cannot_open\"");
	ck_assert_int_eq(rename(moved, folder), 0);
	expect_run(0, " is open anew", RUN("reopen-logs"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(without_a_file_reopen_logs_has_nothing_to_do)
{
	struct daemon *daemon = serve();

	expect_run(0, "there is no log file to open anew\n", RUN("reopen-logs"));
	expect_run(0, "\"reopened\": null", RUN("reopen-logs", "--json"));
	expect_answer("POST", "/v1/reopen-logs?file=/etc/passwd", "", "HTTP/1.1 400",
		      "the query may not have 'file'");
	expect_answer("POST", "/v1/reopen-logs", "{\"file\":\"/etc/passwd\"}", "HTTP/1.1 400",
		      "the body may not have \\\"file\\\"");
	expect_answer("GET", "/v1/reopen-logs", "", "HTTP/1.1 405", "Allow: POST");
	daemon_stop(daemon);
}
END_TEST

/* Nobody is answered before it is done, and nobody else waits. */
START_TEST(a_disk_that_hangs_holds_nobody_but_who_asks_to_open_anew)
{
	struct daemon *daemon = serve_with_file();
	const char *argv[] = {getenv("URINGPROXY"), "reopen-logs", NULL};
	struct child child;
	pid_t writer;

	ck_assert(wait_until(threads_named(daemon_pid(daemon), "log writer", &writer, 1) == 1,
			     PEER_PATIENCE_MS));
	if (!thread_hold(writer)) {
		daemon_stop(daemon);
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	}
	ck_assert_int_eq(child_start(&child, &(struct child_options){.argv = argv}), 0);
	expect_answer("POST", "/v1/reopen-logs", "", "HTTP/1.1 503", "\"error\"");
	converse(1);
	expect_run(0, ": serving for ", RUN("status"));
	ck_assert_int_eq(child_wait(&child, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_exit_status(&child), 1);
	thread_let_go(writer);
	expect_run(0, " is open anew", RUN("reopen-logs"));
	daemon_stop(daemon);
}
END_TEST

/* The example, with the paths of this test. */
static void write_logrotate(const char *path)
{
	char *text = file_read("examples/uringproxy.logrotate"), *at = text;
	static const char place[] = "/var/log/uringproxy/", su[] = "\tsu uringproxy uringproxy\n";
	static const char command[] = "\t\turingproxy reopen-logs";
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert(*text);
	while (*at) {
		if (!strncmp(at, place, sizeof(place) - 1)) {
			fprintf(out, "%s/", folder);
			at += sizeof(place) - 1;
		} else if (!strncmp(at, su, sizeof(su) - 1)) {
			at += sizeof(su) - 1; /* there is no such user here */
		} else if (!strncmp(at, command, sizeof(command) - 1)) {
			fprintf(out, "\t\t%s reopen-logs", getenv("URINGPROXY"));
			at += sizeof(command) - 1;
		} else {
			fputc(*at++, out);
		}
	}
	fclose(out);
	free(text);
}

START_TEST(logrotate_does_as_the_example_says)
{
	char file[320], state[320], packed[340], *output;
	const char *argv[] = {"logrotate", "--force", "--state", state, file, NULL};
	struct daemon *daemon;
	struct stat status;

	if (!program_exists("logrotate"))
		SKIP_TEST("there is no logrotate");
	daemon = serve_with_file();
	snprintf(file, sizeof(file), "%s/logrotate.conf", suite_dir());
	snprintf(state, sizeof(state), "%s/logrotate.state", suite_dir());
	snprintf(packed, sizeof(packed), "%s.1.gz", access_log);
	write_logrotate(file);
	for (int i = 0; i < 2; i++) {
		int r;

		converse(1);
		ck_assert(wait_until(stat(access_log, &status) == 0 && status.st_size > 0,
				     PEER_PATIENCE_MS));
		r = child_run(&(struct child_options){.argv = argv}, PEER_PATIENCE_MS, &output);
		ck_assert_msg(r == 0, "%d: %s", r, output);
		free(output);
		ck_assert_int_eq(access(packed, F_OK), 0);
		ck_assert_int_eq(stat(access_log, &status), 0);
		ck_assert_int_eq(unlink(packed), 0);
	}
	daemon_stop(daemon);
}
END_TEST

/* ---- What is logged -------------------------------------------------------------------------- */

START_TEST(log_level_holds_until_it_is_taken_back_and_says_who)
{
	struct daemon *daemon = serve();

	expect_run(0, "info\n", RUN("log-level"));
	converse(1);
	expect_run(0, "debug, since 20", RUN("log-level", "debug"));
	ck_assert(daemon_log_contains(daemon, "log level is debug from now on (user "));
	ck_assert(!daemon_log_contains(daemon, "debug: session"));
	converse(1);
	daemon_wait_log(daemon, "debug: session");
	expect_run(0, "; the configuration says info\n", RUN("status"));
	expect_run(0, "\"level\": \"debug\"", RUN("status", "--json"));
	expect_run(0, "error, since 20", RUN("log-level", "error"));
	daemon_wait_log(daemon, "log level is error from now on (user ");
	expect_run(0, "info\n", RUN("log-level", "info"));
	expect_run(0, "\"said\": null", RUN("log-level", "--json"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_log_level_that_is_none_is_refused)
{
	static const struct {
		const char *body, *says;
	} wrong[] = {
		{"", "the body has to have \\\"level\\\""},
		{"{}", "the body has to have \\\"level\\\""},
		{"level=debug", "the body is no JSON at its line 1"},
		{"[\"debug\"]", "the body is JSON, but no object"},
		{"{\"level\": 3}", "has to be a text"},
		{"{\"level\": \"loud\"}", "is not one of: error, warning, info, debug"},
		{"{\"level\": \"debug\", \"file\": \"x\"}", "may not have \\\"file\\\""},
	};
	struct daemon *daemon = serve();
	char *megabyte = calloc(1, (1 << 20) + 1);

	expect_run(1, "\"loud\" is not one of: error, warning, info, debug",
		   RUN("log-level", "loud"));
	expect_run(64, "it is `uringproxy log-level [LEVEL] [--json]`",
		   RUN("log-level", "info", "debug"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_answer("POST", "/v1/log-level", wrong[i].body, "HTTP/1.1 400",
			      wrong[i].says);
	ck_assert_ptr_nonnull(megabyte);
	memset(megabyte, '[', 1 << 20);
	expect_answer("POST", "/v1/log-level", megabyte, "HTTP/1.1 413", "\"error\"");
	megabyte[60 << 10] = 0;
	expect_answer("POST", "/v1/log-level", megabyte, "HTTP/1.1 400", "the body is no JSON");
	free(megabyte);
	expect_run(0, "info\n", RUN("log-level"));
	daemon_stop(daemon);
}
END_TEST

/* ---- Who is served --------------------------------------------------------------------------- */

static char second[32], local[320];

/* Two sections, the second with a unix socket as well. */
static struct daemon *serve_two(int mode)
{
	find_places();
	snprintf(second, sizeof(second), "127.0.0.1:%u", port_reserve());
	snprintf(local, sizeof(local), "unix:%s/echo.sock", folder);
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

	expect_run(0, "[echo b] is drained, since 20", RUN("drain", "b"));
	expect_run(0, "; 2 connections are left\n", RUN("status"));
	expect_answer("GET", "/metrics", "", "HTTP/1.1 200",
		      "\nuringproxy_proxy_draining{proxy=\"b\",kind=\"echo\"} 1\n");
	expect_served(second, false);
	expect_served(local, false);
	expect_served(echo, true);
	ck_assert(peer_echoes(fd) && peer_echoes(other));
	expect_answer("GET", "/readyz", "", "HTTP/1.1 200", "\r\n\r\nserving\n");
	expect_run(0, "nothing is drained\n", RUN("drain", "b", "--undo"));
	expect_served(second, true);
	expect_served(local, true);
	expect_answer("GET", "/metrics", "", "HTTP/1.1 200",
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

	expect_run(0, "", RUN("status", "--quiet"));
	expect_run(0, "the daemon is drained, since 20", RUN("drain"));
	daemon_wait_notify(daemon, "STATUS=draining by operator: ");
	ck_assert(daemon_log_contains(daemon, "drained by user "));
	expect_run(1, "", RUN("status", "--quiet"));
	expect_run(0, ": draining by operator for ", RUN("status"));
	expect_answer("GET", "/readyz", "", "HTTP/1.1 503", "\r\n\r\ndraining by operator\n");
	expect_answer("GET", "/livez", "", "HTTP/1.1 200", "ok\n");
	expect_answer("GET", "/status.json", "", "HTTP/1.1 200", "\"ready\":false");
	expect_served(echo, false);
	expect_served(local, false);
	ck_assert(peer_echoes(fd));
	/* What is said of a name is said beside it. */
	expect_run(0, "[echo b] is drained", RUN("drain", "b"));
	expect_run(0, "[echo b] is drained", RUN("drain", "--undo"));
	expect_run(0, "", RUN("status", "--quiet"));
	expect_served(echo, true);
	expect_served(local, false);
	expect_run(0, "nothing is drained\n", RUN("drain", "--undo", "b"));
	expect_served(local, true);
	/* It ends as any other. */
	expect_run(0, "is drained", RUN("drain"));
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
	expect_answer("GET", "/readyz", "", "HTTP/1.1 503", "\r\n\r\ndraining\n");
	expect_run(1, "", RUN("status", "--quiet"));
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

	expect_run(0, " s more it takes new connections\n", RUN("drain"));
	expect_answer("GET", "/readyz", "", "HTTP/1.1 503", "draining by operator\n");
	expect_served(echo, true);
	expect_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	expect_answer("GET", "/readyz", "", "HTTP/1.1 200", "serving\n");
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_stop(daemon); /* by another signal */

	daemon = serve_announcing("50ms");
	expect_run(0, "the daemon is drained", RUN("drain"));
	daemon_wait_log(daemon, "no new connections are taken, of no section");
	expect_served(echo, false);
	expect_answer("GET", "/v1/drain", "", "HTTP/1.1 200", "\"refuses_in_seconds\": 0.0");
	expect_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	expect_served(echo, true);
	expect_run(0, "the daemon is drained", RUN("drain"));
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
	expect_answer("POST", "/v1/reload", "", "HTTP/1.1 200", "\"edition\": ");
}

START_TEST(what_was_said_outlives_reloads)
{
	struct daemon *daemon = serve_two(2);
	int fd = connect_to(second);
	char section[400];

	snprintf(section, sizeof(section), "[echo b]\nlisten = %s\nlisten = %s\n", second, local);
	expect_run(0, "[echo b] is drained", RUN("drain", "b"));
	expect_run(0, "debug, since 20", RUN("log-level", "debug"));
	reload_with(daemon, section, "; nothing\n");
	expect_run(0, "; 1 connections are left; no configuration has it now\n", RUN("status"));
	expect_run(0, "debug, since 20", RUN("log-level"));
	reload_with(daemon, "; nothing\n", section);
	expect_run(0, "; 1 connections are left\n", RUN("status"));
	expect_served(second, false);
	expect_served(local, false);
	expect_served(echo, true);
	ck_assert(peer_echoes(fd));
	expect_run(0, "nothing is drained\n", RUN("drain", "b", "--undo"));
	expect_served(second, true);
	expect_served(local, true);
	expect_run(0, "the daemon is drained", RUN("drain"));
	reload_with(daemon, section, "; nothing\n");
	reload_with(daemon, "; nothing\n", section);
	expect_served(second, false);
	expect_answer("GET", "/readyz", "", "HTTP/1.1 503", "draining by operator\n");
	expect_run(0, "nothing is drained\n", RUN("drain", "--undo"));
	expect_served(second, true);
	/* Another level in the file than before is meant. */
	reload_with(daemon, "level = info", "level = warning");
	expect_run(0, "warning\n", RUN("log-level"));
	reload_with(daemon, "level = warning", "level = info");
	expect_run(0, "info\n", RUN("log-level"));
	expect_run(0, "the daemon runs what the configuration says\n", RUN("config", "--diff"));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(what_cannot_be_drained_is_said)
{
	struct daemon *daemon = serve_two(0);

	expect_run(4, "there is no proxy or service called 'c'; there are echo, b",
		   RUN("drain", "c"));
	expect_run(4, "there is no proxy or service called 'a/&%=? b'", RUN("drain", "a/&%=? b"));
	expect_run(4, "there is no proxy or service called 'c'", RUN("drain", "c", "--undo"));
	expect_run(4, "there is no proxy or service called ''", RUN("drain", ""));
	expect_run(0, "nothing is drained", RUN("drain", "b", "--undo"));
	expect_run(64, "it is `uringproxy drain [PROXY] [--undo] [--json]`",
		   RUN("drain", "b", "c"));
	expect_answer("POST", "/v1/drain?proxi=b", "", "HTTP/1.1 400",
		      "the query may not have 'proxi'");
	expect_answer("POST", "/v1/drain?proxy=b&proxy=echo", "", "HTTP/1.1 400",
		      "the query may not have 'proxy' as well");
	expect_answer("POST", "/v1/drain", "{\"proxy\": \"b\"}", "HTTP/1.1 400",
		      "the body may not have");
	expect_answer("PUT", "/v1/drain", "", "HTTP/1.1 405", "Allow: GET, POST, DELETE");
	expect_answer("GET", "/v1/drain", "", "HTTP/1.1 200", "\"daemon\": null");
	expect_served(echo, true);
	expect_served(second, true);
	daemon_stop(daemon);
}
END_TEST

/* ---- The configuration ----------------------------------------------------------------------- */

static void write_configuration(const struct daemon *daemon, const char *more)
{
	FILE *out = fopen(daemon_configuration_path(daemon), "a");

	ck_assert_ptr_nonnull(out);
	fputs(more, out);
	fclose(out);
}

START_TEST(what_runs_and_what_the_file_says_are_compared)
{
	struct daemon *daemon = serve();
	const char *file = daemon_configuration_path(daemon);
	char text[500];

	expect_run(0, "the daemon runs what the configuration says\n", RUN("config", "--diff"));
	expect_run(0, "[]\n", RUN("config", "--diff", "--json"));
	expect_run(64, "it is `uringproxy config --effective|--diff [--json]`",
		   RUN("config", "--diff", "--effective"));
	expect_run(64, "it is `uringproxy config", RUN("config", "--effective", "--json"));
	write_configuration(daemon, "format = json\n");
	snprintf(text, sizeof(text),
		 "[log]\n-format              = text               ; default\n"
		 "+format              = json               ; %s:",
		 file);
	expect_run(0, text, RUN("config", "--diff"));
	/* A file that -c names says where the daemon is asked, too. */
	unsetenv("URINGPROXY_CONTROL");
	expect_run(0, text, RUN("config", "--diff", "-c", file));
	write_configuration(daemon, "format = xml\n");
	expect_run(78, "[log] format", RUN("-c", file, "config", "--diff"));
	setenv("URINGPROXY_CONTROL", control, 1);
	expect_answer("GET", "/v1/config", "", "HTTP/1.1 200", "\"key\": \"drain_announce\"");
	expect_answer("GET", "/v1/config?file=/etc/passwd", "", "HTTP/1.1 400", "'file'");
	daemon_stop(daemon);
	expect_run(3, "cannot ask", RUN("config", "--diff"));
}
END_TEST

SUITE_OF("daemon: steering", 60, ONCE(reopen_logs_returns_when_the_file_is_open_anew),
	 ONCE(reopen_logs_says_why_the_file_cannot_be_opened),
	 ONCE(without_a_file_reopen_logs_has_nothing_to_do),
	 ONCE(a_disk_that_hangs_holds_nobody_but_who_asks_to_open_anew),
	 ONCE(logrotate_does_as_the_example_says),
	 ONCE(log_level_holds_until_it_is_taken_back_and_says_who),
	 ONCE(a_log_level_that_is_none_is_refused),
	 IN_EACH_MODE(a_drained_section_resets_who_comes_and_keeps_whom_it_has),
	 IN_EACH_MODE(a_drained_daemon_is_not_ready_until_that_is_taken_back),
	 ONCE(a_stop_is_announced_by_not_being_ready_while_all_are_served),
	 ONCE(an_announced_stop_comes), ONCE(a_drain_of_the_daemon_is_announced_too),
	 ONCE(what_was_said_outlives_reloads), ONCE(what_cannot_be_drained_is_said),
	 ONCE(what_runs_and_what_the_file_says_are_compared))
