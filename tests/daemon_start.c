/* Starting: what it checks, what it says when it cannot, and what it tells the service manager. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/locked.h"
#include "support/refusal.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_CONFIG 78

static char address[32];

static const char *echo_configuration(void)
{
	static char text[128];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text), "[echo]\nlisten = %s\n", address);
	return text;
}

static const char *const test_only[] = {"-t", NULL};

/* ---- configuration ---- */

static const char wrong[] = "[global]\n"
			    "wrokers = 2\n"
			    "drain_timeout = fast\n"
			    "[proxy web]\n"
			    "listen = 127.0.0.1:0\n"
			    "[ehco]\n"
			    "listen = 7\n";

/* The place of every mistake, and a suggestion where a word is nearly right. */
static void assert_names_every_mistake(struct daemon *daemon)
{
	static const char *const said[] = {":2: [global] wrokers: ",
					   "workers",
					   ":3: [global] drain_timeout: ",
					   ":5: [proxy web] listen: ",
					   ":4: [proxy web]",
					   ":6: there is no section [ehco]",
					   "echo"};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		char *log = daemon_log(daemon);

		ck_assert_msg(strstr(log, said[i]), "nothing like \"%s\" in:\n%s", said[i], log);
		free(log);
	}
	ck_assert(daemon_log_contains(daemon, daemon_configuration_path(daemon)));
}

START_TEST(a_wrong_file_ends_it_with_78_and_every_mistake_is_named)
{
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){.configuration = wrong});

	ck_assert_int_eq(daemon_wait_exit(daemon), EXIT_CONFIG);
	assert_names_every_mistake(daemon);
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
}
END_TEST

START_TEST(the_option_t_judges_a_wrong_file_the_same)
{
	struct daemon *daemon = daemon_spawn(
		&(struct daemon_options){.configuration = wrong, .arguments = test_only});

	ck_assert_int_eq(daemon_wait_exit(daemon), EXIT_CONFIG);
	assert_names_every_mistake(daemon);
	daemon_free(daemon);
}
END_TEST

START_TEST(the_option_t_accepts_a_right_file_and_starts_nothing)
{
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.configuration = echo_configuration(), .arguments = test_only});

	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	ck_assert(daemon_log_contains(daemon, daemon_configuration_path(daemon)));
	daemon_free(daemon);
}
END_TEST

/* What this machine has not got is wrong for the start and for -t alike. */
START_TEST(the_option_t_refuses_what_the_start_would)
{
	static const struct {
		const char *lines, *said;
	} wrongs[] = {
		{"[global]\nwithout = napi recv-bundel\n",
		 ":2: [global] without: there is no kernel feature 'recv-bundel'; "
		 "uringproxy.conf(5) has them all"},
		{"[global]\ncpus = 0,1020-1023\n", ":2: [global] cpus: 1020-1023: no such CPU"},
		{"[global]\nsqpoll = on\nsqpoll_cpus = 1023\n",
		 ":3: [global] sqpoll_cpus: 1023: no such CPU"},
	};

	for (size_t i = 0; i < 2 * sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		char text[400];
		struct daemon *daemon;

		snprintf(text, sizeof(text), "%s%s", wrongs[i / 2].lines, echo_configuration());
		daemon = daemon_spawn(&(struct daemon_options){
			.configuration = text, .arguments = i % 2 ? test_only : NULL});
		ck_assert_int_eq(daemon_wait_exit(daemon), EXIT_CONFIG);
		ck_assert_msg(daemon_log_contains(daemon, wrongs[i / 2].said), "%s",
			      daemon_log(daemon));
		daemon_free(daemon);
	}
}
END_TEST

