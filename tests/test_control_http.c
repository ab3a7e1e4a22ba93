/* Being asked over HTTP: what reaches the handler, what is refused before it, and who may go when.
 */
#include "control/http.h"
#include "control/http_rules.h"
#include "ops/log.h"
#include "support/peer.h"
#include "support/suite.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX (512 << 10)
#define CLOSE      "Connection: close\r\n"

/*
 * A main thread with a server, played by a thread: what a request is answered depends on its path.
 *
 *   /echo      what was asked             /keep      nothing yet
 *   /answer    answers the kept one       /stream    kept, as a stream
 *   /push      ?text= into it             /fill      into it until there is no room
 *   /hurry     nothing, with 1 ms of patience
 */
struct stage {
	pthread_t thread;
	char address[200];
	int listener, stop_fd, ready_fd;
	bool read_only;
	struct events *events;
	struct http *http;
	struct http_request *kept;
	bool streaming;
	unsigned gone;
	int gone_fd; /* an eventfd: a stream's client is gone */
};

static void echo(struct http_request *request)
{
	size_t room = request->body_size + 4096, used;
	char *text = malloc(room);

	ck_assert_ptr_nonnull(text);
	used = (size_t)snprintf(text, room, "%s %s", request->method, request->path);
	for (size_t i = 0; i < request->argument_count; i++)
		used += (size_t)snprintf(text + used, room - used, " [%s=%s]",
					 request->arguments[i].name, request->arguments[i].value);
	used += (size_t)snprintf(text + used, room - used, " uid=%d pid=%d comm=%s body=%zu:",
				 request->peer.known ? (int)request->peer.uid : -1,
				 (int)request->peer.pid, request->peer.comm, request->body_size);
	memcpy(text + used, request->body, request->body_size);
	http_header(request, "X-Test", "yes");
	http_give(request, 200, "text/plain", text, used + request->body_size);
}

static void on_gone(void *owner)
{
	struct stage *stage = owner;

	stage->gone++;
	stage->kept = NULL;
	stage->streaming = false;
	(void)!write(stage->gone_fd, &(uint64_t){1}, 8);
}

static void fill(struct stage *stage)
{
	char event[1000];
	uint64_t pushed = 0, lost = stage->kept ? http_lost(stage->kept) : 0;

	memset(event, 'x', sizeof(event));
	memcpy(event, "data: ", 6);
	memcpy(event + sizeof(event) - 2, "\n\n", 2);
	/* What the socket takes goes on its way meanwhile. */
	while (stage->kept && http_lost(stage->kept) < lost + 10 && pushed < 100000)
		pushed += http_push(stage->kept, event, sizeof(event)) == 0;
}

static bool say(struct http_request *request, const char *text)
{
	http_answer(request, 200, "text/plain", text, strlen(text));
	return true;
}

static bool stage_stream(struct stage *stage, struct http_request *request)
{
	const char *path = request->path, *text = http_argument(request, "text");

	if (!strcmp(path, "/stream")) {
		ck_assert_int_eq(http_stream(request, "text/event-stream", on_gone, stage), 0);
		stage->kept = request;
		return stage->streaming = true;
	}
	if (!strcmp(path, "/push")) {
		if (stage->kept)
			(void)http_push(stage->kept, text, strlen(text));
		return say(request, stage->kept ? "pushed" : "nobody");
	}
	if (!strcmp(path, "/fill")) {
		fill(stage);
		return say(request, "filled");
	}
	if (!strcmp(path, "/end")) {
		http_stream_end(stage->kept);
		stage->kept = NULL;
		stage->streaming = false;
		return say(request, "ended");
	}
	return false;
}

/* Instead of the one before. */
static void keep(struct stage *stage, struct http_request *request)
{
	if (stage->kept)
		(void)say(stage->kept, "instead");
	stage->kept = request;
}

static void on_request(void *owner, struct http_request *request)
{
	struct stage *stage = owner;

	if (stage_stream(stage, request))
		return;
	if (!strcmp(request->path, "/keep")) {
		keep(stage, request);
	} else if (!strcmp(request->path, "/hurry")) {
		keep(stage, request);
		http_extend(request, 1);
	} else if (!strcmp(request->path, "/answer")) {
		if (stage->kept)
			(void)say(stage->kept, "late");
		stage->kept = NULL;
		(void)say(request, "done");
	} else if (!strcmp(request->path, "/none")) {
		http_error(request, 404, "no_such_thing", "there is no \"\x01\xc3\xa4\"", "a\\b");
	} else {
		echo(request);
	}
}

