/* What the subcommands make of answers, whole and broken. */
#include "control/client.h"
#include "support/peer.h"
#include "support/suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

/* A daemon that says the same to whoever asks, once. */
struct canned {
	pthread_t thread;
	int listener;
	char path[200], asked[1000];
	const char *answer;
};

static void *answer_one(void *argument)
{
	struct canned *canned = argument;
	int fd = accept(canned->listener, NULL, NULL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(peer_receive_text(fd, canned->asked, sizeof(canned->asked), "\r\n\r\n"),
			 0);
	(void)peer_send_text(fd, canned->answer);
	close(fd);
	return NULL;
}

static void open_canned(struct canned *canned, const char *answer)
{
	char address[220];

	*canned = (struct canned){.answer = answer};
	snprintf(canned->path, sizeof(canned->path), "%s/canned", suite_dir());
	unlink(canned->path);
	snprintf(address, sizeof(address), "unix:%s", canned->path);
	canned->listener = peer_listen(address, 1);
	ck_assert_int_ge(canned->listener, 0);
	ck_assert_int_eq(pthread_create(&canned->thread, NULL, answer_one, canned), 0);
}

static void close_canned(struct canned *canned)
{
	pthread_join(canned->thread, NULL);
	close(canned->listener);
}

START_TEST(an_answer_has_its_status_and_all_of_its_body)
{
	static const struct {
		const char *answer;
		unsigned status;
		const char *body;
	} cases[] = {
		{HEAD "Content-Length: 5\r\n\r\nhallo", 200, "hallo"},
		{HEAD "\r\nto the end", 200, "to the end"},
		{HEAD "\r\n", 200, ""},
		{"HTTP/1.0 404 Not Found\r\n\r\n{}", 404, "{}"},
	};
	struct client_answer answer;
	struct canned canned;

	for (size_t i = 0; i < array_size(cases); i++) {
		open_canned(&canned, cases[i].answer);
		ck_assert_int_eq(
			client_ask(canned.path, "POST", "/v1/x?y=1", "{\"a\": 1}", &answer), 0);
		close_canned(&canned);
		ck_assert_uint_eq(answer.status, cases[i].status);
		ck_assert_str_eq(answer.body, cases[i].body);
		ck_assert_uint_eq(answer.size, strlen(cases[i].body));
		ck_assert(!strncmp(canned.asked, "POST /v1/x?y=1 HTTP/1.0\r\n", 25));
		ck_assert_ptr_nonnull(strstr(canned.asked, "Content-Length: 8\r\n"));
		free(answer.body);
	}
}
END_TEST

START_TEST(what_is_no_answer_is_an_error)
{
	static const char *const cases[] = {
		"",
		"SSH-2.0-OpenSSH_9\r\n",
		"HTTP/1.1 200 OK\r\nContent-Le",
		HEAD "Content-Length: 6\r\n\r\nhallo",
		"HTTP/1.1 99999 OK\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
	};
	struct client_answer answer;
	struct canned canned;

	for (size_t i = 0; i < array_size(cases); i++) {
		open_canned(&canned, cases[i]);
		ck_assert_int_eq(client_ask(canned.path, "GET", "/", NULL, &answer), -EBADMSG);
		close_canned(&canned);
	}
}
END_TEST

static char lines[1000];
static char nothing[] = "nothing", two[] = "two";

static bool take_line(void *owner, const char *line)
{
	strcat(strcat(lines, line), "|");
	return strcmp(line, owner) != 0;
}

START_TEST(a_stream_is_handed_out_line_by_line_until_it_is_enough)
{
	struct client_answer answer;
	struct canned canned;

	lines[0] = 0;
	open_canned(&canned, HEAD "\r\none\n\ntwo\nthree\nnot a whole one");
	ck_assert_int_eq(client_follow(canned.path, "/x", take_line, nothing, &answer), 0);
	close_canned(&canned);
	ck_assert_str_eq(lines, "one||two|three|");
	free(answer.body);

	lines[0] = 0;
	open_canned(&canned, HEAD "\r\none\n\ntwo\nthree\n");
	ck_assert_int_eq(client_follow(canned.path, "/x", take_line, two, &answer), 0);
	close_canned(&canned);
	ck_assert_str_eq(lines, "one||two|");
	free(answer.body);

	/* Why not, of one that is refused, is no line of it. */
	lines[0] = 0;
	open_canned(&canned, "HTTP/1.1 404 Not Found\r\n\r\n{\n}\n");
	ck_assert_int_eq(client_follow(canned.path, "/x", take_line, nothing, &answer), 0);
	close_canned(&canned);
	ck_assert_str_eq(lines, "");
	ck_assert_uint_eq(answer.status, 404);
	ck_assert_str_eq(answer.body, "{\n}\n");
	free(answer.body);
}
END_TEST

START_TEST(a_socket_that_cannot_be_asked_is_the_error_of_connect)
{
	struct client_answer answer;
	char path[300];

	snprintf(path, sizeof(path), "%s/none", suite_dir());
	ck_assert_int_eq(client_ask(path, "GET", "/", NULL, &answer), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	ck_assert_int_eq(client_ask(path, "GET", "/", NULL, &answer), -ENAMETOOLONG);
	ck_assert_int_eq(client_cannot("x", -ENOENT), 3);
}
END_TEST

SUITE("control client", an_answer_has_its_status_and_all_of_its_body, what_is_no_answer_is_an_error,
      a_stream_is_handed_out_line_by_line_until_it_is_enough,
      a_socket_that_cannot_be_asked_is_the_error_of_connect)