/* In the order of the lines, whoever found it; the file's are wrong for good, so 78. */
START_TEST(mistakes_of_the_file_and_of_the_machine_are_told_in_one_run)
{
	static const char text[] =
		"[echo a]\nlisten = 192.0.2.9:7\nlisten = unix:/nonexistent/directory/x.sock\n"
		"listen = unix:/etc/passwd\nlisten = unix:/tmp\nbaklog = 1\n"
		"[proxy b]\nlisten = [fe80::1%123456]:7\nserver = [fe80::1%123456]:8\n"
		"[log]\naccess = /proc/none/access.log\n"
		"[global]\nwithout = recv-bundel\ncpus = 1023\nmax_connections = 16777215\n"
		"workers = lots\nbuffer_memory = 1M\nbuffer_size = 1M\n"
		"[defaults]\nreceive_budget = 16K\nbacklog = none\n";
	static const struct {
		const char *kind, *rest;
	} said[] = {
		{"warning: ",
		 ":2: [echo a] listen: 192.0.2.9:7: no interface of this machine has "},
		{"error: ",
		 ":3: [echo a] listen: cannot listen on "
		 "unix:/nonexistent/directory/x.sock: No such file or directory (the directory of "
		 "the socket does not exist)\n"},
		{"error: ",
		 ":4: [echo a] listen: cannot listen on unix:/etc/passwd: Address already "
		 "in use (there is a file of that name that is no socket: "},
		{"error: ",
		 ":5: [echo a] listen: cannot listen on unix:/tmp: Address already in use "
		 "(that is a directory: "},
		{"error: ", ":6: [echo a] baklog: no such key"},
		{"warning: ", ":8: [proxy b] listen: [fe80::1%123456]:7: this machine has no "
			      "interface of number 123456 now"},
		{"warning: ", ":9: [proxy b] server: [fe80::1%123456]:8: this machine has no "
			      "interface of number 123456 now"},
		{"error: ", ":11: [log] access: cannot open /proc/none/access.log: "},
		{"error: ", ":13: [global] without: there is no kernel feature 'recv-bundel'"},
		{"error: ", ":14: [global] cpus: 1023: no such CPU"},
		{"warning: ", ":15: [global] max_connections: 16777215 needs "},
		{"error: ", ":16: [global] workers: \"lots\" is not a whole number"},
		{"warning: ", ":20: [defaults] receive_budget: 16K is less than one buffer"},
		{"error: ", ":21: [defaults] backlog: "},
	};
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.configuration = text, .arguments = test_only, .nofile = 1000});
	char *log, *at, line[1024];

	ck_assert_int_eq(daemon_wait_exit(daemon), EXIT_CONFIG);
	at = log = daemon_log(daemon);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		snprintf(line, sizeof(line), "%s%s%s", said[i].kind,
			 daemon_configuration_path(daemon), said[i].rest);
		ck_assert_msg(!strncmp(at, line, strlen(line)), "\"%s\" is not next in:\n%s", line,
			      at);
		at = strchr(at, '\n') + 1;
	}
	ck_assert_str_eq(at, "");
	free(log);
	daemon_free(daemon);
}
END_TEST

/* What the start would warn of, with the lines of the file; it is good all the same. */
START_TEST(the_option_t_warns_of_what_the_machine_makes_less)
{
	struct daemon *daemon;
	char text[300];

	snprintf(text, sizeof(text),
		 "[global]\nbuffer_memory = 1M\nbuffer_size = 1M\nworkers = 2\nsqpoll = on\n"
		 "sqpoll_cpus = 0\n%s",
		 echo_configuration());
	daemon = daemon_spawn(
		&(struct daemon_options){.configuration = text, .arguments = test_only});
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon,
				      ":2: [global] buffer_memory: buffer_memory of 1024 "
				      "KiB is 0 buffers of 1024 KiB for each of 2 workers"));
	ck_assert(daemon_log_contains(daemon, ":5: [global] sqpoll: 2 workers share 1 polling "));
	ck_assert(daemon_log_contains(daemon, "the configuration is good"));
	daemon_free(daemon);

	daemon = daemon_spawn(&(struct daemon_options){
		.configuration = echo_configuration(), .arguments = test_only, .nofile = 30});
	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	ck_assert(daemon_log_contains(daemon, "error: RLIMIT_NOFILE is 30, and "));
	ck_assert(!daemon_log_contains(daemon, "the configuration is good"));
	daemon_free(daemon);
}
END_TEST

/* Where containers are built there is none, and files are right all the same. */
START_TEST(the_option_t_does_without_io_uring_and_says_what_it_has_not_tested)
{
	struct daemon *daemon =
		daemon_spawn(&(struct daemon_options){.configuration = echo_configuration(),
						      .arguments = test_only,
						      .io_uring_errno = EPERM});

	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "warning: cannot use io_uring here and now"));
	ck_assert(daemon_log_contains(daemon, "the configuration is good"));
	daemon_free(daemon);
}
END_TEST