static void on_stop(void *owner, uint32_t ready)
{
	struct stage *stage = owner;

	(void)ready;
	events_stop(stage->events);
}

static void *play(void *argument)
{
	struct stage *stage = argument;
	struct http_listener listener = {
		.fd = stage->listener, .text = "here.example:9", .read_only = stage->read_only};
	struct event *stop;

	ck_assert_int_eq(events_open(&stage->events), 0);
	ck_assert_int_eq(events_add_descriptor(stage->events, &stop, stage->stop_fd, EPOLLIN,
					       on_stop, stage),
			 0);
	ck_assert_int_eq(
		http_open(&stage->http, "asked", &listener, 1, stage->events, on_request, stage),
		0);
	(void)!write(stage->ready_fd, &(uint64_t){1}, 8);
	events_run(stage->events);
	http_close(stage->http);
	if (stage->kept && !stage->streaming)
		(void)say(stage->kept, "too late");
	events_remove(stop);
	events_close(stage->events);
	return NULL;
}

static void await(int fd)
{
	uint64_t count;

	ck_assert_int_eq(read(fd, &count, sizeof(count)), sizeof(count));
}

static void open_stage(struct stage *stage, const char *address, bool read_only)
{
	log_open(LOG_LEVEL_ERROR);
	*stage = (struct stage){.read_only = read_only};
	snprintf(stage->address, sizeof(stage->address), "%s", address);
	stage->listener = peer_listen(address, 512);
	ck_assert_int_ge(stage->listener, 0);
	stage->stop_fd = eventfd(0, EFD_CLOEXEC);
	stage->ready_fd = eventfd(0, EFD_CLOEXEC);
	stage->gone_fd = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&stage->thread, NULL, play, stage), 0);
	await(stage->ready_fd);
}

static void open_unix(struct stage *stage)
{
	char address[200];

	snprintf(address, sizeof(address), "unix:%s/socket", suite_dir());
	unlink(address + 5);
	open_stage(stage, address, false);
}

static void close_stage(struct stage *stage)
{
	(void)!write(stage->stop_fd, &(uint64_t){1}, 8);
	pthread_join(stage->thread, NULL);
	close(stage->listener);
	close(stage->stop_fd);
	close(stage->ready_fd);
	close(stage->gone_fd);
}

/* ---- A client -------------------------------------------------------------------------------- */

static int begin(const struct stage *stage, const char *text)
{
	int fd = peer_connect(stage->address);

	ck_assert_int_ge(fd, 0);
	(void)peer_send_text(fd, text); /* who is refused may be told before it has sent all */
	return fd;
}

/* All that comes until the end, to be freed. */
static char *finish(int fd)
{
	char *answer = calloc(1, ANSWER_MAX);

	ck_assert_ptr_nonnull(answer);
	(void)peer_receive_text(fd, answer, ANSWER_MAX, NULL);
	close(fd);
	return answer;
}

static void expect(const struct stage *stage, const char *text, const char *begins,
		   const char *contains)
{
	char *answer = finish(begin(stage, text));

	ck_assert_msg(!strncmp(answer, begins, strlen(begins)) && strstr(answer, contains),
		      "to %.200s\n--- %.600s\n--- instead of %s ... %s", text, answer, begins,
		      contains);
	free(answer);
}

static void still_answers(const struct stage *stage)
{
	expect(stage, "GET /still HTTP/1.1\r\nHost: localhost\r\n" CLOSE "\r\n", "HTTP/1.1 200",
	       "GET /still");
}

/* ---- What is asked and answered -------------------------------------------------------------- */

