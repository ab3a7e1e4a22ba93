/* A log that is not read, cannot be written or hangs stops nobody: connections are served, signals
 * are heard, and what was lost is counted and told. */
#include "support/assert.h"
#include "support/child.h"
#include "support/daemon.h"
#include "support/server.h"
#include "support/skip.h"
#include "support/suite.h"
#include "support/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char address[32], path[4200];

static const char *configuration(const char *log)
{
	static char text[8192];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	snprintf(text, sizeof(text), "drain_timeout = 1s\n[log]\n%s\n[echo]\nlisten = %s\n", log,
		 address);
	return text;
}

static const char *to_file(const char *level)
{
	static char log[4300];

	snprintf(path, sizeof(path), "%s/access.XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(path));
	strcat(path, "/log");
	snprintf(log, sizeof(log), "level = %s\naccess = %s", level, path);
	return log;
}

/* So many connections, some dozens at a time: each sends a byte, has it back and ends. */
static void converse(unsigned connections)
{
	enum { AT_ONCE = 50 };
	int fds[AT_ONCE];

	for (unsigned done = 0, count; done < connections; done += count) {
		count = connections - done < AT_ONCE ? connections - done : AT_ONCE;
		for (unsigned i = 0; i < count; i++) {
			fds[i] = peer_connect(address);
			assert_connected(fds[i]);
			ck_assert_int_eq(peer_send_text(fds[i], "x"), 0);
			shutdown(fds[i], SHUT_WR);
		}
		for (unsigned i = 0; i < count; i++) {
			char got[8];

			ck_assert_int_eq(peer_receive_text(fds[i], got, sizeof(got), NULL), 1);
			close(fds[i]);
		}
	}
}

/* Of the access log, which may be written meanwhile. */
static unsigned newlines_of(const char *name)
{
	char *text = file_read(name);
	unsigned lines = 0;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	free(text);
	return lines;
}

/* The whole lines of the access log; the test fails where one is torn. */
static unsigned lines_of(const char *name)
{
	char *text = file_read(name), *line = text, *next;
	unsigned lines = 0;

	for (; (next = strchr(line, '\n')); line = next + 1, lines++) {
		*next = 0;
		ck_assert_msg(line[0] == '2' && strstr(line, "Z session ") &&
				      !strcmp(next - 4, " ms)"),
			      "line %u is torn: %s", lines + 1, line);
	}
	ck_assert_msg(!*line, "the last line is torn: %s", line);
	free(text);
	return lines;
}

static unsigned told_lost(const char *text)
{
	const char *told = strstr(text, "is written again after ");
	unsigned lost = 0;

	ck_assert_ptr_nonnull(told);
	told = strstr(told, "): ");
	ck_assert_ptr_nonnull(told);
	ck_assert_int_eq(sscanf(told, "): %u line", &lost), 1);
	return lost;
}

/* ---- standard error ---- */

static struct daemon *start_unread(int mode, const char *log, int *ret_reader)
{
	struct daemon *daemon;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	daemon = daemon_spawn(&(struct daemon_options){.mode = &daemon_modes[mode],
						       .configuration = configuration(log),
						       .log_fd = ends[1]});
	close(ends[1]);
	daemon_wait_ready(daemon);
	*ret_reader = ends[0];
	return daemon;
}

START_TEST(a_standard_error_that_nobody_reads_stops_neither_connections_nor_the_end)
{
	struct daemon *daemon;
	int reader, idle;

	daemon = start_unread(_i, "level = debug\naccess = stderr", &reader);
	converse(300);
	idle = peer_connect(address);
	assert_connected(idle);
	ck_assert(peer_echoes(idle));
	daemon_signal(daemon, SIGUSR1);
	daemon_signal(daemon, SIGUSR2);
	converse(10);
	daemon_signal(daemon, SIGTERM);
	daemon_wait_notify(daemon, "STOPPING=1");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert_int_ne(peer_wait_end(idle, PEER_PATIENCE_MS), PEER_SILENT);
	close(idle);
	close(reader);
	daemon_free(daemon);
}
END_TEST

struct reading {
	int fd;
	char text[8 * 1024 * 1024];
	size_t size;
};

static bool has_read(struct reading *reading, const char *word)
{
	ssize_t n;

	while ((n = read(reading->fd, reading->text + reading->size,
			 sizeof(reading->text) - 1 - reading->size)) > 0)
		reading->size += (size_t)n;
	reading->text[reading->size] = 0;
	return strstr(reading->text, word);
}

/* The lines about sessions that can be read so far; the test fails where one is torn. */
static unsigned sessions_in(struct reading *reading)
{
	unsigned lines = 0;

	(void)has_read(reading, "");
	for (char *at = reading->text; (at = strstr(at, "session ")); at++, lines++)
		ck_assert_msg(at == reading->text || at[-1] == '\n' || at[-1] == ' ', "torn: %.80s",
			      at);
	return lines;
}

/* Each connection is a line of the access log and one of the log, the former in a queue of each
 * worker. */
START_TEST(lines_that_nobody_read_are_counted_and_told_when_the_reader_returns)
{
	enum { CONNECTIONS = 4000 };
	static struct reading reading;
	unsigned lines, lost;
	struct daemon *daemon;
	uint64_t log = 0, access = 0;
	char *counters;

	daemon = start_unread(_i, "level = debug\naccess = stderr", &reading.fd);
	converse(CONNECTIONS);
	ck_assert(wait_until(has_read(&reading, " dropped\n"), PEER_PATIENCE_MS));
	lost = told_lost(reading.text);
	ck_assert_uint_gt(lost, 0);
	daemon_signal(daemon, SIGUSR2);
	ck_assert(wait_until(has_read(&reading, "buffers_missing="), PEER_PATIENCE_MS));
	counters = strstr(reading.text, "counters: ");
	ck_assert_ptr_nonnull(counters);
	ck_assert_int_eq(
		sscanf(strstr(counters, " access_dropped="), " access_dropped=%" SCNu64, &access),
		1);
	ck_assert_int_eq(sscanf(strstr(counters, " log_dropped="), " log_dropped=%" SCNu64, &log),
			 1);
	ck_assert_uint_eq(log + access, lost);
	/* Those of the workers have queues of their own, and come in their own time. */
	ck_assert_msg(wait_until((lines = sessions_in(&reading)) + lost >= 2 * CONNECTIONS,
				 PEER_PATIENCE_MS),
		      "%u lines came out, and %u were dropped", lines, lost);
	ck_assert_uint_eq(lines + lost, 2 * CONNECTIONS);
	daemon_signal(daemon, SIGTERM);
	ck_assert(wait_until(has_read(&reading, "\nstopped: "), PEER_PATIENCE_MS));
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	close(reading.fd);
	daemon_free(daemon);
}
END_TEST

/* ---- a disk that hangs, and a processor that is not to be had ---- */

/* It has its name a moment after it began. */
static bool hold_writer(struct daemon *daemon, pid_t *ret_thread)
{
	ck_assert(wait_until(threads_named(daemon_pid(daemon), "log writer", ret_thread, 1) == 1,
			     PEER_PATIENCE_MS));
	return thread_hold(*ret_thread);
}

START_TEST(a_write_that_hangs_stops_neither_connections_nor_the_watchdog_nor_the_end)
{
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i],
		.configuration = configuration(to_file("debug")),
		.environment = (const char *const[]){"WATCHDOG_USEC=200000", NULL}});
	unsigned fed;
	pid_t writer;

	daemon_wait_ready(daemon);
	converse(10);
	if (!hold_writer(daemon, &writer)) {
		daemon_stop(daemon);
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	}
	converse(1);
	ck_assert(thread_hold_at(writer, SYS_write));
	fed = daemon_notify_count(daemon, "WATCHDOG=1");
	converse(3000); /* more than the queues hold */
	daemon_signal(daemon, SIGUSR1);
	daemon_signal(daemon, SIGUSR2);
	converse(10);
	ck_assert(
		wait_until(daemon_notify_count(daemon, "WATCHDOG=1") > fed + 2, PEER_PATIENCE_MS));
	daemon_signal(daemon, SIGTERM);
	thread_await_end(writer);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	daemon_free(daemon);
}
END_TEST