/* By a name, so that it is not seen before the start. */
START_TEST(two_lines_of_ours_that_meet_are_named)
{
	unsigned port = port_reserve();
	struct daemon *daemon;
	char text[200];

	snprintf(text, sizeof(text),
		 "[echo]\nlisten = 127.0.0.1:%u\n[discard]\nlisten = localhost:%u\n", port, port);
	daemon = daemon_spawn(&(struct daemon_options){.configuration = text});
	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	ck_assert(daemon_log_contains(daemon, ":2: [echo] listen already listens there"));
	daemon_free(daemon);
}
END_TEST

/* Four lines come before the first of them. */
START_TEST(more_listening_sockets_than_a_worker_has_are_refused_at_the_first_too_many)
{
	enum { MOST = 16384, LINE = sizeof("listen = 127.127.127.1:65535\n") };
	char *text = malloc((size_t)(MOST + 2) * LINE), *at = text, says[128];
	struct rlimit limit;
	struct daemon *daemon;

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < MOST + 200) {
		free(text);
		SKIP_TEST("so many descriptors are not allowed here");
	}
	at += sprintf(at, "[echo]\n");
	for (unsigned i = 0; i <= MOST; i++)
		at += sprintf(at, "listen = 127.%u.%u.1:8000\n", i >> 7, i & 127);
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[0], .configuration = text});
	ck_assert_int_eq(daemon_wait_exit(daemon), 78);
	snprintf(says, sizeof(says), ":%d: [echo] listen: that is more than %d listening sockets",
		 MOST + 5, MOST);
	ck_assert(daemon_log_contains(daemon, says));
	ck_assert_uint_eq(daemon_log_count(daemon, "listening sockets"), 1);
	daemon_free(daemon);
	free(text);
}
END_TEST

START_TEST(a_datagram_socket_from_systemd_is_called_one)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct daemon *daemon = daemon_spawn(
		&(struct daemon_options){.configuration = "[echo]\nlisten = systemd:passed\n",
					 .inherited = (const int[]){fd, -1}});

	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	ck_assert(daemon_log_contains(daemon, "datagram"));
	ck_assert(daemon_log_contains(daemon, "ListenStream="));
	daemon_free(daemon);
	close(fd);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	static const char *const missing[] = {"-c", "/nonexistent/uringproxy.conf", NULL};
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){.arguments = missing});

	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "/nonexistent/uringproxy.conf"));
	ck_assert(daemon_log_contains(daemon, "No such file or directory"));
	daemon_free(daemon);
}
END_TEST

START_TEST(without_any_file_it_says_how_to_start)
{
	struct daemon *daemon;

	if (access("/etc/uringproxy.conf", F_OK) == 0)
		SKIP_TEST("/etc/uringproxy.conf exists");
	daemon = daemon_spawn(&(struct daemon_options){0});
	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "/etc/uringproxy.conf"));
	ck_assert(daemon_log_contains(daemon, "-c"));
	daemon_free(daemon);
}
END_TEST

START_TEST(an_unknown_option_is_refused)
{
	static const char *const unknown[] = {"--frobnicate", NULL};
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){.arguments = unknown});

	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "frobnicate"));
	daemon_free(daemon);
}
END_TEST

/* The options before a command may stand behind its name as well. */
START_TEST(the_command_config_prints_every_value_and_where_it_came_from)
{
	char text[400], file[300];
	const char *const ways[][6] = {
		{"-c", file, "config", "--effective"},
		{"config", "--effective", "-c", file},
		{"config", "-c", file, "--effective"},
	};
	FILE *out;

	snprintf(file, sizeof(file), "%s/effective.conf", suite_dir());
	out = fopen(file, "w");
	ck_assert_ptr_nonnull(out);
	fputs("[echo]\nlisten = 127.0.0.1:7\n", out);
	fclose(out);
	snprintf(text, sizeof(text), "= 127.0.0.1:7        ; %s:2\n", file);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct daemon *daemon =
			daemon_spawn(&(struct daemon_options){.arguments = ways[i]});

		ck_assert_int_eq(daemon_wait_exit(daemon), 0);
		ck_assert(daemon_log_contains(daemon, text));
		ck_assert(daemon_log_contains(daemon, "; default\n"));
		daemon_free(daemon);
	}
}
END_TEST

