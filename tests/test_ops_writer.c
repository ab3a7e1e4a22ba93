/*
 * How logs are written: by one thread, whole line by whole line, into files that nobody else has
 * put there -- and those who have something to say never wait for it.
 */
#include "ops/lines.h"
#include "ops/log.h"
#include "ops/path.h"
#include "ops/sink.h"
#include "ops/writer.h"
#include "support/child.h"
#include "support/skip.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

static char folder[4096], path[4128], renamed[4128];

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/access.log", folder);
	snprintf(renamed, sizeof(renamed), "%s/access.log.1", folder);
}

static void assert_content(const char *name, const char *expected)
{
	char *text = file_read(name);

	ck_assert_str_eq(text, expected);
	free(text);
}

/* ---- the queue ---- */

START_TEST(lines_come_out_as_they_went_in_and_what_does_not_fit_is_refused_and_counted)
{
	struct lines lines;
	char line[64];
	unsigned in = 0, out = 0;

	ck_assert_int_eq(lines_init(&lines, 256), 0);
	ck_assert_uint_eq(lines_take(&lines, line, sizeof(line)), 0);
	for (unsigned round = 0; round < 100; round++) { /* around the ring many times */
		while (lines_put(&lines, line,
				 (uint32_t)snprintf(line, sizeof(line), "%u %.*s", in,
						    (int)(in % 40),
						    "........................................")))
			in++;
		ck_assert_uint_eq(lines_pending(&lines), in - out);
		for (uint32_t size; (size = lines_take(&lines, line, sizeof(line) - 1)); out++) {
			line[size] = 0;
			ck_assert_uint_eq(strtoul(line, NULL, 10), out);
			ck_assert_uint_eq(strcspn(line, "."), size - out % 40);
		}
		ck_assert_uint_eq(out, in);
		ck_assert_uint_eq(lines_used(&lines), 0);
	}
	ck_assert_uint_eq(lines.dropped, 100);
	ck_assert(lines_put(&lines, "0123456789", 10));
	ck_assert_uint_eq(lines_take(&lines, line, 9), 0); /* no room: it stays */
	ck_assert_uint_eq(lines_take(&lines, line, 10), 10);
	lines_done(&lines);
}
END_TEST

enum { HANDED = 20000 };