/* It waits for lines, and never comes to writing them. */
START_TEST(what_is_said_last_is_written_although_the_writer_does_not_get_to_run)
{
	enum { CONNECTIONS = 10 };
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = configuration(to_file("info"))});
	pid_t writer;

	daemon_wait_ready(daemon);
	ck_assert(wait_until(threads_named(daemon_pid(daemon), "log writer", &writer, 1) == 1 &&
				     !thread_runs(daemon_pid(daemon), writer),
			     PEER_PATIENCE_MS));
	if (!thread_hold(writer)) {
		daemon_stop(daemon);
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	}
	converse(CONNECTIONS);
	daemon_signal(daemon, SIGTERM);
	thread_await_end(writer);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, "\nstopped: "));
	ck_assert_uint_eq(daemon_counter(daemon, "access_dropped"), 0);
	ck_assert_uint_eq(lines_of(path), CONNECTIONS);
	daemon_free(daemon);
}
END_TEST

START_TEST(after_a_write_that_hung_everything_kept_is_written_and_the_rest_is_counted)
{
	enum { CONNECTIONS = 3000 };
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = configuration(to_file("info"))});
	unsigned lines;
	pid_t writer;

	daemon_wait_ready(daemon);
	if (!hold_writer(daemon, &writer)) {
		daemon_stop(daemon);
		SKIP_TEST("cannot hold a thread: %s", strerror(errno));
	}
	converse(CONNECTIONS);
	thread_let_go(writer);
	daemon_wait_log(daemon, " dropped\n");
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	lines = lines_of(path);
	ck_assert_uint_gt(daemon_counter(daemon, "access_dropped"), 0);
	ck_assert_uint_eq(lines + daemon_counter(daemon, "access_dropped"), CONNECTIONS);
	ck_assert_uint_eq(daemon_log_count(daemon, " dropped\n"), 1);
	daemon_stop(daemon);
}
END_TEST

