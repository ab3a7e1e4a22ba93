/* The access log: its formats, its targets, and that no reader can hold a worker up. */
#include "ops/access.h"
#include "ops/access_format.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct access_record idle = {
	.id = 42,
	.section = "[proxy web]",
	.client = "192.0.2.7:51034",
	.listener = "0.0.0.0:80",
	.upstream = "10.0.0.5:80",
	.reason = "idle timeout",
	.key = "idle_timeout = 1h, [proxy web] line 14",
	.side = "client",
	.phase = "relaying",
	.bytes_up = 311,
	.bytes_down = 9120,
	.duration_ms = 3600127,
};
#define IDLE_TEXT                                                                                  \
	"session 42 [proxy web] client 192.0.2.7:51034 listener 0.0.0.0:80 upstream 10.0.0.5:80: " \
	"idle timeout (idle_timeout = 1h, [proxy web] line 14), client side while relaying "       \
	"(311 up, 9120 down, 3600127 ms)"

static char folder[] = "/tmp/uringproxy-test.XXXXXX", path[64], renamed[64];

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/access.log", folder);
	snprintf(renamed, sizeof(renamed), "%s/access.log.1", folder);
}

static void remove_folder(void)
{
	unlink(path);
	unlink(renamed);
	ck_assert_int_eq(rmdir(folder), 0);
}

static const char *content(const char *name)
{
	static char text[65536];
	FILE *file = fopen(name, "re");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	return text;
}

/* ---- formats ---- */

START_TEST(text_says_who_where_why_and_how_much)
{
	const struct access_record refused = {.id = 1,
					      .client = "unix:",
					      .reason = "connect failed",
					      .side = "upstream",
					      .phase = "connecting",
					      .error = ECONNREFUSED},
				   bare = {.id = 2};
	char line[ACCESS_LINE_MAX + 1];

	line[access_format_text(&idle, false, line)] = 0;
	ck_assert_str_eq(line, IDLE_TEXT "\n");
	line[access_format_text(&refused, false, line)] = 0;
	ck_assert_str_eq(line, "session 1 client unix:: connect failed, upstream side while "
			       "connecting: Connection refused (0 up, 0 down, 0 ms)\n");
	line[access_format_text(&bare, false, line)] = 0;
	ck_assert_str_eq(line, "session 2 (0 up, 0 down, 0 ms)\n");
}
END_TEST

START_TEST(json_has_a_member_for_everything_known)
{
	char line[ACCESS_LINE_MAX + 1];
	struct access_record record = idle;

	record.error = ETIMEDOUT;
	record.listener = NULL;
	line[access_format_json(&record, line)] = 0;
	/* {"time":"2026-11-22T18:29:27.123Z", */
	ck_assert_int_eq(strncmp(line, "{\"time\":\"2", 10), 0);
	ck_assert_int_eq(line[19], 'T');
	ck_assert_str_eq(line + 32,
			 "Z\",\"id\":42,\"section\":\"[proxy web]\",\"client\":\"192.0.2.7:51034\","
			 "\"upstream\":\"10.0.0.5:80\",\"reason\":\"idle timeout\","
			 "\"key\":\"idle_timeout = 1h, [proxy web] line 14\",\"side\":\"client\","
			 "\"phase\":\"relaying\",\"errno\":110,\"error\":\"Connection timed out\","
			 "\"bytes_up\":311,\"bytes_down\":9120,\"duration_ms\":3600127}\n");
}
END_TEST

static const char *quoted(const char *value)
{
	static char line[ACCESS_LINE_MAX + 1];
	const struct access_record record = {.client = value};

	line[access_format_json(&record, line)] = 0;
	char *start = strstr(line, "\"client\":");
	ck_assert_ptr_nonnull(start);
	*strstr(start, ",\"bytes_up\"") = 0;
	return start + 9;
}