START_TEST(a_command_line_that_makes_no_sense_is_refused_with_64)
{
	static const struct {
		const char *arguments[5], *why;
	} lines[] = {
		{{"frobnicate"}, "unexpected argument 'frobnicate'\nusage: "},
		{{"-t", "frobnicate"}, "unexpected argument 'frobnicate'\nusage: "},
		{{"-t", "config", "--effective"}, "unexpected argument 'config'\nusage: "},
		{{"config", "--effective", "twice"},
		 "unexpected argument 'twice'\nuringproxy: it is `uringproxy config "
		 "--effective|--diff [--json]`\n"},
		{{"config"}, "it is `uringproxy config --effective|--diff [--json]`\n"},
		{{"config", "frobnicate"},
		 "it is `uringproxy config --effective|--diff [--json]`\n"},
		{{"config", "--frobnicate"}, "unrecognized option '--frobnicate'\nusage: "},
		{{"--resolve"}, "--resolve goes with -t\n"},
		{{"-c"}, "option requires an argument -- 'c'\nusage: "},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct daemon *daemon =
			daemon_spawn(&(struct daemon_options){.arguments = lines[i].arguments});

		ck_assert_int_eq(daemon_wait_exit(daemon), 64);
		ck_assert_msg(daemon_log_contains(daemon, lines[i].why), "it does not say: %s",
			      lines[i].why);
		daemon_free(daemon);
	}
}
END_TEST

/* Counters behind it, of a daemon that has served nobody, would only hide it.  That nobody reads a
 * pipe is found by opening it, when all else is open. */
START_TEST(the_last_line_of_a_start_that_fails_says_why)
{
	struct daemon *daemon;
	char fifo[100], text[300], *log, *last;

	snprintf(fifo, sizeof(fifo), "%s/fifo", suite_dir());
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	snprintf(text, sizeof(text), "[log]\naccess = %s\n%s", fifo, echo_configuration());
	daemon = daemon_spawn(&(struct daemon_options){.configuration = text});
	ck_assert_int_eq(daemon_wait_exit(daemon), 71);
	log = daemon_log(daemon);
	ck_assert_uint_gt(strlen(log), 0);
	log[strlen(log) - 1] = 0;
	last = strrchr(log, '\n');
	ck_assert_ptr_nonnull(last);
	ck_assert_msg(!strncmp(last, "\nerror: ", 8) && strstr(last, "nobody reads that pipe"),
		      "the last line is%s", last);
	free(log);
	daemon_free(daemon);
}
END_TEST

/* Of those that it needs first, too, the shipped unit's remedy is named. */
START_TEST(too_few_descriptors_are_explained_however_few_they_are)
{
	static const char names[] = "[proxy p]\nlisten = localhost:%u\nserver = localhost:1\n";
	char text[200];

	snprintf(text, sizeof(text), names, port_reserve());
	for (rlim_t nofile = 5; nofile < 20; nofile++) {
		struct daemon *daemon = daemon_spawn(
			&(struct daemon_options){.configuration = text, .nofile = nofile});
		int status = daemon_wait_exit(daemon);

		/* 127: the program's libraries could not be opened. */
		ck_assert_msg(status == 71 || status == 127, "with %u descriptors: %d",
			      (unsigned)nofile, status);
		ck_assert_msg(status == 127 || daemon_log_contains(daemon, "LimitNOFILE="),
			      "with %u descriptors: %s", (unsigned)nofile, daemon_log(daemon));
		daemon_free(daemon);
	}
}
END_TEST

/* ---- listening ---- */

START_TEST(a_port_in_use_is_named)
{
	struct daemon *daemon;
	const char *text = echo_configuration();
	int taken = peer_listen(address, 1);

	ck_assert_int_ge(taken, 0);
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[_i], .configuration = text});
	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, address));
	ck_assert(daemon_log_contains(daemon, "Address already in use"));
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
	close(taken);
}
END_TEST