START_TEST(a_request_reaches_the_handler_with_all_its_parts)
{
	struct stage stage;
	char peer[80];

	open_unix(&stage);
	snprintf(peer, sizeof(peer), "uid=%d pid=%d comm=", (int)getuid(), (int)getpid());
	expect(&stage, "GET /a/b%20c?x=1&y&z=%41+b HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
	       "HTTP/1.1 200", "GET /a/b c [x=1] [y=] [z=A b] ");
	expect(&stage, "GET / HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", peer);
	expect(&stage, "POST /v1/x HTTP/1.1\r\nHost: x\r\n" CLOSE "Content-Length: 5\r\n\r\nhallo",
	       "HTTP/1.1 200", "body=5:hallo");
	expect(&stage,
	       "PUT /v1/x HTTP/1.1\r\nHost: x\r\n" CLOSE
	       "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
	       "HTTP/1.1 200", "PUT /v1/x uid");
	expect(&stage, "GET / HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", "X-Test: yes");
	expect(&stage, "GET /x HTTP/1.0\r\n\r\n", "HTTP/1.", "GET /x");
	close_stage(&stage);
}
END_TEST

START_TEST(an_error_is_JSON_whatever_is_in_its_words)
{
	struct stage stage;

	open_unix(&stage);
	expect(&stage, "GET /none HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 404",
	       "\r\n\r\n{\"error\": {\"code\": \"no_such_thing\", \"message\": \"there is no "
	       "\\\"\?\?\?\\\"\", \"hint\": \"a\\\\b\"}}\n");
	close_stage(&stage);
}
END_TEST

START_TEST(HEAD_is_answered_without_the_body)
{
	struct stage stage;
	char *answer;

	open_unix(&stage);
	answer = finish(begin(&stage, "HEAD /x HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"));
	ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
	ck_assert_str_eq(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
	free(answer);
	close_stage(&stage);
}
END_TEST

START_TEST(a_zero_in_a_path_does_not_end_it)
{
	struct stage stage;

	open_unix(&stage);
	expect(&stage, "GET /keep%00x HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200",
	       "GET /keep\x01x ");
	close_stage(&stage);
}
END_TEST

START_TEST(requests_one_behind_the_other_are_answered_in_order)
{
	struct stage stage;
	char *answer, *first, *second;

	open_unix(&stage);
	answer = finish(begin(&stage, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
				      "GET /2 HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"));
	first = strstr(answer, "GET /1 ");
	second = strstr(answer, "GET /2 ");
	ck_assert_msg(first && second && first < second, "%s", answer);
	free(answer);
	close_stage(&stage);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------- */

static char *repeat(const char *before, char letter, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + count + strlen(after) + 1);

	ck_assert_ptr_nonnull(text);
	strcpy(text, before);
	memset(text + strlen(before), letter, count);
	strcpy(text + strlen(before) + count, after);
	return text;
}

START_TEST(what_is_no_HTTP_harms_nobody)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
		{"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400"},
		{"GET /\r\n\r\n", "HTTP/1."},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1."},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""},
		{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
		 "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
		 ""},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", ""},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		 ""},
		{"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ""},
		{"\r\n\r\n\r\n", ""},
		{"GET", ""},
		{"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n", ""},
	};
	struct stage stage;
	char *text;

	open_unix(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = begin(&stage, cases[i].text);
		char *answer;

		shutdown(fd, SHUT_WR);
		answer = finish(fd);
		ck_assert_msg(!strncmp(answer, cases[i].answer, strlen(cases[i].answer)) &&
				      !strstr(answer, "smuggled"),
			      "to %s\n--- %s", cases[i].text, answer);
		free(answer);
		still_answers(&stage);
	}
	text = repeat("GET / HTTP/1.1\r\nHost: x\r\nX: ", 'x', 40000, "\r\n\r\n");
	expect(&stage, text, "HTTP/1.1 431", "");
	free(text);
	text = repeat("GET /", 'x', 1 << 20, " HTTP/1.1\r\nHost: x\r\n\r\n");
	expect(&stage, text, "", "");
	free(text);
	still_answers(&stage);
	close_stage(&stage);
}
END_TEST

START_TEST(a_body_may_have_64_KiB)
{
	static const char chunked[] = "POST / HTTP/1.1\r\nHost: x\r\n" CLOSE
				      "Transfer-Encoding: chunked\r\n\r\n100000\r\n";
	static const struct {
		unsigned size;
		const char *answer;
	} cases[] = {{65536, "HTTP/1.1 200"}, {65537, "HTTP/1.1 413"}, {1 << 20, "HTTP/1.1 413"}};
	struct stage stage;
	char head[200], *text;

	open_unix(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(head, sizeof(head),
			 "POST / HTTP/1.1\r\nHost: x\r\n" CLOSE "Content-Length: %u\r\n\r\n",
			 cases[i].size);
		text = repeat(head, 'x', cases[i].size, "");
		expect(&stage, text, cases[i].answer, "");
		free(text);
	}
	text = repeat(chunked, 'x', 1 << 20, "\r\n0\r\n\r\n");
	expect(&stage, text, "HTTP/1.1 413", "too_long");
	free(text);
	expect(&stage,
	       "POST / HTTP/1.1\r\nHost: x\r\n" CLOSE
	       "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
	       "HTTP/1.1 413", "too_long");
	expect(&stage, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
	       "HTTP/1.1 413", "too_long");
	still_answers(&stage);
	close_stage(&stage);
}
END_TEST

