/* The small services of a daemon: log, notify, activation, signals, counters. */
#include "ops/activation.h"
#include "ops/log.h"
#include "ops/notify.h"
#include "ops/signals.h"
#include "ops/stats.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- log: Check runs each test in a process of its own, so standard error is ours ---- */

static int redirect_stderr(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

static const char *read_text(int fd)
{
	static char text[8192];
	ssize_t size = read(fd, text, sizeof(text) - 1);

	ck_assert_int_ge(size, 0);
	text[size] = 0;
	return text;
}

START_TEST(a_line_has_its_level_in_words_and_lower_levels_are_silent)
{
	int log = redirect_stderr();

	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	log_debug("not shown");
	log_error("disk %d", 1);
	log_warning("port %s", "80");
	log_info("ready");
	ck_assert_str_eq(read_text(log), "error: disk 1\nwarning: port 80\nready\n");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	ck_assert_str_eq(read_text(log), "debug: shown\n");
}
END_TEST

START_TEST(arguments_of_a_silent_line_are_not_evaluated)
{
	int evaluated = 0;

	log_open(LOG_LEVEL_ERROR);
	log_info("%d", ++evaluated);
	ck_assert_int_eq(evaluated, 0);
}
END_TEST

START_TEST(priorities_are_written_only_to_the_journals_own_stream)
{
	int log = redirect_stderr();
	struct stat status;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(LOG_LEVEL_DEBUG);
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	ck_assert_str_eq(read_text(log), "<3>a\n<4>b\n<6>c\n<7>d\n");

	const char *const others[] = {"", "1", "1:", ":2", "1:2", "1:2x", "x:y"};
	for (size_t i = 0; i < array_size(others); i++) {
		setenv("JOURNAL_STREAM", others[i], 1);
		log_open(LOG_LEVEL_DEBUG);
		log_error("a");
		ck_assert_str_eq(read_text(log), "error: a\n");
	}
}
END_TEST

START_TEST(a_long_line_is_cut_and_control_characters_cannot_forge_a_second_one)
{
	int log = redirect_stderr();
	static char text[5000];

	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	log_info("a\nerror: b\r\x1b[2J\x7f");
	ck_assert_str_eq(read_text(log), "a?error: b??[2J?\n");

	memset(text, 'x', sizeof(text) - 1);
	errno = EDOM;
	log_info("%s", text);
	ck_assert_int_eq(errno, EDOM);
	const char *line = read_text(log);
	ck_assert_uint_le(strlen(line), 2048);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\n");
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
}
END_TEST

static void *log_many(void *letter)
{
	for (unsigned i = 0; i < 500; i++)
		log_info("%.*s", 100, (const char *)letter);
	return NULL;
}

START_TEST(lines_of_several_threads_do_not_mix)
{
	static char letters[4][101];
	pthread_t threads[4];
	char line[256];
	unsigned lines = 0;
	FILE *file = tmpfile();

	unsetenv("JOURNAL_STREAM");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	for (unsigned i = 0; i < 4; i++) {
		memset(letters[i], 'a' + (int)i, 100);
		ck_assert_int_eq(pthread_create(&threads[i], NULL, log_many, letters[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		ck_assert_uint_eq(strlen(line), 101);
		ck_assert_uint_eq(strspn(line, (char[]){line[0], 0}), 100);
		lines++;
	}
	ck_assert_uint_eq(lines, 4 * 500);
	fclose(file);
}
END_TEST

/* ---- notify ---- */

static int open_notify_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[64];
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(name, sizeof(name), "@uringproxy-test-%d", getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

START_TEST(the_service_manager_is_told_in_its_own_words)
{
	int manager = open_notify_socket();

	notify_ready("serving 3 listeners");
	ck_assert_str_eq(read_text(manager), "READY=1\nSTATUS=serving 3 listeners");
	notify_status("%d connections", 7);
	ck_assert_str_eq(read_text(manager), "STATUS=7 connections");
	notify_stopping("draining");
	ck_assert_str_eq(read_text(manager), "STOPPING=1\nSTATUS=draining");
	notify_errno(EADDRINUSE, "bind port %d", 80);
	ck_assert_str_eq(read_text(manager), "ERRNO=98\nSTATUS=bind port 80");
	notify_extend_timeout(2000000);
	ck_assert_str_eq(read_text(manager), "EXTEND_TIMEOUT_USEC=2000000");
	notify_watchdog();
	ck_assert_str_eq(read_text(manager), "WATCHDOG=1");
	close(manager);
}
END_TEST

START_TEST(a_status_of_several_lines_stays_one_field)
{
	int manager = open_notify_socket();

	notify_status("%s", "a\nREADY=1");
	ck_assert_str_eq(read_text(manager), "STATUS=a READY=1");
	close(manager);
}
END_TEST

START_TEST(without_a_manager_nothing_is_said_and_one_that_is_gone_is_a_debug_line)
{
	int log = redirect_stderr();

	unsetenv("JOURNAL_STREAM");
	unsetenv("NOTIFY_SOCKET");
	log_open(LOG_LEVEL_DEBUG);
	notify_ready("x");
	log_info("end");
	ck_assert_str_eq(read_text(log), "end\n");
	close(open_notify_socket());
	notify_ready("x");
	ck_assert_str_eq(read_text(log),
			 "debug: cannot notify the service manager: Connection refused\n");
}
END_TEST

START_TEST(the_watchdog_is_for_the_process_it_was_meant_for)
{
	char pid[32];

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ck_assert_uint_eq(notify_watchdog_interval_us(), 0);
	setenv("WATCHDOG_USEC", "15000000", 1);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	ck_assert_uint_eq(notify_watchdog_interval_us(), 15000000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_uint_eq(notify_watchdog_interval_us(), 0);
}
END_TEST

/* ---- activation: descriptors are passed from 3 on, so each case has a process of its own ---- */

struct activation_result {
	int opened, web, web_room_for_one, admin, nobody, connection;
	int fds[2];
	bool env_left, close_on_exec, blocking;
	char unclaimed[4][16];
};

static int open_listener(bool listening)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listening &&
	    (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0))
		return -1;
	return fd;
}

/* In the child: as systemd would have started it, with web twice, one admin, one connection. */
static void be_activated(struct activation_result *result)
{
	struct activation activation;
	const int kinds[] = {1, 1, 1, 0};
	char pid[32];
	int one;

	for (unsigned i = 0; i < array_size(kinds); i++) {
		int fd = open_listener(kinds[i]);
		if (fd != 3 + (int)i && (dup2(fd, 3 + (int)i) < 0 || close(fd) < 0))
			_exit(1);
	}
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "4", 1);
	setenv("LISTEN_FDNAMES", "web:admin:web:connection", 1);

	result->opened = activation_open(&activation);
	result->env_left = getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES") || getenv("LISTEN_PID");
	result->close_on_exec = fcntl(3, F_GETFD) & FD_CLOEXEC;
	result->nobody = activation_take(&activation, "nobody", result->fds, 2);
	result->web = activation_take(&activation, "web", result->fds, 2);
	result->blocking = !(fcntl(3, F_GETFL) & O_NONBLOCK) || !(fcntl(5, F_GETFL) & O_NONBLOCK);
	result->web_room_for_one = activation_take(&activation, "web", &one, 1);
	for (unsigned i = 0; i < 4; i++)
		snprintf(result->unclaimed[i], sizeof(result->unclaimed[i]), "%s",
			 activation_unclaimed(&activation, i) ?: "(end)");
	result->connection = activation_take(&activation, "connection", &one, 1);
	activation_close(&activation);
	result->admin = activation_take(&activation, "admin", &one, 1);
	_exit(fcntl(3, F_GETFD) == -1 && errno == EBADF ? 0 : 1);
}

START_TEST(passed_sockets_are_found_by_name_and_those_nobody_took_are_named)
{
	struct activation_result *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	ck_assert(result != MAP_FAILED);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		be_activated(result);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);

	ck_assert_int_eq(result->opened, 0);
	ck_assert(!result->env_left);
	ck_assert(result->close_on_exec);
	ck_assert(!result->blocking);
	ck_assert_int_eq(result->nobody, 0);
	ck_assert_int_eq(result->web, 2);
	ck_assert_int_eq(result->fds[0], 3);
	ck_assert_int_eq(result->fds[1], 5);
	ck_assert_int_eq(result->web_room_for_one, 2);
	ck_assert_str_eq(result->unclaimed[0], "admin");
	ck_assert_str_eq(result->unclaimed[1], "connection");
	ck_assert_str_eq(result->unclaimed[2], "(end)");
	ck_assert_int_eq(result->connection, -ENOTSOCK);
	ck_assert_int_eq(result->admin, 0);
	munmap(result, sizeof(*result));
}
END_TEST

START_TEST(started_by_hand_there_are_no_passed_sockets)
{
	struct activation activation;
	int fd;

	unsetenv("LISTEN_FDS");
	ck_assert_int_eq(activation_open(&activation), 0);
	ck_assert_uint_eq(activation.count, 0);
	ck_assert_int_eq(activation_take(&activation, "web", &fd, 1), 0);
	ck_assert_ptr_null(activation_unclaimed(&activation, 0));
	activation_close(&activation);
	activation_close(&activation);
}
END_TEST

/* ---- signals ---- */

START_TEST(writing_to_a_closed_connection_is_an_error_and_not_the_end)
{
	int ends[2];

	ck_assert_int_eq(signals_block(), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	close(ends[1]);
	ck_assert_int_eq(write(ends[0], "x", 1), -1);
	ck_assert_int_eq(errno, EPIPE);
	close(ends[0]);
}
END_TEST

/* ---- counters ---- */

START_TEST(counters_add_up_and_are_listed_by_name)
{
	static struct stats first, second, sum;
	char line[STATS_LINE_MAX], small[16];

	stats_count(&first, accepted, 2);
	stats_count(&first, accepted, 1);
	stats_count(&second, accepted, 4);
	stats_count(&second, bytes_down, UINT64_C(5000000000));
	stats_add(&sum, &first);
	stats_add(&sum, &second);
	ck_assert_uint_eq(stats_read(&sum, accepted), 7);
	ck_assert_uint_eq(stats_value(&sum, STATS_INDEX_bytes_down), UINT64_C(5000000000));
	ck_assert_str_eq(stats_name(STATS_INDEX_stale_completions), "stale_completions");
	ck_assert_ptr_nonnull(strstr(stats_help(STATS_INDEX_stale_completions), "expected 0"));

	stats_format_line(&sum, line, sizeof(line));
	ck_assert_int_eq(strncmp(line, "accepted=7 closed=0 bytes_up=0 bytes_down=5000000000 ", 53),
			 0);
	ck_assert_ptr_nonnull(strstr(line, " stale_completions=0 buffers_missing=0"));
	ck_assert_str_eq(stats_format_line(&sum, small, sizeof(small)), "accepted=7 clos");
}
END_TEST

START_TEST(the_longest_line_of_counters_fits)
{
	static struct stats most;
	char line[STATS_LINE_MAX];
	unsigned found = 0;

#define X(name, help) stats_count(&most, name, UINT64_MAX);
	STATS_COUNTERS(X)
#undef X
	stats_format_line(&most, line, sizeof(line));
	for (const char *at = line; (at = strstr(at, "=18446744073709551615")); at++)
		found++;
	ck_assert_uint_eq(found, STATS_COUNT);
}
END_TEST

SUITE("ops", a_line_has_its_level_in_words_and_lower_levels_are_silent,
      arguments_of_a_silent_line_are_not_evaluated,
      priorities_are_written_only_to_the_journals_own_stream,
      a_long_line_is_cut_and_control_characters_cannot_forge_a_second_one,
      lines_of_several_threads_do_not_mix, the_service_manager_is_told_in_its_own_words,
      a_status_of_several_lines_stays_one_field,
      without_a_manager_nothing_is_said_and_one_that_is_gone_is_a_debug_line,
      the_watchdog_is_for_the_process_it_was_meant_for,
      passed_sockets_are_found_by_name_and_those_nobody_took_are_named,
      started_by_hand_there_are_no_passed_sockets,
      writing_to_a_closed_connection_is_an_error_and_not_the_end,
      counters_add_up_and_are_listed_by_name, the_longest_line_of_counters_fits)