/* The daemon's own SO_REUSEPORT must not let a second instance in unnoticed. */
START_TEST(a_second_instance_on_the_same_port_is_refused)
{
	const char *text = echo_configuration();
	const struct daemon_options options = {.mode = &daemon_modes[_i], .configuration = text};
	struct daemon *first = daemon_spawn(&options), *second;

	daemon_wait_ready(first);
	second = daemon_spawn(&options);
	ck_assert_int_ne(daemon_wait_exit(second), 0);
	ck_assert(daemon_log_contains(second, "Address already in use"));
	daemon_free(second);
	daemon_stop(first);
}
END_TEST

static uid_t nobody(void)
{
	const struct passwd *user = getpwnam("nobody");

	return user ? user->pw_uid : 0;
}

static bool nobody_can_execute(void)
{
	const char *const argv[] = {"test", "-x", getenv("URINGPROXY"), NULL};
	const struct child_options options = {.argv = argv, .uid = nobody()};
	char *output;
	int status = child_run(&options, 10000, &output);

	free(output);
	return status == 0;
}

static bool port_80_needs_privilege(void)
{
	char *start = file_read("/proc/sys/net/ipv4/ip_unprivileged_port_start");
	bool privileged = atoi(start) > 80;

	free(start);
	return privileged;
}

START_TEST(a_port_that_needs_privilege_is_explained)
{
	struct daemon *daemon;

	if (geteuid() != 0 || !nobody() || !nobody_can_execute())
		SKIP_TEST("cannot run the daemon as nobody");
	if (!port_80_needs_privilege())
		SKIP_TEST("anybody may listen on port 80 here");
	daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[0],
					 .configuration = "[echo]\nlisten = 127.0.0.1:80\n",
					 .uid = nobody()});
	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "127.0.0.1:80"));
	ck_assert(daemon_log_contains(daemon, "CAP_NET_BIND_SERVICE"));
	daemon_free(daemon);
}
END_TEST

/* ---- io_uring ---- */

static void assert_explains_refusal(int mode, int error, const char *const *causes)
{
	struct daemon *daemon =
		daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[mode],
						      .configuration = echo_configuration(),
						      .io_uring_errno = error});

	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "io_uring"));
	for (; *causes; causes++) {
		char *log = daemon_log(daemon);

		ck_assert_msg(strstr(log, *causes), "\"%s\" is not named in:\n%s", *causes, log);
		free(log);
	}
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 0);
	daemon_free(daemon);
}

START_TEST(io_uring_refused_by_a_filter_is_explained)
{
	assert_explains_refusal(_i, EPERM, (const char *const[]){"seccomp", NULL});
}
END_TEST

START_TEST(a_kernel_without_io_uring_is_explained)
{
	assert_explains_refusal(_i, ENOSYS, (const char *const[]){"kernel", NULL});
}
END_TEST

/* What a container's profile forbids may be one call alone: two are needed before the third. */
START_TEST(a_single_call_of_io_uring_refused_by_a_filter_is_named)
{
	static const struct {
		int call;
		const char *name;
	} calls[] = {{SYS_io_uring_enter, "io_uring_enter"},
		     {SYS_io_uring_register, "io_uring_register"}};
	static const int errors[] = {EPERM, ENOSYS};

	for (int i = 0; i < 4; i++) {
		struct refusal *refusal = refusal_new((const int[]){calls[i / 2].call, -1});
		struct daemon *daemon;

		refusal_set(refusal, calls[i / 2].call, errors[i % 2]);
		daemon =
			daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i],
							      .configuration = echo_configuration(),
							      .refusal = refusal});
		ck_assert_int_ne(daemon_wait_exit(daemon), 0);
		ck_assert(daemon_log_contains(daemon, "seccomp"));
		ck_assert(daemon_log_contains(daemon, "cannot use io_uring"));
		ck_assert(daemon_log_contains(daemon, calls[i / 2].name));
		ck_assert_uint_eq(daemon_log_count(daemon, "forbids "), 1);
		daemon_free(daemon);
		refusal_free(refusal);
	}
}
END_TEST