START_TEST(a_query_may_have_32_arguments)
{
	struct stage stage;
	char text[1000] = "GET /?a";

	open_unix(&stage);
	for (int i = 0; i < 31; i++)
		strcat(text, "&a");
	expect(&stage, strcat(text, " HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"), "HTTP/1.1 200", "");
	*strstr(text, " HTTP") = 0;
	expect(&stage, strcat(text, "&a HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n"), "HTTP/1.1 400",
	       "query");
	close_stage(&stage);
}
END_TEST

/* 0: not refused. */
static unsigned refused(struct http_claim claim)
{
	const struct http_refusal *refusal;

	claim.method = claim.method ? claim.method : "GET";
	claim.listen = "192.0.2.7:9099";
	claim.here = "[2001:db8::1]:9099";
	claim.name = "machine";
	refusal = http_refuse(&claim);
	return refusal ? refusal->status : 0;
}

START_TEST(a_page_from_elsewhere_is_refused)
{
	static const char *const good[] = {
		"localhost", "LocalHost:9099", "127.0.0.1",       "127.0.0.1:9099",
		"[::1]",     "[::1]:9099",     "192.0.2.7",       "192.0.2.7:9099",
		"machine",   "MACHINE:1",      "[2001:db8::1]:9", "[2001:DB8::1]:9099",
	};
	static const char *const bad[] = {
		"evil.example",
		"localhost.evil.example",
		"127.0.0.1.evil.example:9099",
		"",
		":9099",
		"127.0.0.2",
		"machine.evil.example",
		"[::2]",
		"[",
		"[::1",
		"::1",
		"192.0.2.70",
	};

	for (size_t i = 0; i < array_size(good); i++)
		ck_assert_msg(!refused((struct http_claim){.host = good[i]}), "%s", good[i]);
	for (size_t i = 0; i < array_size(bad); i++)
		ck_assert_msg(refused((struct http_claim){.host = bad[i]}) == 403, "%s", bad[i]);
	ck_assert_uint_eq(refused((struct http_claim){.host = NULL}), 403);
	ck_assert_uint_eq(
		refused((struct http_claim){.host = "localhost:1", .origin = "http://localhost:1"}),
		0);
	ck_assert_uint_eq(
		refused((struct http_claim){.host = "localhost:1", .origin = "http://localhost:2"}),
		403);
	ck_assert_uint_eq(refused((struct http_claim){.host = "localhost", .origin = "null"}), 403);
	ck_assert_uint_eq(
		refused((struct http_claim){.host = "localhost", .origin = "http://evil.example"}),
		403);
	ck_assert_uint_eq(refused((struct http_claim){.local = true, .host = "docker"}), 0);
	ck_assert_uint_eq(refused((struct http_claim){.local = true}), 0);
	ck_assert_uint_eq(refused((struct http_claim){.local = true,
						      .host = "localhost",
						      .origin = "http://localhost"}),
			  403);
}
END_TEST

START_TEST(a_socket_for_reading_takes_GET_and_HEAD)
{
	static const struct {
		const char *method;
		unsigned status;
	} cases[] = {{"GET", 0},      {"HEAD", 0},    {"POST", 403}, {"PUT", 403},
		     {"DELETE", 403}, {"PATCH", 403}, {"get", 403},  {"OPTIONS", 403}};
	struct stage stage;
	char address[200];

	for (size_t i = 0; i < array_size(cases); i++)
		ck_assert_uint_eq(refused((struct http_claim){.local = true,
							      .read_only = true,
							      .method = cases[i].method}),
				  cases[i].status);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port_reserve());
	open_stage(&stage, address, true);
	expect(&stage, "POST / HTTP/1.1\r\nHost: localhost\r\n" CLOSE "Content-Length: 0\r\n\r\n",
	       "HTTP/1.1 403", "\"read_only\"");
	expect(&stage, "GET / HTTP/1.1\r\nHost: here.example\r\n" CLOSE "\r\n", "HTTP/1.1 200",
	       "uid=-1");
	expect(&stage, "GET / HTTP/1.1\r\nHost: evil.example\r\n" CLOSE "\r\n", "HTTP/1.1 403",
	       "\"host\"");
	expect(&stage,
	       "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n" CLOSE "\r\n",
	       "HTTP/1.1 403", "\"origin\"");
	close_stage(&stage);
}
END_TEST

