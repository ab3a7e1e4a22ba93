/* What an operator says while it runs: log files, what is logged, what it runs with. */
#include "support/asking.h"
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static char echo[32], control[300], control_address[310], folder[300], access_log[320],
	renamed[330];

static void find_places(void)
{
	snprintf(echo, sizeof(echo), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "%s/control.sock", suite_dir());
	snprintf(control_address, sizeof(control_address), "unix:%s", control);
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

/* ---- Log files ------------------------------------------------------------------------------- */

START_TEST(reopen_logs_returns_when_the_file_is_open_anew)
{
	struct daemon *daemon = serve_with_file();

	for (int i = 0; i < 5; i++) {
		converse(1);
		ck_assert_int_eq(rename(access_log, renamed), 0);
		assert_run(0, "/access.log is open anew\n", RUN("reopen-logs"));
		ck_assert_int_eq(access(access_log, F_OK), 0);
	}
	assert_run(0, "/access.log\"", RUN("reopen-logs", "--json"));
	ck_assert(daemon_log_contains(daemon, "control: POST /v1/reopen-logs, asked by user "));
	assert_run(64, "it is `uringproxy reopen-logs [--json]`", RUN("reopen-logs", access_log));
	daemon_stop(daemon);
}
END_TEST

START_TEST(what_a_path_has_that_is_no_text_is_shown_as_a_question_mark)
{
	struct daemon *daemon;
	char log[400];

	find_places();
	snprintf(log, sizeof(log), "access = %s/\xff.log", folder);
	daemon = serve_logging(log);
	assert_run(0, "/?.log is open anew\n", RUN("reopen-logs"));
	assert_run(0, "the daemon runs what the configuration says\n", RUN("config", "--diff"));
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
	assert_run(1, text, RUN("reopen-logs"));
	assert_answer(control_address, "POST", "/v1/reopen-logs", "", "HTTP/1.1 503",
		      "\"cannot_open\"");
	ck_assert_int_eq(rename(moved, folder), 0);
	assert_run(0, " is open anew", RUN("reopen-logs"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(without_a_file_reopen_logs_has_nothing_to_do)
{
	struct daemon *daemon = serve();

	assert_run(0, "there is no log file to open anew\n", RUN("reopen-logs"));
	assert_run(0, "\"reopened\": null", RUN("reopen-logs", "--json"));
	assert_answer(control_address, "POST", "/v1/reopen-logs?file=/etc/passwd", "",
		      "HTTP/1.1 400", "the query may not have 'file'");
	assert_answer(control_address, "POST", "/v1/reopen-logs", "{\"file\":\"/etc/passwd\"}",
		      "HTTP/1.1 400", "the body may not have \\\"file\\\"");
	assert_answer(control_address, "GET", "/v1/reopen-logs", "", "HTTP/1.1 405", "Allow: POST");
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
	assert_answer(control_address, "POST", "/v1/reopen-logs", "", "HTTP/1.1 503", "\"error\"");
	converse(1);
	assert_run(0, ": serving for ", RUN("status"));
	ck_assert_int_eq(child_wait(&child, PEER_PATIENCE_MS), 0);
	ck_assert_int_eq(child_exit_status(&child), 1);
	thread_let_go(writer);
	assert_run(0, " is open anew", RUN("reopen-logs"));
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

	assert_run(0, "info\n", RUN("log-level"));
	converse(1);
	assert_run(0, "debug, since 20", RUN("log-level", "debug"));
	ck_assert(daemon_log_contains(daemon, "log level is debug from now on (user "));
	ck_assert(!daemon_log_contains(daemon, "debug: session"));
	converse(1);
	daemon_wait_log(daemon, "debug: session");
	assert_run(0, "; the configuration says info\n", RUN("status"));
	assert_run(0, "\"level\": \"debug\"", RUN("status", "--json"));
	assert_run(0, "error, since 20", RUN("log-level", "error"));
	daemon_wait_log(daemon, "log level is error from now on (user ");
	assert_run(0, "info\n", RUN("log-level", "info"));
	assert_run(0, "\"said\": null", RUN("log-level", "--json"));
	daemon_stop(daemon);
}
END_TEST

START_TEST(whoever_asks_cannot_write_to_the_terminals_of_others)
{
	struct daemon *daemon = serve();

	ck_assert_int_eq(prctl(PR_SET_NAME, "\xff\x1b[31m\"x"), 0);
	assert_answer(control_address, "POST", "/v1/log-level", "{\"level\": \"debug\"}",
		      "HTTP/1.1 200", ", ??[31m\\\"x)\"");
	assert_run(0, ", ??[31m\"x); the configuration says info\n", RUN("log-level"));
	ck_assert(daemon_log_contains(daemon, ", ??[31m\"x)"));
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

	assert_run(1, "\"loud\" is not one of: error, warning, info, debug",
		   RUN("log-level", "loud"));
	assert_run(64, "it is `uringproxy log-level [LEVEL] [--json]`",
		   RUN("log-level", "info", "debug"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_answer(control_address, "POST", "/v1/log-level", wrong[i].body,
			      "HTTP/1.1 400", wrong[i].says);
	ck_assert_ptr_nonnull(megabyte);
	memset(megabyte, '[', 1 << 20);
	assert_answer(control_address, "POST", "/v1/log-level", megabyte, "HTTP/1.1 413",
		      "\"error\"");
	megabyte[60 << 10] = 0;
	assert_answer(control_address, "POST", "/v1/log-level", megabyte, "HTTP/1.1 400",
		      "the body is no JSON");
	free(megabyte);
	assert_run(0, "info\n", RUN("log-level"));
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

	assert_run(0, "the daemon runs what the configuration says\n", RUN("config", "--diff"));
	assert_run(0, "[]\n", RUN("config", "--diff", "--json"));
	assert_run(64, "it is `uringproxy config --effective|--diff [--json]`",
		   RUN("config", "--diff", "--effective"));
	assert_run(64, "it is `uringproxy config", RUN("config", "--effective", "--json"));
	write_configuration(daemon, "format = json\n");
	snprintf(text, sizeof(text),
		 "[log]\n-format              = text               ; default\n"
		 "+format              = json               ; %s:",
		 file);
	assert_run(0, text, RUN("config", "--diff"));
	/* A file that -c names says where the daemon is asked, too. */
	unsetenv("URINGPROXY_CONTROL");
	assert_run(0, text, RUN("config", "--diff", "-c", file));
	write_configuration(daemon, "format = xml\n");
	assert_run(78, "[log] format", RUN("-c", file, "config", "--diff"));
	setenv("URINGPROXY_CONTROL", control, 1);
	assert_answer(control_address, "GET", "/v1/config", "", "HTTP/1.1 200",
		      "\"key\": \"drain_announce\"");
	assert_answer(control_address, "GET", "/v1/config?file=/etc/passwd", "", "HTTP/1.1 400",
		      "'file'");
	daemon_stop(daemon);
	assert_run(3, "cannot ask", RUN("config", "--diff"));
}
END_TEST

SUITE_OF("daemon: steering", 60, ONCE(reopen_logs_returns_when_the_file_is_open_anew),
	 ONCE(what_a_path_has_that_is_no_text_is_shown_as_a_question_mark),
	 ONCE(reopen_logs_says_why_the_file_cannot_be_opened),
	 ONCE(without_a_file_reopen_logs_has_nothing_to_do),
	 ONCE(a_disk_that_hangs_holds_nobody_but_who_asks_to_open_anew),
	 ONCE(logrotate_does_as_the_example_says),
	 ONCE(log_level_holds_until_it_is_taken_back_and_says_who),
	 ONCE(whoever_asks_cannot_write_to_the_terminals_of_others),
	 ONCE(a_log_level_that_is_none_is_refused),
	 ONCE(what_runs_and_what_the_file_says_are_compared))