START_TEST(too_little_locked_memory_is_explained)
{
	struct daemon *daemon;

	if (geteuid() != 0 || !nobody() || !nobody_can_execute())
		SKIP_TEST("cannot run the daemon as nobody, and root's memory is not limited");
	if (!rings_are_locked_memory())
		SKIP_TEST("this kernel does not count rings against RLIMIT_MEMLOCK");
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i],
						       .configuration = echo_configuration(),
						       .uid = nobody(),
						       .memlock = 4096});
	ck_assert_int_ne(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "RLIMIT_MEMLOCK") ||
		  daemon_log_contains(daemon, "LimitMEMLOCK"));
	daemon_free(daemon);
}
END_TEST

START_TEST(it_runs_as_nobody)
{
	struct daemon *daemon;
	int fd;

	if (geteuid() != 0 || !nobody() || !nobody_can_execute())
		SKIP_TEST("cannot run the daemon as nobody");
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = echo_configuration(), .uid = nobody()});
	daemon_wait_ready(daemon);
	fd = peer_connect(address);
	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_log_says_which_ring_mode_was_chosen)
{
	struct daemon *daemon =
		daemon_start(&daemon_modes[_i], "%s[log]\nlevel = info\n", echo_configuration());

	daemon_wait_log(daemon, "sqpoll");
	daemon_stop(daemon);
}
END_TEST

START_TEST(no_worker_runs_on_a_cpu_that_is_polled_on)
{
	struct daemon *daemon;
	cpu_set_t own, polled;
	pid_t worker, polling;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(own), &own), 0);
	if (CPU_COUNT(&own) < 2)
		SKIP_TEST("there is one CPU");
	daemon = daemon_start(&daemon_modes[1], "%s", echo_configuration());
	ck_assert_uint_eq(threads_of_workers(daemon_pid(daemon), &worker, 1), 1);
	ck_assert_uint_eq(threads_named(daemon_pid(daemon), "iou-sqp", &polling, 1), 1);
	ck_assert_int_eq(sched_getaffinity(worker, sizeof(own), &own), 0);
	ck_assert_int_eq(sched_getaffinity(polling, sizeof(polled), &polled), 0);
	daemon_stop(daemon);
	if (CPU_COUNT(&polled) > 1)
		SKIP_TEST("a CPU quota, and threads are bound nowhere");
	ck_assert_int_gt(CPU_COUNT(&own), 0);
	CPU_AND(&own, &own, &polled);
	ck_assert_int_eq(CPU_COUNT(&own), 0);
}
END_TEST