START_TEST(json_strings_are_valid_whatever_a_name_holds)
{
	ck_assert_str_eq(quoted(""), "\"\"");
	ck_assert_str_eq(quoted("a\"b\\c\n\x01\x7f"), "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"");
	ck_assert_str_eq(quoted("k\xc3\xa4se \xe2\x82\xac \xf0\x9f\xa7\x80"),
			 "\"k\xc3\xa4se \xe2\x82\xac \xf0\x9f\xa7\x80\"");

	/* stray, cut off, overlong, surrogate, beyond U+10FFFF: each bad byte is one U+FFFD */
	const char *const bad[] = {
		"\x80",     "\xff",         "\xc3",         "\xe2\x82",         "\xf0\x9f\xa7",
		"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80"};
	for (size_t i = 0; i < array_size(bad); i++) {
		char expected[32] = "\"";
		for (size_t n = 0; n < strlen(bad[i]); n++)
			strcat(expected, "\xef\xbf\xbd");
		strcat(expected, "\"");
		ck_assert_str_eq(quoted(bad[i]), expected);
	}
}
END_TEST

START_TEST(the_longest_record_fits_in_every_format)
{
	const unsigned char fillers[] = {'x', '"', 1, 0x80, 0xff};
	char value[5000], line[ACCESS_LINE_MAX], entry[ACCESS_ENTRY_MAX];

	for (size_t i = 0; i < array_size(fillers); i++) {
		memset(value, fillers[i], sizeof(value) - 1);
		value[sizeof(value) - 1] = 0;
		const struct access_record record = {.id = UINT64_MAX,
						     .section = value,
						     .client = value,
						     .listener = value,
						     .upstream = value,
						     .reason = value,
						     .key = value,
						     .side = value,
						     .phase = value,
						     .error = EILSEQ,
						     .bytes_up = UINT64_MAX,
						     .bytes_down = UINT64_MAX,
						     .duration_ms = UINT64_MAX};
		size_t text = access_format_text(&record, true, line);
		ck_assert_ptr_eq(memchr(line, '\n', text), line + text - 1);
		size_t json = access_format_json(&record, line);
		ck_assert_ptr_eq(memchr(line, '\n', json), line + json - 1);
		ck_assert_int_eq(line[json - 2], '}');
		ck_assert_uint_gt(access_format_journal(&record, entry), 8 * 400);
	}
}
END_TEST

START_TEST(a_journal_entry_has_fields_and_no_value_can_add_one)
{
	char entry[ACCESS_ENTRY_MAX + 1];
	const struct access_record record = {.id = 7,
					     .client = "x\nPRIORITY=0",
					     .reason = "done",
					     .error = EPIPE,
					     .bytes_up = 3};

	entry[access_format_journal(&record, entry)] = 0;
	ck_assert_str_eq(entry, "PRIORITY=6\nSYSLOG_IDENTIFIER=uringproxy\n"
				"MESSAGE=session 7 client x?PRIORITY=0: done: Broken pipe "
				"(3 up, 0 down, 0 ms)\nURINGPROXY_ID=7\n"
				"URINGPROXY_CLIENT=x?PRIORITY=0\nURINGPROXY_REASON=done\nERRNO=32\n"
				"URINGPROXY_BYTES_UP=3\nURINGPROXY_BYTES_DOWN=0\n"
				"URINGPROXY_DURATION_MS=0\n");
}
END_TEST

/* ---- targets ---- */

START_TEST(lines_reach_a_file_at_the_flush_with_the_time_in_front)
{
	struct access access;
	struct stat status;

	make_folder();
	ck_assert_int_eq(access_open(&access, ACCESS_FILE, ACCESS_TEXT, path), 0);
	access_write(&access, &idle);
	access_write(&access, &idle);
	ck_assert_str_eq(content(path), "");
	access_flush(&access);
	const char *text = content(path);
	ck_assert_uint_eq(strlen(text), 2 * (25 + strlen(IDLE_TEXT "\n")));
	ck_assert_int_eq(strncmp(text + 25, IDLE_TEXT "\n", strlen(IDLE_TEXT "\n")), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_mode & 07, 0); /* whom we served is not everyone's business */
	ck_assert_uint_eq(access.lines, 2);
	ck_assert_uint_eq(access.dropped, 0);
	access_close(&access);
	remove_folder();
}
END_TEST

START_TEST(after_a_rename_reopening_writes_to_a_new_file)
{
	struct access access;

	make_folder();
	ck_assert_int_eq(access_open(&access, ACCESS_FILE, ACCESS_JSON, path), 0);
	access_write(&access, &idle);
	ck_assert_int_eq(rename(path, renamed), 0);
	ck_assert_int_eq(access_reopen(&access), 0);
	ck_assert_ptr_nonnull(strstr(content(renamed), "\"id\":42"));
	ck_assert_str_eq(content(path), "");
	access_write(&access, &idle);
	access_close(&access);
	ck_assert_ptr_nonnull(strstr(content(path), "\"id\":42"));
	remove_folder();
}
END_TEST

START_TEST(reopening_that_fails_keeps_the_old_file)
{
	struct access access;
	char moved[64];

	make_folder();
	snprintf(moved, sizeof(moved), "%s.moved", folder);
	ck_assert_int_eq(access_open(&access, ACCESS_FILE, ACCESS_TEXT, path), 0);
	ck_assert_int_eq(rename(folder, moved), 0);
	ck_assert_int_eq(access_reopen(&access), -ENOENT);
	ck_assert_int_eq(rename(moved, folder), 0);
	access_write(&access, &idle);
	access_close(&access);
	ck_assert_ptr_nonnull(strstr(content(path), "session 42"));
	remove_folder();
}
END_TEST

START_TEST(a_target_that_cannot_be_opened_is_an_error_and_leaves_the_writer_off)
{
	struct access access;

	ck_assert_int_eq(access_open(&access, ACCESS_FILE, ACCESS_TEXT, "/nonexistent/x"), -ENOENT);
	access_write(&access, &idle);
	access_flush(&access);
	access_close(&access);
	ck_assert_int_eq(access_open(&access, ACCESS_JOURNAL, ACCESS_TEXT, "/nonexistent/x"),
			 -ENOENT);
	ck_assert_int_eq(access_open(&access, ACCESS_OFF, ACCESS_TEXT, NULL), 0);
	access_write(&access, &idle);
	ck_assert_uint_eq(access.lines, 0);
	access_close(&access);
}
END_TEST

static void *write_many(void *unused)
{
	struct access access;

	(void)unused;
	if (access_open(&access, ACCESS_FILE, ACCESS_TEXT, path) < 0)
		return NULL;
	for (unsigned i = 1; i <= 100; i++) {
		access_write(&access, &idle);
		if (i % 7 == 0)
			access_flush(&access);
	}
	access_close(&access);
	return NULL;
}

START_TEST(lines_of_several_workers_in_one_file_do_not_mix)
{
	pthread_t threads[4];
	char line[1024];
	unsigned lines = 0, wrong = 0;

	make_folder();
	for (size_t i = 0; i < array_size(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, NULL), 0);
	for (size_t i = 0; i < array_size(threads); i++)
		pthread_join(threads[i], NULL);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	for (; fgets(line, sizeof(line), file); lines++)
		wrong += strcmp(line + 25, IDLE_TEXT "\n") != 0;
	fclose(file);
	ck_assert_uint_eq(lines, 400);
	ck_assert_uint_eq(wrong, 0);
	remove_folder();
}
END_TEST

/* Write until lines are dropped, then read all there is: whole lines, and as many as were kept. */
static void overfill_and_count(struct access *access, int reader)
{
	static char text[1024 * 1024];
	size_t size = 0;
	uint64_t lines = 0;
	ssize_t n;

	while (access->dropped < 10) {
		access_write(access, &idle);
		access_flush(access);
	}
	ck_assert_int_eq(access->error, EAGAIN);
	do {
		while ((n = read(reader, text + size, sizeof(text) - size)) > 0)
			size += (size_t)n;
		ck_assert_int_eq(errno, EAGAIN);
		access_flush(access);
		n = read(reader, text + size, sizeof(text) - size);
		size += n > 0 ? (size_t)n : 0;
	} while (n > 0 || access->used);
	ck_assert_int_eq(access->error, 0);

	for (char *at = text; at < text + size; at += strlen(IDLE_TEXT "\n"), lines++)
		if (strncmp(at, IDLE_TEXT "\n", strlen(IDLE_TEXT "\n")) != 0)
			ck_abort_msg("line %ju is torn", (uintmax_t)lines);
	ck_assert_uint_eq(lines, access->lines - access->dropped);
}

START_TEST(a_pipe_nobody_reads_costs_lines_and_never_waits)
{
	struct access access;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(access_open(&access, ACCESS_STDERR, ACCESS_TEXT, NULL), 0);
	/* who shares the pipe with us must not find it non-blocking */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	overfill_and_count(&access, ends[0]);
	access_close(&access);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_stream_socket_nobody_reads_costs_lines_and_never_waits)
{
	struct access access;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(access_open(&access, ACCESS_STDERR, ACCESS_TEXT, NULL), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	overfill_and_count(&access, ends[0]);
	access_close(&access);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_full_disk_costs_lines_and_is_remembered)
{
	struct access access;

	ck_assert_int_eq(access_open(&access, ACCESS_FILE, ACCESS_TEXT, "/dev/full"), 0);
	access_write(&access, &idle);
	access_write(&access, &idle);
	access_flush(&access);
	ck_assert_int_eq(access.error, ENOSPC);
	ck_assert_uint_eq(access.dropped, 2);
	ck_assert_uint_eq(access.used, 0);
	access_close(&access);
}
END_TEST

START_TEST(standard_error_in_a_file_is_shared_with_the_log)
{
	struct access access;

	make_folder();
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* as a shell's 2> does */
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(access_open(&access, ACCESS_STDERR, ACCESS_TEXT, NULL), 0);
	ck_assert_int_eq(write(STDERR_FILENO, "first\n", 6), 6);
	access_write(&access, &idle);
	access_flush(&access);
	ck_assert_int_eq(write(STDERR_FILENO, "last\n", 5), 5);
	ck_assert_str_eq(content(path), "first\n" IDLE_TEXT "\nlast\n");
	access_close(&access);
	close(fd);
	remove_folder();
}
END_TEST

static int open_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(the_journal_gets_each_entry_at_once_and_a_new_journald_is_found)
{
	struct access access;
	char entry[ACCESS_ENTRY_MAX];

	make_folder();
	int journal = open_journal();
	ck_assert_int_eq(access_open(&access, ACCESS_JOURNAL, ACCESS_TEXT, path), 0);
	access_write(&access, &idle);
	ck_assert_int_gt(recv(journal, entry, sizeof(entry), 0), 0);
	close(journal);
	access_write(&access, &idle); /* nobody there */
	ck_assert_uint_eq(access.dropped, 1);
	journal = open_journal();
	access_write(&access, &idle);
	ck_assert_int_gt(recv(journal, entry, sizeof(entry), 0), 0);
	ck_assert_uint_eq(access.dropped, 1);
	while (access.dropped < 3) /* a journald that does not read */
		access_write(&access, &idle);
	ck_assert_int_eq(access.error, EAGAIN);
	access_close(&access);
	close(journal);
	remove_folder();
}
END_TEST

SUITE("access log", text_says_who_where_why_and_how_much, json_has_a_member_for_everything_known,
      json_strings_are_valid_whatever_a_name_holds, the_longest_record_fits_in_every_format,
      a_journal_entry_has_fields_and_no_value_can_add_one,
      lines_reach_a_file_at_the_flush_with_the_time_in_front,
      after_a_rename_reopening_writes_to_a_new_file, reopening_that_fails_keeps_the_old_file,
      a_target_that_cannot_be_opened_is_an_error_and_leaves_the_writer_off,
      lines_of_several_workers_in_one_file_do_not_mix,
      a_pipe_nobody_reads_costs_lines_and_never_waits,
      a_stream_socket_nobody_reads_costs_lines_and_never_waits,
      a_full_disk_costs_lines_and_is_remembered, standard_error_in_a_file_is_shared_with_the_log,
      the_journal_gets_each_entry_at_once_and_a_new_journald_is_found)