static void *put_numbers(void *argument)
{
	struct lines *lines = argument;

	for (uint32_t i = 0; i < HANDED;) {
		if (lines_put(lines, (const char *)&i, sizeof(i)))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

START_TEST(a_queue_between_two_threads_loses_and_mixes_nothing)
{
	struct lines lines;
	pthread_t thread;
	uint32_t number;

	ck_assert_int_eq(lines_init(&lines, 1024), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, put_numbers, &lines), 0);
	for (uint32_t i = 0; i < HANDED;) {
		if (lines_take(&lines, (char *)&number, sizeof(number)) == 0) {
			sched_yield();
			continue;
		}
		ck_assert_uint_eq(number, i);
		i++;
	}
	pthread_join(thread, NULL);
	lines_done(&lines);
}
END_TEST

/* ---- the sink ---- */

static void add(struct sink *sink, const char *line)
{
	struct lines lines;

	ck_assert_int_eq(lines_init(&lines, 8192), 0);
	ck_assert(lines_put(&lines, line, (uint32_t)strlen(line)));
	ck_assert(sink_take(sink, &lines));
	lines_done(&lines);
}

/* The limit of a file's size stands for a full disk: so much is taken, and the rest is not. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_line_written_in_part_is_completed_when_there_is_room_again)
{
	struct sink sink;

	make_folder();
	ck_assert_int_eq(sink_open(&sink, SINK_FILE, path), 0);
	limit_files(9);
	add(&sink, "first\n");
	add(&sink, "second\n");
	add(&sink, "third\n");
	ck_assert_int_eq(sink_flush(&sink), -EFBIG);
	ck_assert_int_eq(sink_flush(&sink), -EFBIG);
	assert_content(path, "first\nsec");
	ck_assert_uint_eq(sink_pending(&sink), 2);
	limit_files(14);
	ck_assert_int_eq(sink_flush(&sink), -EFBIG);
	assert_content(path, "first\nsecond\nt");
	limit_files(RLIM_INFINITY);
	add(&sink, "fourth\n");
	ck_assert_int_eq(sink_flush(&sink), 0);
	assert_content(path, "first\nsecond\nthird\nfourth\n");
	ck_assert_uint_eq(sink_pending(&sink), 0);
	sink_close(&sink);
}
END_TEST

START_TEST(a_line_written_in_part_is_whole_in_the_file_that_is_opened_next)
{
	struct sink sink;

	make_folder();
	ck_assert_int_eq(sink_open(&sink, SINK_FILE, path), 0);
	limit_files(9);
	add(&sink, "first\n");
	add(&sink, "second\n");
	ck_assert_int_eq(sink_flush(&sink), -EFBIG);
	ck_assert_int_eq(rename(path, renamed), 0);
	ck_assert_int_eq(sink_reopen(&sink), 0);
	ck_assert_int_eq(sink_flush(&sink), 0);
	assert_content(renamed, "first\nsec");
	assert_content(path, "second\n");
	sink_close(&sink);
}
END_TEST

START_TEST(half_a_line_that_somebody_left_is_not_glued_to_the_next)
{
	struct sink sink;
	FILE *file;

	make_folder();
	file = fopen(path, "w");
	fputs("whole\nhal", file);
	fclose(file);
	ck_assert_int_eq(sink_open(&sink, SINK_FILE, path), 0);
	limit_files(9);
	add(&sink, "next\n");
	ck_assert_int_eq(sink_flush(&sink), -EFBIG);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(sink_flush(&sink), 0);
	assert_content(path, "whole\nhal\nnext\n");
	/* and no empty line where there is nothing to mend */
	ck_assert_int_eq(sink_reopen(&sink), 0);
	add(&sink, "last\n");
	ck_assert_int_eq(sink_flush(&sink), 0);
	assert_content(path, "whole\nhal\nnext\nlast\n");
	sink_close(&sink);
}
END_TEST

/* Standard error is somebody else's too: it stays blocking for them, and blocks us no more. */
START_TEST(a_pipe_that_cannot_be_opened_anew_is_asked_before_each_write)
{
	char line[1001], bytes[8192];
	struct sink sink;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(sink_open(&sink, SINK_STDERR, NULL), 0);
	close(sink.fd);
	sink.fd = dup(STDERR_FILENO); /* as if /proc were not there */
	sink.may_wait = true;
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\n", 2);
	for (int i = 0; i < 10; i++)
		add(&sink, line);
	ck_assert_int_eq(sink_flush(&sink), -EAGAIN);
	ck_assert_int_gt(read(ends[0], bytes, sizeof(bytes)), 0);
	ck_assert_int_eq(sink_flush(&sink), -EAGAIN);
	ck_assert_uint_gt(sink_pending(&sink), 0);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	sink_close(&sink);
}
END_TEST

/* ---- paths ---- */

static int opened(const char *name)
{
	int fd = path_open(name, O_WRONLY | O_APPEND | O_CREAT, 0640), check = path_check(name);

	if (fd >= 0)
		close(fd);
	ck_assert_int_eq(check, fd < 0 ? fd : 0);
	return fd < 0 ? fd : 0;
}