START_TEST(each_thread_has_a_name_of_its_own)
{
	struct daemon *daemon = daemon_start(&daemon_modes[_i], "%s", echo_configuration());
	pid_t pid = daemon_pid(daemon), threads[8];
	unsigned count = threads_of_workers(pid, threads, 8), workers = daemon_modes[_i].workers;
	unsigned seen = 0;
	char *name = thread_file(pid, pid, "comm");

	ck_assert_str_eq(name, "uringproxy\n");
	free(name);
	for (unsigned i = 0; i < count; i++) {
		unsigned index;

		name = thread_file(pid, threads[i], "comm");
		if (sscanf(name, "worker %u", &index) == 1 && index < workers)
			seen |= 1u << index;
		free(name);
	}
	ck_assert_uint_eq(seen, (1u << workers) - 1);
	/* It gives itself its name, when it gets round to it. */
	ck_assert(wait_until(threads_named(pid, "log writer", threads, 8) == 1, PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

/* ---- memory ---- */

#define ADVICE "raise the memory limit of the unit"

/* True when it started with so little. */
static bool starts_with(const struct daemon_options *options, const char *how_little)
{
	struct daemon *daemon = daemon_spawn(options);
	char *log;
	bool ready;

	ck_assert(wait_until((ready = daemon_notify_count(daemon, "READY=1")) ||
				     daemon_has_exited(daemon),
			     PEER_PATIENCE_MS));
	log = daemon_log(daemon);
	ck_assert_msg(ready || (strstr(log, "out of memory for ") && strstr(log, ADVICE)) ||
			      strstr(log, "ulimit -v") || strstr(log, "TasksMax=") ||
			      strstr(log, "shared librar") /* the loader's own trouble */ ||
			      strstr(log, "cannot allocate TLS"),
		      "with %s it only says: %s", how_little, log);
	free(log);
	if (ready)
		daemon_stop(daemon);
	else
		daemon_free(daemon);
	return ready;
}

/* A sanitizer's daemon has no room in a small address space, but can be told to be given nothing
 * large. */
START_TEST(memory_that_cannot_be_had_is_named)
{
	struct daemon_options options = {.mode = &daemon_modes[_i],
					 .configuration = echo_configuration()};
#ifdef __SANITIZE_THREAD__
	SKIP_TEST("ThreadSanitizer maps terabytes before the daemon begins");
#endif
#ifdef __SANITIZE_ADDRESS__
	for (unsigned mib = 1; mib <= 8; mib++) {
		char option[128];

		snprintf(option, sizeof(option),
			 "ASAN_OPTIONS=exitcode=99:allocator_may_return_null=1:"
			 "max_allocation_size_mb=%u",
			 mib);
		options.environment = (const char *const[]){option, NULL};
		ck_assert(!starts_with(&options, option) || mib > 1);
	}
#else
	char how_little[32] = "";

	options.address_space = 8 << 20;
	while (!starts_with(&options, how_little)) {
		options.address_space += 4 << 20;
		snprintf(how_little, sizeof(how_little), "%lu KiB",
			 (unsigned long)options.address_space >> 10);
	}
#endif
}
END_TEST

/* ---- the service manager ---- */

START_TEST(it_is_ready_when_every_listener_accepts)
{
	char listens[16][32], text[2048] = "";
	struct daemon *daemon;
	size_t used = 0;

	for (int i = 0; i < 16; i++) {
		snprintf(listens[i], sizeof(listens[i]), i % 2 ? "[::1]:%u" : "127.0.0.1:%u",
			 port_reserve());
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "[echo e%d]\nlisten = %s\n", i, listens[i]);
	}
	daemon = daemon_start(&daemon_modes[_i], "%s", text);
	for (int i = 0; i < 16; i++) {
		int fd = peer_connect(listens[i]);

		assert_connected(fd);
		ck_assert(peer_echoes(fd));
		close(fd);
	}
	daemon_stop(daemon);
}
END_TEST

START_TEST(it_tells_the_service_manager_how_it_is)
{
	struct daemon *daemon = daemon_start(&daemon_modes[_i], "%s", echo_configuration());

	daemon_wait_notify(daemon, "STATUS=");
	ck_assert_uint_eq(daemon_notify_count(daemon, "STOPPING=1"), 0);
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_uint_eq(daemon_notify_count(daemon, "READY=1"), 1);
	daemon_stop(daemon);
}
END_TEST

START_TEST(it_runs_without_a_service_manager)
{
	static const char *const alone[] = {"NOTIFY_SOCKET", NULL};
	struct daemon *daemon =
		daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[_i],
						      .configuration = echo_configuration(),
						      .environment = alone});
	int fd = -1;

	ck_assert(wait_until((fd = peer_connect(address)) >= 0, PEER_PATIENCE_MS));
	ck_assert(peer_echoes(fd));
	close(fd);
	daemon_stop(daemon);
}
END_TEST

static struct daemon *start_watched(int mode)
{
	static const char *const watched[] = {"WATCHDOG_USEC=200000", NULL};
	struct daemon *daemon =
		daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[mode],
						      .configuration = echo_configuration(),
						      .environment = watched});

	daemon_wait_ready(daemon);
	return daemon;
}

static bool is_fed(struct daemon *daemon, int patience_ms)
{
	unsigned before = daemon_notify_count(daemon, "WATCHDOG=1");

	return wait_until(daemon_notify_count(daemon, "WATCHDOG=1") > before + 1, patience_ms);
}

