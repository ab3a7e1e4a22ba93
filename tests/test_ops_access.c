/* The access log: its formats, its targets, and that no reader can hold a worker up. */
#include "ops/access.h"
#include "ops/access_format.h"
#include "ops/log.h"
#include "ops/writer.h"
#include "support/child.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const struct access_record idle = {
	.id = 42,
	.worker = 1,
	.edition = 3,
	.title = "[proxy web]",
	.proxy = "web",
	.kind = "proxy",
	.client = "192.0.2.7:51034",
	.listener = "0.0.0.0:80",
	.server = "app:80 (10.0.0.5:80)",
	.server_address = "10.0.0.5:80",
	.is_connected = true,
	.connect_us = 231,
	.is_answered = true,
	.first_byte_us = 1204,
	.reason = "idle-timeout",
	.reason_text = "idle timeout (idle_timeout = 1h, [proxy web] line 14)",
	.side = "client",
	.phase = "relaying",
	.bytes_up = 311,
	.bytes_down = 9120,
	.duration_ms = 3600127,
};
#define IDLE_TEXT                                                                                  \
	"session 42 [proxy web] client 192.0.2.7:51034 listener 0.0.0.0:80 upstream app:80 "       \
	"(10.0.0.5:80): idle timeout (idle_timeout = 1h, [proxy web] line 14), client side while " \
	"relaying, worker 1, edition 3, connected in 0.231 ms, first byte after 1.204 ms "         \
	"(311 up, 9120 down, 3600127 ms)"

enum { PATIENCE_MS = 20000 };

static char folder[4096], path[4128], renamed[4128], place[] = "a.conf:3: [log] access";

static void make_folder(void)
{
	snprintf(folder, sizeof(folder), "%s/XXXXXX", suite_dir());
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/access.log", folder);
	snprintf(renamed, sizeof(renamed), "%s/access.log.1", folder);
}

static bool contains(const char *name, const char *word)
{
	char *text = file_read(name);
	bool found = strstr(text, word);

	free(text);
	return found;
}

static unsigned lines_of(const char *name, const char *line)
{
	char *text = file_read(name);
	unsigned n = 0;

	for (char *at = text; (at = strstr(at, line)); at++)
		n++;
	free(text);
	return n;
}

/* What the log says goes to a file of its own: /path/log, whatever standard error was. */
static char said[4128];

static void start_log(void)
{
	int fd;

	make_folder();
	snprintf(said, sizeof(said), "%s/log", folder);
	fd = open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_LEVEL_INFO);
	ck_assert_int_eq(writer_start(), 0);
}

static void stop_log(void)
{
	access_close(PATIENCE_MS);
	writer_stop(PATIENCE_MS);
}

static struct access_queue *open_access(enum sink_target target, enum access_format format,
					const char *name)
{
	ck_assert_int_eq(access_open(target, format, name, place, 1), 0);
	return access_queue(0);
}

static void write_line(struct access_queue *queue)
{
	access_write(queue, &idle);
	access_flush(queue);
}

/* ---- formats ---- */

