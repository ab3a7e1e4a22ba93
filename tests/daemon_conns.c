/* Connections of a daemon that runs: listed, explained, and ended by an operator. */
#include "support/assert.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/server.h"
#include "support/suite.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX (1 << 20)

static char front[32], control[200], reader[200];

static struct daemon *serve(const struct daemon_mode *mode, const char *sections)
{
	snprintf(front, sizeof(front), "127.0.0.1:%u", port_reserve());
	snprintf(control, sizeof(control), "unix:%s/control.sock", suite_dir());
	snprintf(reader, sizeof(reader), "unix:%s/reader.sock", suite_dir());
	return daemon_start(mode,
			    "%s\nlisten = %s\n[control]\nlisten = %s\nlisten = %s read_only\n",
			    sections, front, control, reader);
}

static int connect_front(void)
{
	int fd = peer_connect(front);

	assert_connected(fd);
	ck_assert(peer_echoes(fd));
	return fd;
}

/* "GET /v1/connections": the answer with its head. */
static char *ask(const char *socket, const char *what)
{
	char *answer = calloc(1, ANSWER_MAX), request[600];
	int fd = peer_connect(socket);

	ck_assert_ptr_nonnull(answer);
	assert_connected(fd);
	snprintf(request, sizeof(request),
		 "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", what);
	(void)peer_send_text(fd, request);
	(void)peer_receive_text(fd, answer, ANSWER_MAX, NULL);
	close(fd);
	return answer;
}

static void expect(const char *what, const char *status, const char *contains)
{
	char *answer = ask(control, what);

	ck_assert_msg(!strncmp(answer + 9, status, 3) && strstr(answer, contains), "%s\n--- %.900s",
		      what, answer);
	free(answer);
}

/* The number behind "name": in a text, or -1; *text goes on behind it. */
static int64_t next_number(const char **text, const char *name)
{
	char key[40];
	const char *found;

	snprintf(key, sizeof(key), "\"%s\":", name);
	found = strstr(*text, key);
	if (!found)
		return -1;
	*text = found + strlen(key);
	return strncmp(*text, "null", 4) == 0 ? -1 : (int64_t)strtoull(*text, NULL, 10);
}

static int64_t number_of(const char *what, const char *name)
{
	char *answer = ask(control, what);
	const char *text = answer;
	int64_t number = next_number(&text, name);

	free(answer);
	return number;
}

/* ---- Looking --------------------------------------------------------------------------------- */

START_TEST(pages_list_each_connection_once)
{
	enum { COUNT = 50, IDS = 1000 };
	struct daemon *daemon = serve(&daemon_modes[_i], "[echo]");
	int fds[COUNT], seen[IDS] = {0}, rows = 0;
	char what[100] = "GET /v1/connections?limit=7&proxy=echo";
	int64_t next, id;

	for (int i = 0; i < COUNT; i++)
		fds[i] = connect_front();
	do {
		char *answer = ask(reader, what);
		const char *text = answer;

		next = next_number(&text, "next");
		while ((id = next_number(&text, "id")) >= 0) {
			ck_assert_int_lt(id, IDS);
			seen[id]++;
			rows++;
		}
		free(answer);
		snprintf(what, sizeof(what),
			 "GET /v1/connections?limit=7&proxy=echo&after=%" PRId64, next);
	} while (next >= 0);
	ck_assert_int_eq(rows, COUNT);
	for (int i = 0; i < IDS; i++)
		ck_assert_int_le(seen[i], 1);
	ck_assert_int_eq(number_of("GET /v1/connections?limit=1", "matched"), COUNT);
	ck_assert_int_eq(number_of("GET /v1/connections?client=127.0.0.0/8", "matched"), COUNT);
	ck_assert_int_eq(number_of("GET /v1/connections?client=10.0.0.0/8", "matched"), 0);
	ck_assert_int_eq(number_of("GET /v1/connections?state=connecting", "matched"), 0);
	expect("GET /v1/connections?sort=age&limit=3", "200", "\"next\":null");
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	daemon_stop(daemon);
}
END_TEST