START_TEST(the_watchdog_is_fed_while_it_is_idle)
{
	struct daemon *daemon = start_watched(_i);

	ck_assert(is_fed(daemon, PEER_PATIENCE_MS));
	ck_assert(is_fed(daemon, PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

START_TEST(the_watchdog_starves_while_one_worker_stands_still)
{
	struct daemon *daemon = start_watched(_i);
	pid_t threads[8];
	unsigned count = threads_of_workers(daemon_pid(daemon), threads, 8);

	ck_assert_uint_ge(count, daemon_modes[_i].workers);
	ck_assert(is_fed(daemon, PEER_PATIENCE_MS));
	if (!thread_hold(threads[0]))
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	sleep_ms(600); /* what was on its way when it froze may still be told */
	ck_assert(!is_fed(daemon, 2000));
	thread_let_go(threads[0]);
	ck_assert(is_fed(daemon, PEER_PATIENCE_MS));
	daemon_stop(daemon);
}
END_TEST

/* How often the main thread has slept. */
static unsigned long main_sleeps(struct daemon *daemon)
{
	static const char field[] = "\nvoluntary_ctxt_switches:";
	pid_t pid = daemon_pid(daemon);
	char *status = thread_file(pid, pid, "status"), *at = strstr(status, field);
	unsigned long count;

	ck_assert_ptr_nonnull(at);
	count = strtoul(at + strlen(field), NULL, 10);
	free(status);
	return count;
}

START_TEST(the_main_thread_of_an_idle_daemon_sleeps_on)
{
	struct daemon *daemon = daemon_start(&daemon_modes[_i], "%s", echo_configuration());
	unsigned long before, after = main_sleeps(daemon);

	do { /* until it has done what follows its being ready, when the machine lets it */
		before = after;
		sleep_ms(200);
		after = main_sleeps(daemon);
	} while (before != after || thread_runs(daemon_pid(daemon), daemon_pid(daemon)));
	sleep_ms(2500);
	ck_assert_uint_eq(main_sleeps(daemon), before);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: start", 60, ONCE(a_wrong_file_ends_it_with_78_and_every_mistake_is_named),
	 ONCE(the_option_t_judges_a_wrong_file_the_same),
	 ONCE(the_option_t_accepts_a_right_file_and_starts_nothing),
	 ONCE(the_option_t_refuses_what_the_start_would),
	 ONCE(mistakes_of_the_file_and_of_the_machine_are_told_in_one_run),
	 ONCE(the_option_t_warns_of_what_the_machine_makes_less),
	 ONCE(the_option_t_does_without_io_uring_and_says_what_it_has_not_tested),
	 ONCE(two_lines_of_ours_that_meet_are_named),
	 ONCE(more_listening_sockets_than_a_worker_has_are_refused_at_the_first_too_many),
	 ONCE(a_datagram_socket_from_systemd_is_called_one),
	 ONCE(a_file_that_is_not_there_is_named), ONCE(without_any_file_it_says_how_to_start),
	 ONCE(the_command_config_prints_every_value_and_where_it_came_from),
	 ONCE(a_command_line_that_makes_no_sense_is_refused_with_64),
	 ONCE(an_unknown_option_is_refused), ONCE(the_last_line_of_a_start_that_fails_says_why),
	 ONCE(too_few_descriptors_are_explained_however_few_they_are),
	 IN_EACH_MODE(a_port_in_use_is_named),
	 IN_EACH_MODE(a_second_instance_on_the_same_port_is_refused),
	 ONCE(a_port_that_needs_privilege_is_explained),
	 IN_BOTH_RINGS(io_uring_refused_by_a_filter_is_explained),
	 IN_BOTH_RINGS(a_kernel_without_io_uring_is_explained),
	 IN_BOTH_RINGS(a_single_call_of_io_uring_refused_by_a_filter_is_named),
	 IN_BOTH_RINGS(too_little_locked_memory_is_explained), IN_BOTH_RINGS(it_runs_as_nobody),
	 IN_EACH_MODE(the_log_says_which_ring_mode_was_chosen),
	 IN_BOTH_RINGS(memory_that_cannot_be_had_is_named),
	 ONCE(no_worker_runs_on_a_cpu_that_is_polled_on),
	 IN_EACH_MODE(each_thread_has_a_name_of_its_own),
	 IN_EACH_MODE(it_is_ready_when_every_listener_accepts),
	 IN_EACH_MODE(it_tells_the_service_manager_how_it_is),
	 IN_EACH_MODE(it_runs_without_a_service_manager),
	 IN_EACH_MODE(the_watchdog_is_fed_while_it_is_idle),
	 IN_EACH_MODE(the_watchdog_starves_while_one_worker_stands_still),
	 IN_EACH_MODE(the_main_thread_of_an_idle_daemon_sleeps_on))