START_TEST(text_says_who_where_why_and_how_much)
{
	static const struct access_tried tried[] = {{"a:1", ECONNREFUSED, 0},
						    {"b:2", ETIMEDOUT, 5000}};
	const struct access_record refused = {.id = 1,
					      .client = "unix:",
					      .is_local = true,
					      .uid = 33,
					      .pid = 4711,
					      .reason_text = "connect failed",
					      .tried = tried,
					      .tried_count = 2,
					      .side = "upstream",
					      .phase = "connecting",
					      .error = ECONNREFUSED},
				   bare = {.id = 2};
	char line[ACCESS_LINE_MAX + 1];

	line[access_format_text(&idle, false, line)] = 0;
	ck_assert_str_eq(line, IDLE_TEXT "\n");
	line[access_format_text(&refused, false, line)] = 0;
	ck_assert_str_eq(line,
			 "session 1 client unix: (uid 33 pid 4711): connect failed, upstream side "
			 "while connecting: Connection refused, tried a:1 (0 ms, Connection "
			 "refused), tried b:2 (5000 ms, Connection timed out) (0 up, 0 down, "
			 "0 ms)\n");
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
	record.tried = &(struct access_tried){"10.0.0.4:80", ECONNREFUSED, 3};
	record.tried_count = 1;
	record.client_wire = (struct access_wire){true, 35210, 30000, 2, 1, 125000};
	line[access_format_json(&record, line)] = 0;
	/* {"time":"2026-11-22T18:29:27.123Z", */
	ck_assert_int_eq(strncmp(line, "{\"time\":\"2", 10), 0);
	ck_assert_int_eq(line[19], 'T');
	ck_assert_str_eq(
		line + 32,
		"Z\",\"id\":42,\"worker\":1,\"edition\":3,\"proxy\":\"web\",\"kind\":\"proxy\","
		"\"client\":\"192.0.2.7:51034\",\"server\":\"app:80 (10.0.0.5:80)\","
		"\"server_address\":\"10.0.0.5:80\",\"connect_ms\":0.231,"
		"\"first_byte_ms\":1.204,\"duration_ms\":3600127,\"bytes_up\":311,"
		"\"bytes_down\":9120,\"reason\":\"idle-timeout\","
		"\"reason_text\":\"idle timeout (idle_timeout = 1h, [proxy web] line 14)\","
		"\"side\":\"client\",\"phase\":\"relaying\",\"client_rtt_us\":35210,"
		"\"client_rtt_min_us\":30000,\"client_retransmits\":2,\"client_lost\":1,"
		"\"client_delivery_rate\":125000,\"errno\":110,"
		"\"error\":\"Connection timed out\",\"tried\":[{\"server\":\"10.0.0.4:80\","
		"\"error\":\"Connection refused\",\"ms\":3}]}\n");
}
END_TEST

static const char *quoted(const char *value)
{
	static char line[ACCESS_LINE_MAX + 1];
	const struct access_record record = {.client = value};

	line[access_format_json(&record, line)] = 0;
	char *start = strstr(line, "\"client\":");
	ck_assert_ptr_nonnull(start);
	*strstr(start, ",\"duration_ms\"") = 0;
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
		struct access_tried tried[ACCESS_TRIED_MAX];
		const struct access_wire wire = {true,       UINT64_MAX, UINT64_MAX,
						 UINT64_MAX, UINT64_MAX, UINT64_MAX};
		const struct access_record record = {.id = UINT64_MAX,
						     .worker = UINT64_MAX,
						     .edition = UINT64_MAX,
						     .title = value,
						     .proxy = value,
						     .kind = value,
						     .client = value,
						     .is_local = true,
						     .uid = UINT64_MAX,
						     .pid = UINT64_MAX,
						     .listener = value,
						     .server = value,
						     .server_address = value,
						     .tried = tried,
						     .tried_count = ACCESS_TRIED_MAX,
						     .is_connected = true,
						     .connect_us = UINT64_MAX,
						     .is_answered = true,
						     .first_byte_us = UINT64_MAX,
						     .client_wire = wire,
						     .server_wire = wire,
						     .reason = value,
						     .reason_text = value,
						     .side = value,
						     .phase = value,
						     .error = EILSEQ,
						     .bytes_up = UINT64_MAX,
						     .bytes_down = UINT64_MAX,
						     .duration_ms = UINT64_MAX};
		for (unsigned n = 0; n < ACCESS_TRIED_MAX; n++)
			tried[n] = (struct access_tried){value, EILSEQ, UINT64_MAX};
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
	static const struct access_tried tried[] = {{"a:1", ECONNREFUSED, 2}, {"b:\n2", EPERM, 0}};
	char entry[ACCESS_ENTRY_MAX + 1];
	const struct access_record record = {.id = 7,
					     .client = "x\nPRIORITY=0",
					     .reason = "completed",
					     .reason_text = "done",
					     .tried = tried,
					     .tried_count = 2,
					     .is_connected = true,
					     .connect_us = 31,
					     .error = EPIPE,
					     .bytes_up = 3};

	entry[access_format_journal(&record, entry)] = 0;
	ck_assert_str_eq(entry, "PRIORITY=6\nSYSLOG_IDENTIFIER=uringproxy\n"
				"MESSAGE_ID=b68c401a4b3742ffae7d3599b748f757\n"
				"MESSAGE=session 7 client x?PRIORITY=0: done: Broken pipe"
				", connected in 0.031 ms, tried a:1 (2 ms, Connection refused), "
				"tried b:?2 (0 ms, Operation not permitted) (3 up, 0 down, 0 ms)\n"
				"URINGPROXY_ID=7\n"
				"URINGPROXY_WORKER=0\nURINGPROXY_EDITION=0\n"
				"URINGPROXY_CLIENT=x?PRIORITY=0\nURINGPROXY_CONNECT_MS=0.031\n"
				"URINGPROXY_DURATION_MS=0\nURINGPROXY_BYTES_UP=3\n"
				"URINGPROXY_BYTES_DOWN=0\nURINGPROXY_REASON=completed\n"
				"URINGPROXY_REASON_TEXT=done\nERRNO=32\nURINGPROXY_TRIED=a:1\n"
				"URINGPROXY_TRIED=b:?2\n");
}
END_TEST

