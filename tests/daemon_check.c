/* `uringproxy check`: what it says of this machine, and of one that lacks something. */
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const check[] = {"check", NULL};
static const char *const check_json[] = {"check", "--json", NULL};

static const char *proxy(const char *settings)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s[proxy p]\nlisten = 127.0.0.1:%u\nserver = 127.0.0.1:1\n",
		 settings, port_reserve());
	return text;
}

/* The line about what, of the log: "warn  what ...". */
static void assert_says(struct daemon *daemon, const char *level, const char *what,
			const char *said)
{
	char *log = daemon_log(daemon), *save = NULL, *line;
	size_t length = strlen(what);

	for (line = strtok_r(log, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > 6 + length && strncmp(line + 6, what, length) == 0 &&
		    line[6 + length] == ' ' && strncmp(line, level, strlen(level)) == 0 &&
		    strstr(line, said))
			break;
	ck_assert_msg(line, "no line \"%s  %s ... %s\" in:\n%s", level, what, said,
		      daemon_log(daemon));
	free(log);
}

static struct daemon *checked(struct daemon_options options, int status)
{
	struct daemon *daemon;

	if (!options.arguments)
		options.arguments = check;
	daemon = daemon_spawn(&options);
	ck_assert_msg(daemon_wait_exit(daemon) == status, "%s", daemon_log(daemon));
	return daemon;
}

START_TEST(a_machine_that_runs_these_tests_can_serve)
{
	struct daemon *daemon = checked((struct daemon_options){.configuration = proxy("")}, 0);

	assert_says(daemon, "ok", "io_uring", "yes");
	assert_says(daemon, "ok", "io_uring buffer-ring", "yes");
	assert_says(daemon, "ok", "kernel", ".");
	assert_says(daemon, "", "RLIMIT_NOFILE", "");
	assert_says(daemon, "", "sqpoll", "works");
	assert_says(daemon, "ok", "configuration", daemon_configuration_path(daemon));
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
}
END_TEST

START_TEST(a_container_that_refuses_io_uring_cannot_serve)
{
	struct daemon *daemon = checked(
		(struct daemon_options){.configuration = proxy(""), .io_uring_errno = EPERM}, 1);

	assert_says(daemon, "fail", "io_uring", "seccomp filter");
	assert_says(daemon, "ok", "kernel", ".");
	daemon_free(daemon);
	daemon = checked(
		(struct daemon_options){.configuration = proxy(""), .io_uring_errno = ENOSYS}, 1);
	assert_says(daemon, "fail", "io_uring", "Function not implemented");
	daemon_free(daemon);
}
END_TEST

START_TEST(limits_are_judged_by_what_the_file_wants)
{
	struct daemon *daemon =
		checked((struct daemon_options){.configuration = proxy("max_connections = 5000\n"),
						.mode = &daemon_modes[0],
						.nofile = 2000},
			0);

	assert_says(daemon, "warn", "RLIMIT_NOFILE", "2000");
	assert_says(daemon, "warn", "RLIMIT_NOFILE", "max_connections = 5000");
	assert_says(daemon, "warn", "configuration", "[global] max_connections: 5000 needs ");
	daemon_free(daemon);
}
END_TEST

START_TEST(no_descriptors_for_even_one_connection_is_a_failure)
{
	struct daemon *daemon =
		checked((struct daemon_options){.configuration = proxy(""), .nofile = 30}, 1);

	assert_says(daemon, "fail", "configuration", "RLIMIT_NOFILE is 30, and ");
	daemon_free(daemon);
}
END_TEST

START_TEST(what_is_switched_off_is_named_with_what_goes_with_it)
{
	struct daemon *daemon = checked(
		(struct daemon_options){.configuration =
						"[global]\nwithout = recv-bundle min-wait\n"
						"[echo]\nlisten = unix:@uringproxy-check-test\n"},
		0);

	assert_says(daemon, "warn", "io_uring recv-bundle", "bulk costs more CPU");
	assert_says(daemon, "warn", "io_uring min-wait", "`coalesce` has no effect");
	daemon_free(daemon);
}
END_TEST

/* As nobody: root may bind any port, and lock any memory. */
START_TEST(without_capabilities_low_ports_and_little_locked_memory_are_failures)
{
	struct daemon *daemon;

	if (geteuid() != 0)
		SKIP_TEST("needs root, to become somebody without capabilities");
	chmod(suite_dir(), 0755);
	daemon = checked((struct daemon_options){.configuration = "[global]\nworkers = 1\n[echo]\n"
								  "listen = 127.0.0.1:80\n",
						 .uid = 65534,
						 .memlock = 64 << 10},
			 1);
	assert_says(daemon, "fail", "RLIMIT_MEMLOCK", "need about 400K");
	if (!daemon_log_contains(daemon, "ports below 0 "))
		assert_says(daemon, "fail", "CAP_NET_BIND_SERVICE", "port 80");
	daemon_free(daemon);
}
END_TEST

/* As nobody, who may have no thread more. */
static char *checked_without_threads(const char *sqpoll, int status)
{
	char path[256], *output;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sqpoll.conf", suite_dir());
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "[global]\nworkers = 1\nsqpoll = %s\n[echo]\nlisten = 127.0.0.1:%u\n", sqpoll,
		port_reserve());
	fclose(file);
	ck_assert_int_eq(
		child_run(
			&(struct child_options){
				.argv = (const char *const[]){"prlimit", "--nproc=1",
							      getenv("URINGPROXY"), "-c", path,
							      "check", NULL},
				.environment =
					(const char *const[]){"ASAN_OPTIONS=detect_leaks=0", NULL},
				.uid = 65534,
			},
			20000, &output),
		status);
	return output;
}