START_TEST(a_link_is_followed_only_where_nobody_else_can_have_put_it)
{
	static const mode_t modes[] = {0777, 01777, 0775, 0755};
	char link[4200], target[4200], through[4300];

	make_folder();
	snprintf(target, sizeof(target), "%s/target", folder);
	snprintf(link, sizeof(link), "%s/shared/link", folder);
	snprintf(through, sizeof(through), "%s/shared/way/target", folder);
	ck_assert_int_eq(mkdir(target, 0755), 0);
	strcat(target, "/target");
	strcpy(strrchr(link, '/'), "");
	ck_assert_int_eq(mkdir(link, 0755), 0);
	strcat(link, "/link");
	ck_assert_int_eq(symlink(target, link), 0);
	snprintf(renamed, sizeof(renamed), "%s/shared/way", folder);
	ck_assert_int_eq(symlink("../target", renamed), 0);
	for (size_t i = 0; i < array_size(modes); i++) {
		int expected = modes[i] == 0755 ? 0 : -ELOOP;

		snprintf(renamed, sizeof(renamed), "%s/shared", folder);
		ck_assert_int_eq(chmod(renamed, modes[i]), 0);
		ck_assert_int_eq(opened(link), expected);
		ck_assert_int_eq(opened(through), expected);
		ck_assert_int_eq(access(target, F_OK), expected ? -1 : 0);
		snprintf(path, sizeof(path), "%s/shared/plain", folder);
		ck_assert_int_eq(opened(path), 0); /* no link, no danger */
	}
	if (getuid() != 0)
		SKIP_TEST("a directory of another user's needs root");
	ck_assert_int_eq(chown(renamed, 65534, 65534), 0);
	ck_assert_int_eq(opened(link), -ELOOP);
}
END_TEST

START_TEST(paths_of_every_kind_are_walked_as_the_kernel_would)
{
	char name[5000];

	make_folder();
	snprintf(name, sizeof(name), "%s//./../%s/a.log", folder, strrchr(folder, '/') + 1);
	ck_assert_int_eq(opened(name), 0);
	snprintf(name, sizeof(name), "%s/a.log", folder);
	ck_assert_int_eq(access(name, F_OK), 0);
	strcat(name, "/x");
	ck_assert_int_eq(opened(name), -ENOTDIR);
	snprintf(name, sizeof(name), "%s/none/x", folder);
	ck_assert_int_eq(opened(name), -ENOENT);
	snprintf(name, sizeof(name), "%s/", folder);
	ck_assert_int_eq(opened(name), -EISDIR);
	ck_assert_int_eq(opened(folder), -EISDIR);
	ck_assert_int_eq(opened("/"), -EISDIR);
	snprintf(name, sizeof(name), "%s/loop", folder);
	ck_assert_int_eq(symlink("loop", name), 0);
	ck_assert_int_eq(opened(name), -ELOOP);
	ck_assert_int_eq(path_check("/dev/stdout"), 0); /* a link, and one of /proc behind it */
	ck_assert_int_eq(path_check("/proc/self/fd/1"), 0);
	ck_assert_int_eq(path_open("relative", O_WRONLY, 0), -EINVAL);
	snprintf(name, sizeof(name), "%s/%0300d", folder, 0);
	ck_assert_int_eq(opened(name), -ENAMETOOLONG);
}
END_TEST

/* ---- the log through the thread ---- */

static int stuck_stderr(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETPIPE_SZ, 4096), 4096);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	close(ends[1]);
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	return ends[0];
}