START_TEST(who_was_refused_has_a_record_of_few_fields_and_none_where_a_line_is_a_connection)
{
	const struct access_record record = {.event = ACCESS_REFUSED,
					     .worker = 1,
					     .edition = 3,
					     .title = "[proxy web]",
					     .proxy = "web",
					     .kind = "proxy",
					     .refused = 1,
					     .reason = "drained",
					     .reason_text = "it is drained"};
	char line[ACCESS_ENTRY_MAX + 1];
	struct access_queue *queue;
	size_t at = 0;

	line[access_format_text(&record, false, line)] = 0;
	at = strcspn(line, "Z");
	line[strcspn(line, "2")] = 0;
	ck_assert_str_eq(line, "[proxy web] refused 1 client since ");
	ck_assert_str_eq(line + at, "Z: it is drained, worker 1, edition 3\n");
	line[access_format_json(&record, line)] = 0;
	ck_assert_ptr_nonnull(strstr(line, "Z\",\"event\":\"refused\",\"worker\":1,\"edition\":3,"
					   "\"proxy\":\"web\",\"kind\":\"proxy\","
					   "\"count\":1,\"since\":\"20"));
	ck_assert_ptr_nonnull(strstr(line, "Z\",\"reason\":\"drained\","
					   "\"reason_text\":\"it is drained\"}\n"));
	line[access_format_journal(&record, line)] = 0;
	ck_assert_ptr_nonnull(strstr(line, "\nURINGPROXY_EVENT=refused\nURINGPROXY_WORKER=1\n"));
	ck_assert_ptr_nonnull(strstr(line, "\nURINGPROXY_COUNT=1\nURINGPROXY_SINCE=20"));
	ck_assert_ptr_null(strstr(line, "URINGPROXY_ID"));
	start_log();
	queue = open_access(SINK_FILE, ACCESS_HAPROXY, path);
	access_write(queue, &record);
	ck_assert(!queue->fresh);
	stop_log();
}
END_TEST

/* ---- targets ---- */

START_TEST(lines_reach_a_file_soon_with_the_time_in_front)
{
	struct access_queue *queue;
	struct stat status;

	start_log();
	queue = open_access(SINK_FILE, ACCESS_TEXT, path);
	access_write(queue, &idle);
	write_line(queue);
	ck_assert(wait_until(lines_of(path, IDLE_TEXT "\n") == 2, PATIENCE_MS));
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(status.st_size, 2 * (25 + strlen(IDLE_TEXT "\n")));
	ck_assert_int_eq(status.st_mode & 07, 0); /* whom we served is not everyone's business */
	ck_assert_uint_eq(access_dropped(), 0);
	stop_log();
}
END_TEST

START_TEST(renamed_and_opened_anew_again_and_again_not_a_line_is_lost)
{
	struct access_queue *queue;
	unsigned lines = 0, found;
	char name[4200];

	start_log();
	queue = open_access(SINK_FILE, ACCESS_JSON, path);
	for (int i = 0; i < 20; i++) {
		for (int n = 0; n < 50; n++, lines++)
			write_line(queue);
		snprintf(name, sizeof(name), "%s.%d", path, i);
		ck_assert_int_eq(rename(path, name), 0);
		(void)access_reopen(-1);
		ck_assert(wait_until(access(path, F_OK) == 0, PATIENCE_MS));
	}
	for (int n = 0; n < 50; n++, lines++)
		write_line(queue);
	stop_log();
	found = lines_of(path, "{\"time\"");
	ck_assert_uint_eq(found, lines_of(path, "}\n"));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		found += lines_of(name, "}\n");
	}
	ck_assert_uint_eq(found, lines);
	ck_assert_uint_eq(access_dropped(), 0);
	ck_assert(contains(said, "a.conf:3: [log] access: "));
}
END_TEST