START_TEST(a_connection_says_why_it_does_not_get_on)
{
	struct server *server = server_start(NULL, server_flood, NULL);
	const char *black_hole = black_hole_address();
	char sections[200], what[100];
	struct daemon *daemon;
	int64_t id;
	int fd;

	snprintf(sections, sizeof(sections), "[proxy web]\nserver = %s", server_address(server));
	daemon = serve(&daemon_modes[_i], sections);
	fd = peer_connect_small(front);
	assert_connected(fd);
	do
		id = number_of("GET /v1/connections", "id");
	while (id < 0);
	snprintf(what, sizeof(what), "GET /v1/connections/%" PRId64 "/why", id);
	for (bool waits = false; !waits;) {
		char *answer = ask(control, what);

		ck_assert_msg(!strncmp(answer + 9, "200", 3), "%s", answer);
		waits = strstr(answer, "waiting for the client to read, ") != NULL;
		ck_assert(!waits || strstr(answer, "\"limit\":\"idle_timeout\""));
		free(answer);
	}
	snprintf(what, sizeof(what), "GET /v1/connections/%" PRId64, id);
	expect(what, "200", server_address(server));
	peer_reset(fd);
	daemon_stop(daemon);
	server_stop(server);

	snprintf(sections, sizeof(sections), "[proxy web]\nserver = %s", black_hole);
	daemon = serve(&daemon_modes[_i], sections);
	fd = peer_connect(front);
	assert_connected(fd);
	do
		id = number_of("GET /v1/connections?state=connecting", "id");
	while (id < 0);
	snprintf(what, sizeof(what), "GET /v1/connections/%" PRId64 "/why", id);
	snprintf(sections, sizeof(sections), "\"why\":\"connecting to %s for ", black_hole);
	expect(what, "200", sections);
	peer_reset(fd);
	daemon_stop(daemon);
}
END_TEST

/* ---- Ending ---------------------------------------------------------------------------------- */

START_TEST(a_connection_that_is_killed_has_a_reason_of_its_own)
{
	struct daemon *daemon = serve(&daemon_modes[_i], "[echo]");
	int fd = connect_front(), other = connect_front();
	int64_t id = number_of("GET /v1/connections?limit=1", "id");
	char what[100], by[100];

	snprintf(what, sizeof(what), "DELETE /v1/connections/%" PRId64, id);
	expect(what, "200", "{\"killed\":1}");
	/* Whichever it was: it ends for its client, and the other goes on. */
	ck_assert_int_ne(peer_wait_end(fd, 100) == PEER_SILENT,
			 peer_wait_end(other, 100) == PEER_SILENT);
	expect(what, "404", "\"no_such_connection\"");
	snprintf(by, sizeof(by), "an operator ended it (user %u, process %d)", getuid(), getpid());
	daemon_wait_log(daemon, by);
	snprintf(by, sizeof(by), "1 connection ended for user %u (process %d", getuid(), getpid());
	ck_assert(daemon_log_contains(daemon, by));
	close(fd);
	close(other);
	daemon_signal(daemon, SIGTERM);
	ck_assert_int_eq(daemon_wait_exit(daemon), 0);
	ck_assert(daemon_log_contains(daemon, " killed=1"));
	daemon_free(daemon);
}
END_TEST

START_TEST(many_are_killed_only_if_they_are_no_more_than_confirmed)
{
	enum { COUNT = 150 };
	struct daemon *daemon = serve(&daemon_modes[_i], "[echo]");
	int fds[COUNT];

	for (int i = 0; i < COUNT; i++)
		fds[i] = connect_front();
	expect("DELETE /v1/connections", "400", "\"filter\"");
	expect("DELETE /v1/connections?confirm=1000", "400", "\"filter\"");
	expect("DELETE /v1/connections?proxy=echo", "409", "say confirm=150 to end them");
	expect("DELETE /v1/connections?proxy=echo&confirm=149", "409", "150 connections are meant");
	expect("DELETE /v1/connections?proxy=other&confirm=9", "200", "{\"killed\":0}");
	ck_assert_int_eq(number_of("GET /v1/connections", "matched"), COUNT);
	expect("DELETE /v1/connections?client=127.0.0.1&proxy=echo&confirm=150", "200",
	       "{\"killed\":150}");
	for (int i = 0; i < COUNT; i++) {
		ck_assert_int_ne(peer_wait_end(fds[i], PEER_PATIENCE_MS), PEER_SILENT);
		close(fds[i]);
	}
	expect("GET /v1/connections", "200", "\"matched\":0");
	daemon_stop(daemon);
}
END_TEST