/* ---- Who waits, and who goes ----------------------------------------------------------------- */

START_TEST(who_waits_for_an_answer_keeps_nobody_else_waiting)
{
	struct stage stage;
	char *answer;
	int fd;

	open_unix(&stage);
	fd = begin(&stage, "GET /keep HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n");
	still_answers(&stage);
	expect(&stage, "GET /answer HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", "done");
	answer = finish(fd);
	ck_assert_ptr_nonnull(strstr(answer, "late"));
	free(answer);
	close_stage(&stage);
}
END_TEST

START_TEST(what_is_not_answered_in_time_is_answered_503)
{
	struct stage stage;

	open_unix(&stage);
	expect(&stage, "GET /hurry HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 503",
	       "\"timeout\"");
	/* Who has the request may answer it still. */
	expect(&stage, "GET /answer HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", "done");
	still_answers(&stage);
	close_stage(&stage);
}
END_TEST

START_TEST(a_client_may_go_before_its_answer)
{
	struct stage stage;

	open_unix(&stage);
	for (int i = 0; i < 20; i++) {
		close(begin(&stage, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n"));
		still_answers(&stage);
		expect(&stage, "GET /answer HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200",
		       "done");
	}
	close_stage(&stage);
}
END_TEST

START_TEST(a_stop_answers_who_waits)
{
	struct stage stage;
	char *answer;
	int fd;

	open_unix(&stage);
	fd = begin(&stage, "GET /keep HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n");
	still_answers(&stage); /* the one before has been asked */
	close_stage(&stage);
	answer = finish(fd);
	ck_assert_msg(strstr(answer, "503") && strstr(answer, "\"stopping\""), "%s", answer);
	free(answer);
}
END_TEST

START_TEST(silent_clients_keep_nobody_out)
{
	enum { SILENT = 300 };
	struct stage stage;
	int silent[SILENT];

	open_unix(&stage);
	for (int i = 0; i < SILENT; i++)
		silent[i] = begin(&stage, i % 2 ? "" : "GET / HT");
	for (int i = 0; i < 10; i++)
		still_answers(&stage);
	for (int i = 0; i < SILENT; i++)
		close(silent[i]);
	close_stage(&stage);
}
END_TEST

START_TEST(a_silent_client_is_let_go_after_a_while)
{
	struct stage stage;
	int fd;

	open_unix(&stage);
	fd = begin(&stage, "GET / HTTP/1.1\r\n");
	free(finish(fd)); /* the end came */
	close_stage(&stage);
}
END_TEST

/* ---- Streams --------------------------------------------------------------------------------- */

static int begin_stream(const struct stage *stage)
{
	int fd = begin(stage, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	char head[2000];

	ck_assert_int_gt(peer_receive_text(fd, head, sizeof(head), "\r\n\r\n"), 0);
	ck_assert_ptr_nonnull(strstr(head, "text/event-stream"));
	return fd;
}

START_TEST(a_stream_has_what_is_pushed_and_comments_between)
{
	struct stage stage;
	char text[2000];
	int fd;

	open_unix(&stage);
	fd = begin_stream(&stage);
	expect(&stage, "GET /push?text=one%0A%0A HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
	       "HTTP/1.1 200", "pushed");
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "one\n\n"), 0);
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), ":\n\n"), 0);
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), ":\n\n"), 0);
	expect(&stage, "GET /push?text=two%0A%0A HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
	       "HTTP/1.1 200", "pushed");
	expect(&stage, "GET /end HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", "ended");
	ck_assert_int_gt(peer_receive_text(fd, text, sizeof(text), "\r\n0\r\n\r\n"), 0);
	ck_assert_ptr_nonnull(strstr(text, "two\n\n"));
	close(fd);
	close_stage(&stage);
	ck_assert_uint_eq(stage.gone, 0);
}
END_TEST