START_TEST(opening_anew_that_fails_keeps_the_old_file_and_says_so)
{
	struct access_queue *queue;
	char moved[4200], inside[4300];

	start_log();
	snprintf(moved, sizeof(moved), "%s.moved", folder);
	snprintf(inside, sizeof(inside), "%s/access.log", moved);
	queue = open_access(SINK_FILE, ACCESS_TEXT, path);
	ck_assert_int_eq(rename(folder, moved), 0);
	(void)access_reopen(-1);
	write_line(queue);
	ck_assert(wait_until(contains(inside, "session 42"), PATIENCE_MS));
	ck_assert_int_eq(rename(moved, folder), 0);
	stop_log();
	ck_assert(contains(said, "warning: a.conf:3: [log] access: cannot open "));
	ck_assert(contains(said, "No such file or directory; the old one stays in use\n"));
}
END_TEST

START_TEST(a_target_that_cannot_be_opened_is_an_error_and_leaves_the_log_off)
{
	start_log();
	ck_assert_int_eq(access_open(SINK_FILE, ACCESS_TEXT, "/nonexistent/x", place, 2), -ENOENT);
	ck_assert_int_eq(access_check(SINK_FILE, "/nonexistent/x"), -ENOENT);
	ck_assert_ptr_null(access_queue(0));
	access_write(NULL, &idle);
	access_flush(NULL);
	(void)access_reopen(-1);
	access_close(0);
	ck_assert_int_eq(access_open(SINK_JOURNAL, ACCESS_TEXT, "/nonexistent/x", place, 2),
			 -ENOENT);
	ck_assert_int_eq(access_check(SINK_JOURNAL, "/nonexistent/x"), -ENOENT);
	ck_assert_int_eq(access_check(SINK_STDERR, NULL), 0);
	ck_assert_int_eq(access_check(SINK_FILE, path), 0);
	ck_assert_int_lt(access(path, F_OK), 0); /* it only looked */
	stop_log();
}
END_TEST

static void *write_many(void *queue)
{
	for (unsigned i = 1; i <= 100; i++) {
		access_write(queue, &idle);
		if (i % 7 == 0)
			access_flush(queue);
	}
	access_flush(queue);
	return NULL;
}

START_TEST(lines_of_several_workers_in_one_file_do_not_mix)
{
	pthread_t threads[4];

	start_log();
	ck_assert_int_eq(access_open(SINK_FILE, ACCESS_TEXT, path, place, 4), 0);
	for (unsigned i = 0; i < array_size(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, access_queue(i)), 0);
	for (size_t i = 0; i < array_size(threads); i++)
		pthread_join(threads[i], NULL);
	stop_log();
	ck_assert_uint_eq(lines_of(path, IDLE_TEXT "\n"), 400);
	ck_assert_uint_eq(lines_of(path, "\n"), 400);
}
END_TEST

/* ---- readers that do not read ---- */

struct reading {
	int fd;
	char text[2 * 1024 * 1024];
	size_t size;
};
static struct reading reading;

static bool has_read(const char *word)
{
	ssize_t n;

	while ((n = read(reading.fd, reading.text + reading.size,
			 sizeof(reading.text) - 1 - reading.size)) > 0)
		reading.size += (size_t)n;
	reading.text[reading.size] = 0;
	return strstr(reading.text, word);
}

static unsigned lost_lines(const char *text)
{
	const char *told = strstr(text, "is written again after ");
	unsigned lost = 0;

	ck_assert_ptr_nonnull(told);
	told = strstr(told, "): ");
	ck_assert_ptr_nonnull(told);
	ck_assert_int_eq(sscanf(told, "): %u lines were dropped", &lost), 1);
	return lost;
}