START_TEST(what_is_wrong_is_refused_in_words)
{
	static const struct {
		const char *what, *status, *contains;
	} wrong[] = {
		{"GET /v1/connections?prxy=web", "400", "the query may not have 'prxy'"},
		{"GET /v1/connections?proxy=a&proxy=b", "400", "proxy is given twice"},
		{"GET /v1/connections?proxy", "400", "\"argument\""},
		{"GET /v1/connections?confirm=1", "400", "\"argument\""},
		{"GET /v1/connections?proxy=a%0ab", "400", "\"argument\""},
		{"GET /v1/connections?limit=1000000", "400", "1 to 1000"},
		{"GET /v1/connections?after=-1", "400", "\"argument\""},
		{"GET /v1/connections?client=%00", "400", "\"argument\""},
		{"GET /v1/connections/0?x=1", "400", "\"argument\""},
		{"DELETE /v1/connections?state=relaying&confirm=x", "400", "\"argument\""},
		{"DELETE /v1/connections?limit=1&confirm=1", "400", "\"argument\""},
		{"GET /v1/connections/", "404", "\"error\""},
		{"GET /v1/connections/x", "404", "there is no connection x"},
		{"GET /v1/connections/99999999999999999999999999", "404", "\"no_such_connection\""},
		{"GET /v1/connections/18446744073709551615/why", "404", "\"no_such_connection\""},
		{"DELETE /v1/connections/12345", "404", "there is no connection 12345"},
		{"DELETE /v1/connections/0/why", "405", "Allow: GET"},
		{"POST /v1/connections", "405", "Allow: GET, DELETE"},
		{"GET /v1/connections/0/why/why", "404", "\"no_such_path\""},
	};
	struct daemon *daemon = serve(&daemon_modes[0], "[echo]");
	char *answer;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect(wrong[i].what, wrong[i].status, wrong[i].contains);
	answer = ask(reader, "DELETE /v1/connections?proxy=echo&confirm=1");
	ck_assert_msg(strstr(answer, "\"read_only\""), "%s", answer);
	free(answer);
	close(connect_front());
	daemon_stop(daemon);
}
END_TEST

/* ---- Commands -------------------------------------------------------------------------------- */

static void expect_run(int status, const char *contains, const char *const arguments[])
{
	const char *argv[12] = {getenv("URINGPROXY"), "-s", control + 5};
	char *output;
	int r;

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 3] = arguments[i];
	r = child_run(&(struct child_options){.argv = argv}, PEER_PATIENCE_MS, &output);
	ck_assert_msg(r == status && strstr(output, contains), "%s: %d\n%s", arguments[0], r,
		      output);
	free(output);
}
#define RUN(...)                                                                                   \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

START_TEST(commands_list_explain_and_end_them)
{
	struct daemon *daemon = serve(&daemon_modes[0], "[echo]");
	int fds[5];
	char id[24];

	for (int i = 0; i < 5; i++)
		fds[i] = connect_front();
	snprintf(id, sizeof(id), "%" PRId64, number_of("GET /v1/connections", "id"));
	expect_run(0, "ID  PROXY  CLIENT ", RUN("conns"));
	expect_run(0, "  echo   127.0.0.1:", RUN("conns", "--proxy=echo", "--state=relaying"));
	expect_run(0, "\n... of 5\n", RUN("conns", "--limit=2", "--sort=age"));
	expect_run(0, "\"matched\": 5", RUN("conns", "--json"));
	expect_run(1, "is not an address, ADDRESS:PORT", RUN("conns", "--client=300.1.1.1"));
	expect_run(64, "it is `uringproxy conns ", RUN("conns", "--limit=0"));
	expect_run(0, "  proxy     echo, at 127.0.0.1:", RUN("why", id));
	expect_run(0, "\"limit\": \"idle_timeout\"", RUN("why", id, "--json"));
	expect_run(4, "there is no connection 4711", RUN("why", "4711"));
	expect_run(0, "1 connection is ended\n", RUN("kill", id));
	expect_run(4, "there is no connection ", RUN("kill", id));
	expect_run(64, "it is `uringproxy kill ", RUN("kill"));
	expect_run(64, "it is `uringproxy kill ", RUN("kill", id, "--proxy=echo"));
	expect_run(64, "it is `uringproxy kill ", RUN("kill", "../status"));
	expect_run(1, "4 connections are meant; say --confirm=4 to end them",
		   RUN("kill", "--client=127.0.0.1"));
	expect_run(1, "4 connections are meant, and 3 are confirmed",
		   RUN("kill", "--proxy=echo", "--confirm=3"));
	expect_run(4, "there is no such connection", RUN("kill", "--proxy=a&b"));
	expect_run(0, "{\n  \"killed\": 4\n}\n",
		   RUN("kill", "--proxy=echo", "--confirm=4", "--json"));
	for (int i = 0; i < 5; i++)
		close(fds[i]);
	daemon_stop(daemon);
	expect_run(3, "is the daemon running?", RUN("conns"));
}
END_TEST

SUITE_OF("daemon: connections", 120, IN_EACH_MODE(pages_list_each_connection_once),
	 IN_EACH_MODE(a_connection_says_why_it_does_not_get_on),
	 IN_EACH_MODE(a_connection_that_is_killed_has_a_reason_of_its_own),
	 IN_EACH_MODE(many_are_killed_only_if_they_are_no_more_than_confirmed),
	 ONCE(what_is_wrong_is_refused_in_words), ONCE(commands_list_explain_and_end_them))