START_TEST(polling_that_gets_no_thread_is_a_failure_where_it_is_wanted)
{
	char *output;

	if (geteuid() != 0)
		SKIP_TEST("needs root, to become somebody without capabilities");
	chmod(suite_dir(), 0755);
	output = checked_without_threads("on", 1);
	ck_assert_msg(strstr(output, "\nfail  sqpoll ") && strstr(output, "raise TasksMax="), "%s",
		      output);
	free(output);
	output = checked_without_threads("off", 0);
	ck_assert_msg(strstr(output, "\nwarn  sqpoll ") && strstr(output, "refused, not used"),
		      "%s", output);
	free(output);
}
END_TEST

START_TEST(mistakes_in_the_file_are_failures_beside_what_the_machine_says)
{
	struct daemon *daemon = checked(
		(struct daemon_options){
			.configuration = "[echo]\nlisten = 7\nbaklog = 1\n[ehco]\nlisten = 8\n"},
		1);

	assert_says(daemon, "fail", "configuration", ":3: [echo] baklog: no such key");
	assert_says(daemon, "fail", "configuration", ":4: there is no section [ehco]");
	assert_says(daemon, "ok", "io_uring", "yes");
	daemon_free(daemon);
	daemon = checked(
		(struct daemon_options){.arguments = (const char *const[]){"-c",
									   "/nonexistent/file.conf",
									   "check", NULL}},
		1);
	assert_says(daemon, "fail", "configuration", "/nonexistent/file.conf");
	daemon_free(daemon);
}
END_TEST

START_TEST(json_says_the_same_and_is_json)
{
	struct daemon *daemon = checked((struct daemon_options){.configuration = proxy(""),
								.arguments = check_json,
								.io_uring_errno = EPERM},
					1);
	char path[256], *log = daemon_log(daemon), *output;
	FILE *file;
	int status;

	snprintf(path, sizeof(path), "%s/check.json", suite_dir());
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(log, file);
	fclose(file);
	free(log);
	daemon_free(daemon);
	if (!program_exists("python3"))
		SKIP_TEST("no python3 to read JSON with");
	status = child_run(
		&(struct child_options){
			.argv =
				(const char *const[]){
					"python3", "-c",
					"import json,sys; a=json.load(open(sys.argv[1]));"
					"print(a['can_serve'],[f['level'] for f in a['findings'] "
					"if f['what']=='io_uring'])",
					path, NULL}},
		20000, &output);
	ck_assert_int_eq(status, 0);
	ck_assert_str_eq(output, "False ['fail']\n");
	free(output);
}
END_TEST

START_TEST(a_command_line_that_is_wrong_is_64)
{
	daemon_free(checked(
		(struct daemon_options){.arguments =
						(const char *const[]){"check", "everything", NULL}},
		64));
	daemon_free(checked(
		(struct daemon_options){.arguments = (const char *const[]){"check", "--xml", NULL}},
		64));
}
END_TEST

SUITE("daemon: check", a_machine_that_runs_these_tests_can_serve,
      a_container_that_refuses_io_uring_cannot_serve, limits_are_judged_by_what_the_file_wants,
      no_descriptors_for_even_one_connection_is_a_failure,
      what_is_switched_off_is_named_with_what_goes_with_it,
      without_capabilities_low_ports_and_little_locked_memory_are_failures,
      polling_that_gets_no_thread_is_a_failure_where_it_is_wanted,
      mistakes_in_the_file_are_failures_beside_what_the_machine_says,
      json_says_the_same_and_is_json, a_command_line_that_is_wrong_is_64)