/* Write until lines are dropped, then read: whole lines, all that were kept, and how many not. */
static void overfill_and_count(struct access_queue *queue, const char *told_in)
{
	unsigned written = 0, lines = 0;
	char *text;

	for (; access_dropped() < 10; written++)
		write_line(queue);
	if (told_in) {
		ck_assert(
			wait_until((has_read("x"), contains(told_in, " dropped\n")), PATIENCE_MS));
		text = file_read(told_in);
	} else {
		ck_assert(wait_until(has_read(" dropped\n"), PATIENCE_MS));
		text = strdup(reading.text);
	}
	has_read("x");
	for (char *at = reading.text; (at = strstr(at, "session 42 ")); at++, lines++)
		ck_assert_msg(!strncmp(at, IDLE_TEXT "\n", strlen(IDLE_TEXT "\n")),
			      "line %u is torn", lines);
	ck_assert_uint_eq(lost_lines(text), access_dropped());
	ck_assert_uint_eq(lines + access_dropped(), written);
	free(text);
}

START_TEST(a_pipe_nobody_reads_costs_lines_and_never_time)
{
	struct access_queue *queue;

	start_log();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reading.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	queue = open_access(SINK_FILE, ACCESS_TEXT, path);
	overfill_and_count(queue, said);
	ck_assert(contains(said, "warning: a.conf:3: [log] access: "));
	stop_log();
	close(reading.fd);
}
END_TEST

/* _i: a pipe or a stream socket, which is what the journal has for standard error */
START_TEST(a_standard_error_nobody_reads_costs_lines_and_never_time)
{
	struct access_queue *queue;
	int ends[2];

	if (_i == 0)
		ck_assert_int_eq(pipe(ends), 0);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	ck_assert_int_eq(writer_start(), 0);
	queue = open_access(SINK_STDERR, ACCESS_TEXT, NULL);
	/* who shares it with us must not find it non-blocking */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	reading.fd = ends[0];
	overfill_and_count(queue, NULL);
	stop_log();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_reader_that_is_gone_for_a_while_misses_nothing_that_the_queue_holds)
{
	struct access_queue *queue;

	start_log();
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	reading.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	queue = open_access(SINK_FILE, ACCESS_TEXT, path);
	close(reading.fd);
	for (int i = 0; i < 100; i++)
		write_line(queue);
	ck_assert(wait_until(contains(said, "Broken pipe; nobody reads it; lines wait"),
			     PATIENCE_MS));
	reading.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert(wait_until((has_read("x"), contains(said, "(Broken pipe): 0 lines were dropped")),
			     PATIENCE_MS));
	for (char *at = reading.text; *at; at += strlen(IDLE_TEXT "\n") + 25)
		ck_assert_int_eq(strncmp(at + 25, IDLE_TEXT "\n", strlen(IDLE_TEXT "\n")), 0);
	ck_assert_uint_eq(reading.size, 100 * (strlen(IDLE_TEXT "\n") + 25));
	stop_log();
	close(reading.fd);
}
END_TEST

START_TEST(a_full_disk_is_told_when_it_begins_and_what_it_cost_is_counted_at_the_end)
{
	struct access_queue *queue;

	start_log();
	queue = open_access(SINK_FILE, ACCESS_TEXT, "/dev/full");
	write_line(queue);
	write_line(queue);
	ck_assert(wait_until(contains(said, "warning: a.conf:3: [log] access: cannot write to "
					    "/dev/full: No space left on device; make room"),
			     PATIENCE_MS));
	stop_log();
	ck_assert_uint_eq(lines_of(said, "cannot write"), 1);
	ck_assert(contains(said, "the last 2 lines are lost, since /dev/full does not take them"));
	ck_assert(!contains(said, "is written again"));
	ck_assert_uint_eq(access_dropped(), 2);
}
END_TEST