START_TEST(who_has_a_stream_is_told_that_its_client_is_gone)
{
	struct stage stage;

	open_unix(&stage);
	close(begin_stream(&stage));
	await(stage.gone_fd);
	expect(&stage, "GET /push?text=x HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200",
	       "nobody");
	close_stage(&stage);
	ck_assert_uint_eq(stage.gone, 1);
}
END_TEST

START_TEST(a_slow_reader_loses_events_and_reads_how_many)
{
	struct stage stage;
	char *text = malloc(ANSWER_MAX);
	int fd, total = 0;

	open_unix(&stage);
	fd = begin_stream(&stage);
	expect(&stage, "GET /fill HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200", "filled");
	/* What it has not read is there, and then what it has missed. */
	do {
		int r = peer_receive_text(fd, text, ANSWER_MAX, "\n\n");

		ck_assert_int_gt(r, 0);
		total += r;
		expect(&stage, "GET /push?text=end%0A%0A HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		       "HTTP/1.1 200", "pushed");
	} while (!strstr(text, "event: lost\ndata: "));
	ck_assert_int_gt(total, 60000);
	close(fd);
	await(stage.gone_fd);
	free(text);
	close_stage(&stage);
}
END_TEST

START_TEST(a_stream_that_is_not_read_at_all_ends)
{
	struct stage stage;
	int fd;

	open_unix(&stage);
	fd = begin_stream(&stage);
	/* The socket takes some of it, too. */
	do
		expect(&stage, "GET /fill HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n", "HTTP/1.1 200",
		       "filled");
	while (!poll(&(struct pollfd){.fd = stage.gone_fd, .events = POLLIN}, 1, 100));
	close(fd);
	close_stage(&stage);
}
END_TEST

START_TEST(a_stop_ends_streams)
{
	struct stage stage;
	int fd;

	open_unix(&stage);
	fd = begin_stream(&stage);
	close_stage(&stage);
	ck_assert_uint_eq(stage.gone, 1);
	free(finish(fd));
}
END_TEST

/* ---- All at once ----------------------------------------------------------------------------- */

static void *bother(void *argument)
{
	static const char *const texts[] = {
		"GET /echo HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		"GET /keep HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		"GET /answer HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		"GET /hurry HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		"GET /answer HTTP/1.1\r\nHost: x\r\n" CLOSE "\r\n",
		"nonsense\r\n\r\n",
	};
	const struct stage *stage = argument;

	for (unsigned i = 0; i < 60; i++) {
		int fd = begin(stage, texts[i % array_size(texts)]);

		if (i % array_size(texts) == 0)
			free(finish(fd));
		else
			close(fd);
	}
	return NULL;
}

START_TEST(clients_that_come_and_go_and_a_stop_among_them)
{
	enum { CLIENTS = 4 };
	pthread_t clients[CLIENTS];
	struct stage stage;

	open_unix(&stage);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_create(&clients[i], NULL, bother, &stage), 0);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	close_stage(&stage);
}
END_TEST

SUITE("control http", a_request_reaches_the_handler_with_all_its_parts,
      an_error_is_JSON_whatever_is_in_its_words, HEAD_is_answered_without_the_body,
      a_zero_in_a_path_does_not_end_it, requests_one_behind_the_other_are_answered_in_order,
      what_is_no_HTTP_harms_nobody, a_body_may_have_64_KiB, a_query_may_have_32_arguments,
      a_page_from_elsewhere_is_refused, a_socket_for_reading_takes_GET_and_HEAD,
      who_waits_for_an_answer_keeps_nobody_else_waiting,
      what_is_not_answered_in_time_is_answered_503, a_client_may_go_before_its_answer,
      a_stop_answers_who_waits, silent_clients_keep_nobody_out,
      a_silent_client_is_let_go_after_a_while, a_stream_has_what_is_pushed_and_comments_between,
      who_has_a_stream_is_told_that_its_client_is_gone,
      a_slow_reader_loses_events_and_reads_how_many, a_stream_that_is_not_read_at_all_ends,
      a_stop_ends_streams, clients_that_come_and_go_and_a_stop_among_them)