/* ---- a disk that is full ---- */

START_TEST(a_file_at_its_limit_kills_nobody_and_its_lines_are_whole_when_it_is_lifted)
{
	enum { LIMIT = 16384, CONNECTIONS = 2500 };
	struct daemon *daemon = daemon_spawn(
		&(struct daemon_options){.mode = &daemon_modes[_i],
					 .configuration = configuration(to_file("info")),
					 .file_size = LIMIT});
	struct rlimit limit;
	struct stat status;
	char *log;

	daemon_wait_ready(daemon);
	converse(CONNECTIONS);
	daemon_wait_log(daemon, "File too large");
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_size, LIMIT);
	ck_assert_int_eq(prlimit(daemon_pid(daemon), RLIMIT_FSIZE, NULL, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(prlimit(daemon_pid(daemon), RLIMIT_FSIZE, &limit, NULL), 0);
	daemon_wait_log(daemon, "is written again after");
	converse(10);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	log = daemon_log(daemon);
	ck_assert_uint_eq(told_lost(log), daemon_counter(daemon, "access_dropped"));
	free(log);
	ck_assert_uint_gt(daemon_counter(daemon, "access_dropped"), 0);
	ck_assert_uint_eq(lines_of(path) + daemon_counter(daemon, "access_dropped"),
			  CONNECTIONS + 10);
	ck_assert_uint_eq(daemon_log_count(daemon, "cannot write to"), 1);
	ck_assert_uint_eq(daemon_log_count(daemon, "is written again"), 1);
	ck_assert(daemon_log_contains(daemon, "LimitFSIZE="));
	daemon_stop(daemon);
}
END_TEST

/* A file as the daemon sees it, in its own mounts. */
static const char *seen(struct daemon *daemon, const char *name)
{
	static char text[8600];

	snprintf(text, sizeof(text), "/proc/%d/root%s", daemon_pid(daemon), name);
	return text;
}

/* All of the disk but so much. */
static void fill_disk(const char *name, off_t but)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	static char zeros[4096];

	ck_assert_int_ge(fd, 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_CUR) - but), 0);
	close(fd);
}

START_TEST(a_full_disk_is_told_once_at_each_end_and_no_line_is_torn)
{
	enum { CONNECTIONS = 2500 };
	char disk[4300], *text;
	struct daemon *daemon;
	unsigned lost;

	if (getuid() != 0)
		SKIP_TEST("a file system of its own needs root");
	text = strdup(configuration(to_file("info")));
	snprintf(disk, sizeof(disk), "%.*s", (int)(strrchr(path, '/') - path), path);
	daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = text, .small_disk = disk});
	free(text);
	daemon_wait_ready(daemon);
	strcat(disk, "/filler");
	fill_disk(seen(daemon, disk), 16384);
	converse(CONNECTIONS);
	daemon_wait_log(daemon, "No space left on device; make room");
	ck_assert_int_eq(unlink(seen(daemon, disk)), 0);
	daemon_wait_log(daemon, "is written again after");
	converse(10);
	text = daemon_log(daemon);
	lost = told_lost(text);
	free(text);
	ck_assert_uint_gt(lost, 0);
	/* The last ones are held back for a moment. */
	ck_assert(wait_until(newlines_of(seen(daemon, path)) + lost >= CONNECTIONS + 10,
			     PEER_PATIENCE_MS));
	ck_assert_uint_eq(lines_of(seen(daemon, path)) + lost, CONNECTIONS + 10);
	ck_assert_uint_eq(daemon_log_count(daemon, "cannot write to"), 1);
	ck_assert_uint_eq(daemon_log_count(daemon, "is written again"), 1);
	daemon_stop(daemon);
}
END_TEST

/* ---- at the start, and by signal ---- */

static const char *const test_only[] = {"-t", NULL};