START_TEST(a_log_that_cannot_be_written_is_told_in_the_access_log)
{
	struct access_queue *queue;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	make_folder();
	ck_assert_int_eq(dup2(full, STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	ck_assert_int_eq(writer_start(), 0);
	queue = open_access(SINK_FILE, _i ? ACCESS_JSON : ACCESS_TEXT, path);
	log_info("nobody sees it");
	ck_assert(
		wait_until(contains(path, "cannot write the log to standard error: No space left"),
			   PATIENCE_MS));
	write_line(queue);
	ck_assert(contains(path, _i ? "Z\",\"warning\":\"cannot" : "Z warning: cannot"));
	stop_log();
	ck_assert_uint_eq(lines_of(path, "\n"), 2);
	close(full);
}
END_TEST

START_TEST(standard_error_in_a_file_is_shared_with_the_log)
{
	struct access_queue *queue;
	int fd;
	char *text;

	make_folder();
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* as a shell's 2> does */
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	log_open(LOG_LEVEL_INFO);
	ck_assert_int_eq(writer_start(), 0);
	queue = open_access(SINK_STDERR, ACCESS_TEXT, NULL);
	log_info("first");
	writer_flush(PATIENCE_MS);
	write_line(queue);
	access_close(PATIENCE_MS);
	log_info("last");
	writer_stop(PATIENCE_MS);
	text = file_read(path);
	ck_assert_str_eq(text, "first\n" IDLE_TEXT "\nlast\n");
	free(text);
	close(fd);
}
END_TEST

static char journal_path[64];

static int open_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = 20},
		   sizeof(struct timeval));
	if (!*journal_path) /* the writer reads it */
		snprintf(journal_path, sizeof(journal_path), "/tmp/uringproxy-journal.%d",
			 getpid());
	strcpy(address.sun_path, journal_path);
	unlink(journal_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(the_journal_gets_each_entry_and_one_that_is_started_anew_what_waited)
{
	char entry[ACCESS_ENTRY_MAX];
	struct access_queue *queue;
	int journal = open_journal();
	unsigned written = 0, lines = 0;

	start_log();
	queue = open_access(SINK_JOURNAL, ACCESS_TEXT, journal_path);
	write_line(queue);
	ck_assert_int_gt(recv(journal, entry, sizeof(entry), 0), 0);
	close(journal);
	write_line(queue); /* nobody there */
	ck_assert(wait_until(contains(said, "cannot write to "), PATIENCE_MS));
	journal = open_journal();
	ck_assert_int_gt(recv(journal, entry, sizeof(entry), 0), 0);
	ck_assert_uint_eq(access_dropped(), 0);
	ck_assert(wait_until(contains(said, "written again"), PATIENCE_MS));
	for (; access_dropped() < 10; written++) /* a journald that does not read */
		write_line(queue);
	for (; lines + access_dropped() < written; lines++)
		ck_assert_int_gt(recv(journal, entry, sizeof(entry), 0), 0);
	ck_assert_int_lt(recv(journal, entry, sizeof(entry), MSG_DONTWAIT), 0);
	stop_log();
	close(journal);
	unlink(journal_path);
}
END_TEST

SUITE_OF("access log", 60, ONCE(text_says_who_where_why_and_how_much),
	 ONCE(json_has_a_member_for_everything_known),
	 ONCE(json_strings_are_valid_whatever_a_name_holds),
	 ONCE(the_longest_record_fits_in_every_format),
	 ONCE(who_was_refused_has_a_record_of_few_fields_and_none_where_a_line_is_a_connection),
	 ONCE(a_journal_entry_has_fields_and_no_value_can_add_one),
	 ONCE(lines_reach_a_file_soon_with_the_time_in_front),
	 ONCE(renamed_and_opened_anew_again_and_again_not_a_line_is_lost),
	 ONCE(opening_anew_that_fails_keeps_the_old_file_and_says_so),
	 ONCE(a_target_that_cannot_be_opened_is_an_error_and_leaves_the_log_off),
	 ONCE(lines_of_several_workers_in_one_file_do_not_mix),
	 ONCE(a_pipe_nobody_reads_costs_lines_and_never_time),
	 EACH(a_standard_error_nobody_reads_costs_lines_and_never_time, 2),
	 ONCE(a_reader_that_is_gone_for_a_while_misses_nothing_that_the_queue_holds),
	 ONCE(a_full_disk_is_told_when_it_begins_and_what_it_cost_is_counted_at_the_end),
	 EACH(a_log_that_cannot_be_written_is_told_in_the_access_log, 2),
	 ONCE(standard_error_in_a_file_is_shared_with_the_log),
	 ONCE(the_journal_gets_each_entry_and_one_that_is_started_anew_what_waited))