struct reading {
	int fd;
	char text[1024 * 1024];
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

START_TEST(lines_that_nobody_read_are_counted_and_told_once_when_the_reader_returns)
{
	static struct reading reading;
	unsigned said = 0, lines = 0, lost = 0, later = 0;
	char *at, *told, *again;

	reading.fd = stuck_stderr();
	ck_assert_int_eq(writer_start(), 0);
	for (; log_dropped() < 10; said++) /* never waits: a few thousand lines at most */
		log_info("line %u: %0100d", said, 0);
	log_info("line %u: %0100d", said++, 0);
	ck_assert(wait_until(has_read(&reading, "dropped\n"), PATIENCE_MS));
	told = strstr(reading.text, "warning: the log is written again");
	ck_assert_ptr_nonnull(told);
	ck_assert_int_eq(sscanf(strstr(told, "): "), "): %u lines were dropped", &lost), 1);
	ck_assert_uint_eq(lost, log_dropped());
	for (at = reading.text; (at = strstr(at, "line ")); at++, lines++)
		ck_assert_uint_eq(strtoul(at + 5, NULL, 10), lines); /* in order, the oldest kept */
	ck_assert_uint_eq(lines + lost, said);
	log_info("after");
	ck_assert(wait_until(has_read(&reading, "after\n"), PATIENCE_MS));
	ck_assert_ptr_null(strstr(strchr(told, '\n'), "written again"));

	/* a second time it is what was lost since the first */
	reading.size = 0;
	for (uint64_t before = log_dropped(); log_dropped() < before + 10;)
		log_info("again: %0100d", 0);
	ck_assert(wait_until(has_read(&reading, " dropped\n"), PATIENCE_MS));
	again = strstr(strstr(reading.text, "written again"), "): ");
	ck_assert_int_eq(sscanf(again, "): %u lines were dropped", &later), 1);
	ck_assert_uint_eq(lost + later, log_dropped());
	writer_stop(1000);
}
END_TEST

START_TEST(the_end_waits_a_moment_for_a_log_that_nobody_reads_and_no_longer)
{
	int64_t began;

	(void)stuck_stderr();
	ck_assert_int_eq(writer_start(), 0);
	while (log_dropped() < 10)
		log_info("%0100d", 0);
	began = clock_ms();
	writer_flush(100);
	writer_stop(300);
	ck_assert_int_ge(clock_ms() - began, 400);
	ck_assert_int_lt(clock_ms() - began, PATIENCE_MS);
}
END_TEST

START_TEST(what_is_said_last_is_written_before_the_end)
{
	static struct reading reading;
	char last[32];

	reading.fd = stuck_stderr();
	ck_assert_int_eq(writer_start(), 0);
	for (int i = 0; i < 20; i++)
		log_info("line %d", i);
	writer_stop(PATIENCE_MS);
	snprintf(last, sizeof(last), "line 18\nline 19\n");
	ck_assert(has_read(&reading, last));
	log_info("direct again");
	ck_assert(has_read(&reading, "direct again\n"));
}
END_TEST

START_TEST(a_log_that_meets_the_limit_of_its_file_goes_on_when_it_is_lifted)
{
	char *text;
	int fd;

	make_folder();
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	ck_assert_int_eq(writer_start(), 0);
	limit_files(20);
	log_info("a line that is longer than that");
	log_info("another");
	ck_assert(wait_until(({
				     struct stat status;
				     fstat(fd, &status) == 0 && status.st_size == 20;
			     }),
			     PATIENCE_MS));
	limit_files(RLIM_INFINITY);
	writer_flush(PATIENCE_MS);
	writer_stop(PATIENCE_MS);
	text = file_read(path);
	ck_assert_int_eq(strncmp(text, "a line that is longer than that\nanother\n", 40), 0);
	ck_assert_ptr_nonnull(strstr(text, "the log is written again after "));
	ck_assert_ptr_nonnull(strstr(text, "(File too large): 0 lines were dropped\n"));
	free(text);
	close(fd);
}
END_TEST

SUITE("log writer", lines_come_out_as_they_went_in_and_what_does_not_fit_is_refused_and_counted,
      a_queue_between_two_threads_loses_and_mixes_nothing,
      a_line_written_in_part_is_completed_when_there_is_room_again,
      a_line_written_in_part_is_whole_in_the_file_that_is_opened_next,
      half_a_line_that_somebody_left_is_not_glued_to_the_next,
      a_pipe_that_cannot_be_opened_anew_is_asked_before_each_write,
      a_link_is_followed_only_where_nobody_else_can_have_put_it,
      paths_of_every_kind_are_walked_as_the_kernel_would,
      lines_that_nobody_read_are_counted_and_told_once_when_the_reader_returns,
      the_end_waits_a_moment_for_a_log_that_nobody_reads_and_no_longer,
      what_is_said_last_is_written_before_the_end,
      a_log_that_meets_the_limit_of_its_file_goes_on_when_it_is_lifted)