/* What start refuses `-t` refuses, with the place, the value, the cause and a remedy. */
START_TEST(an_access_log_that_cannot_be_opened_is_refused_at_start_and_by_the_test)
{
	static const struct {
		const char *access, *cause, *remedy;
	} cases[] = {
		{"/nonexistent/directory/log", "No such file or directory", "LogsDirectory="},
		{"/proc", "Is a directory", "name a file in it"},
		{"/etc/passwd/log", "Not a directory", "is a file"},
		{"LINK", "Too many levels of symbolic links", "name the file itself"},
		{"journal", "No such file or directory", "use stderr or the path of a file"},
	};
	char log[4300], place[4300];

	if (!strcmp(cases[_i].access, "journal") &&
	    access("/run/systemd/journal/socket", F_OK) == 0)
		SKIP_TEST("there is a journal here");
	snprintf(log, sizeof(log), "access = %s", cases[_i].access);
	if (!strcmp(cases[_i].access, "LINK")) {
		snprintf(path, sizeof(path), "%s/shared", suite_dir());
		ck_assert_int_eq(mkdir(path, 0755), 0);
		ck_assert_int_eq(chmod(path, 01777), 0);
		strcat(path, "/link");
		ck_assert_int_eq(symlink("/dev/null", path), 0);
		snprintf(log, sizeof(log), "access = %s", path);
	}
	for (int test = 0; test < 2; test++) {
		struct daemon *daemon = daemon_spawn(
			&(struct daemon_options){.mode = &daemon_modes[0],
						 .configuration = configuration(log),
						 .arguments = test ? test_only : NULL});

		ck_assert_int_eq(daemon_wait_exit(daemon), 71);
		/* [global] and its two lines, drain_timeout, [log], access */
		snprintf(place, sizeof(place), "error: %s:6: [log] access: cannot open ",
			 daemon_configuration_path(daemon));
		ck_assert(daemon_log_contains(daemon, place));
		ck_assert(daemon_log_contains(daemon, cases[_i].cause));
		ck_assert(daemon_log_contains(daemon, cases[_i].remedy));
		daemon_free(daemon);
	}
}
END_TEST

START_TEST(without_a_file_the_signals_that_open_it_anew_say_so)
{
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = configuration("level = info")});

	daemon_wait_ready(daemon);
	daemon_signal(daemon, SIGUSR1);
	daemon_wait_log(daemon, "SIGUSR1: there is no log file to open anew (access = off");
	daemon_signal(daemon, SIGUSR1);
	daemon_wait_log(daemon, "SIGUSR1: there is no log file to open anew (access = off");
	daemon_signal(daemon, SIGUSR2);
	daemon_wait_log(daemon, "counters: accepted=0 ");
	daemon_stop(daemon);
}
END_TEST

/* As logrotate does, by the one signal and the other; both workers are under traffic. */
START_TEST(renamed_and_opened_anew_by_signal_no_line_is_lost)
{
	enum { TIMES = 10, EACH_TIME = 50 };
	struct daemon *daemon = daemon_spawn(&(struct daemon_options){
		.mode = &daemon_modes[_i], .configuration = configuration(to_file("info"))});
	char name[4300];
	unsigned lines = 0;

	daemon_wait_ready(daemon);
	for (int i = 0; i < TIMES; i++) {
		converse(EACH_TIME);
		snprintf(name, sizeof(name), "%s.%d", path, i);
		ck_assert_int_eq(rename(path, name), 0);
		daemon_signal(daemon, SIGUSR1);
		converse(EACH_TIME);
		ck_assert(wait_until(access(path, F_OK) == 0, PEER_PATIENCE_MS));
	}
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	lines = lines_of(path);
	for (int i = 0; i < TIMES; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		lines += lines_of(name);
	}
	ck_assert_uint_eq(lines, 2 * TIMES * EACH_TIME);
	daemon_stop(daemon);
}
END_TEST

SUITE_OF("daemon: log stalls", 120,
	 IN_BOTH_RINGS(a_standard_error_that_nobody_reads_stops_neither_connections_nor_the_end),
	 ONCE(lines_that_nobody_read_are_counted_and_told_when_the_reader_returns),
	 IN_BOTH_RINGS(a_write_that_hangs_stops_neither_connections_nor_the_watchdog_nor_the_end),
	 IN_BOTH_RINGS(what_is_said_last_is_written_although_the_writer_does_not_get_to_run),
	 ONCE(after_a_write_that_hung_everything_kept_is_written_and_the_rest_is_counted),
	 ONCE(a_file_at_its_limit_kills_nobody_and_its_lines_are_whole_when_it_is_lifted),
	 ONCE(a_full_disk_is_told_once_at_each_end_and_no_line_is_torn),
	 EACH(an_access_log_that_cannot_be_opened_is_refused_at_start_and_by_the_test, 5),
	 IN_BOTH_RINGS(without_a_file_the_signals_that_open_it_anew_say_so),
	 IN_EACH_MODE(renamed_and_opened_anew_by_signal_no_line_is_lost))
