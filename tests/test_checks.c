/* Checks of servers that play a part each: what is found out, how they see it end, who is told. */
#include "control/checks.h"

#include "base/clock.h"
#include "ops/log.h"
#include "support/said.h"
#include "support/server.h"
#include "support/suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS 100   /* for whom nothing will come */
#define LATE_MS 60000 /* for whom something does */

#define BYTES(text) .answer = (text), .size = sizeof(text) - 1

/* What a server does with each connection. */
struct part {
	bool listens; /* to something, before it answers */
	const char *answer;
	size_t size;
	bool bytewise;
	size_t more; /* bytes behind the answer */
	bool closes, resets;
	atomic_uint fins, rsts, came;
};

static void play(int fd, void *context)
{
	struct part *part = context;
	char bytes[1024] = "";
	enum peer_end end;

	part->came++;
	if (part->listens && recv(fd, bytes, sizeof(bytes), 0) <= 0) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < part->size; i += part->bytewise ? 1 : part->size) {
		part->rsts += send(fd, part->answer + i, part->bytewise ? 1 : part->size,
				   MSG_NOSIGNAL) < 0;
		if (part->bytewise)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < part->more; i += sizeof(bytes))
		part->rsts += send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0;
	if (part->resets) {
		peer_reset(fd);
		return;
	}
	if (part->closes)
		shutdown(fd, SHUT_WR);
	end = peer_wait_end(fd, PEER_PATIENCE_MS);
	part->fins += end == PEER_FIN;
	part->rsts += end == PEER_RST;
	close(fd);
}

/* Who watches, and ends the run when there were so many results. */
struct subject {
	struct events *events;
	struct checks *checks;
	struct watcher watcher;
	unsigned told, enough, changes;
	struct check_result last;
	bool up;
	uint32_t alike;
};

static void on_told(void *owner, const struct check_news *news)
{
	struct subject *subject = owner;

	subject->told++;
	subject->changes += news->changed;
	subject->last = *news->last;
	subject->up = health_is_up(news->health);
	subject->alike = news->alike;
	if (subject->told >= subject->enough)
		events_stop(subject->events);
}

static struct subject open_subject(void)
{
	struct subject subject = {.enough = 1, .up = true};

	ck_assert_int_eq(events_open(&subject.events), 0);
	ck_assert_int_eq(checks_open(&subject.checks, subject.events, 1), 0);
	return subject;
}

static struct check_terms terms_of(enum config_check check, const char *server)
{
	struct check_terms terms = {.dialogue = {.check = check},
				    .every_ms = 200,
				    .fast_ms = 20,
				    .timeout_ms = LATE_MS,
				    .rise = 2,
				    .fall = 3};
	const char *why;

	ck_assert_int_eq(address_parse(&terms.address, server, ADDRESS_FOR_CONNECT, &why), 0);
	return terms;
}

static void watch(struct subject *subject, const struct check_terms *terms)
{
	char why[VALUE_WHY_MAX];

	subject->watcher.told = on_told;
	subject->watcher.owner = subject;
	ck_assert_int_eq(checks_watch(subject->checks, &subject->watcher, terms, why), 0);
}

static void stop(void *owner)
{
	events_stop(owner);
}

/* Go on until the server has seen so many connections end. */
static void settle(struct subject *subject, struct part *part, unsigned count)
{
	struct event *timer;

	ck_assert_int_eq(events_add_timer(subject->events, &timer, stop, subject->events), 0);
	while (part->fins + part->rsts < count) {
		events_set_in(timer, 1);
		events_run(subject->events);
	}
	events_remove(timer);
}

static void close_subject(struct subject *subject)
{
	checks_unwatch(subject->checks, &subject->watcher);
	checks_close(subject->checks);
	events_close(subject->events);
}

static void check_once(const struct check_terms *terms, struct check_result *result)
{
	struct subject subject = open_subject();

	watch(&subject, terms);
	events_run(subject.events);
	*result = subject.last;
	ck_assert_uint_eq(checks_unknown(subject.checks), !check_counts(result->code));
	close_subject(&subject);
}

static const struct {
	enum config_check check;
	const char *expect, *user;
	struct part part;
	enum check_code code;
	const char *text;
} parts[] = {
	{CONFIG_CHECK_TCP, NULL, NULL, {0}, CHECK_L4OK, "was connected"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .closes = true},
	 CHECK_L7OK,
	 "answered 200"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES("HTTP/1.1 503 No\r\n\r\n"), .bytewise = true},
	 CHECK_L7STS,
	 "answered 503, wanted 200-399"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES("HTTP/1.1 503"), .resets = true},
	 CHECK_L7RSP,
	 NULL},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES(""), .resets = true},
	 CHECK_L7RSP,
	 "was cut off: Connection reset by peer"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES(""), .closes = true},
	 CHECK_L7RSP,
	 "was closed without an answer"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES("HTTP/1.1 20")},
	 CHECK_L7TOUT,
	 "was not answered within 100ms"},
	{CONFIG_CHECK_HTTP,
	 NULL,
	 NULL,
	 {true, BYTES("")},
	 CHECK_L7TOUT,
	 "was not answered within 100ms"},
	{CONFIG_CHECK_SEND,
	 "220",
	 NULL,
	 {false, BYTES("220 mx\r\n"), .bytewise = true},
	 CHECK_L7OK,
	 "answered 220"},
	{CONFIG_CHECK_SEND,
	 "220",
	 NULL,
	 {false, BYTES("554 no")},
	 CHECK_L7STS,
	 "answered \"554 no\", wanted 220"},
	{CONFIG_CHECK_REDIS,
	 NULL,
	 NULL,
	 {true, BYTES("+PONG\r\n+OK\r\n"), .closes = true},
	 CHECK_L7OK,
	 "answered +PONG"},
	{CONFIG_CHECK_MYSQL,
	 NULL,
	 NULL,
	 {false, BYTES("\x0b\0\0\0\xff\x10\x04Too many"), .closes = true},
	 CHECK_L7STS,
	 "answered error 1040: \"Too many\""},
	{CONFIG_CHECK_POSTGRES,
	 NULL,
	 NULL,
	 {true, BYTES("R\0\0\0\x08\0\0\0\0"), .bytewise = true},
	 CHECK_L7OK,
	 "answered a login"},
};

START_TEST(a_server_is_what_its_part_makes_of_it)
{
	struct part part = parts[_i].part;
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(parts[_i].check, server_address(server));
	struct check_result result;

	terms.dialogue.expect = parts[_i].expect;
	if (parts[_i].code == CHECK_L7TOUT ||
	    !strncmp(parts[_i].part.answer ? parts[_i].part.answer : "", "554", 3))
		terms.timeout_ms = SOON_MS;
	check_once(&terms, &result);
	ck_assert_msg(result.code == parts[_i].code &&
			      (!parts[_i].text || !strcmp(result.text, parts[_i].text)),
		      "%s %s", check_code_word(result.code), result.text);
	server_stop(server);
}
END_TEST

START_TEST(a_unix_socket_is_checked_as_well)
{
	struct part part = {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .closes = true};
	struct check_result result;
	struct check_terms terms;
	struct server *server;
	char address[128];

	snprintf(address, sizeof(address), "unix:%s/s", suite_dir());
	server = server_start(address, play, &part);
	terms = terms_of(CONFIG_CHECK_HTTP, address);
	check_once(&terms, &result);
	ck_assert_msg(result.code == CHECK_L7OK, "%s", result.text);
	server_stop(server);
	check_once(&terms, &result);
	ck_assert_msg(result.code == CHECK_L4CON, "%s", result.text);
	ck_assert_msg(strstr(result.text, "was not connected: "), "%s", result.text);
}
END_TEST

START_TEST(who_cannot_be_connected_to_is_told_apart)
{
	struct check_terms refused, silent;
	struct check_result result;
	char nobody[64];

	snprintf(nobody, sizeof(nobody), "127.0.0.1:%u", port_reserve());
	refused = terms_of(CONFIG_CHECK_HTTP, nobody);
	check_once(&refused, &result);
	ck_assert_str_eq(check_code_word(result.code), "L4CON");
	ck_assert_str_eq(result.text, "was not connected: Connection refused");
	ck_assert_int_eq(result.error, -ECONNREFUSED);
	silent = terms_of(CONFIG_CHECK_HTTP, black_hole_address());
	silent.timeout_ms = SOON_MS;
	check_once(&silent, &result);
	ck_assert_str_eq(check_code_word(result.code), "L4TOUT");
	ck_assert_str_eq(result.text, "was not connected within 100ms");
	ck_assert_uint_ge(result.duration_us, 100000 - 1000);
}
END_TEST

/* Of what a server has still to say, and of a greeting that comes late. */
START_TEST(it_is_ended_by_a_fin_and_never_by_a_reset)
{
	static const struct {
		enum config_check check;
		struct part part;
	} ways[] = {
		{CONFIG_CHECK_TCP, {false, BYTES("SSH-2.0-OpenSSH\r\n"), .more = 16 * 1024}},
		{CONFIG_CHECK_TCP, {false, BYTES("220 mx\r\n"), .bytewise = true}},
		{CONFIG_CHECK_HTTP, {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .more = 100 * 1024}},
		{CONFIG_CHECK_HTTP,
		 {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .more = 9000, .closes = true}},
		{CONFIG_CHECK_REDIS, {true, BYTES("-ERR\r\n+OK\r\n"), .closes = true}},
		{CONFIG_CHECK_POSTGRES, {true, BYTES("R\0\0\0\x08\0\0\0\0"), .bytewise = true}},
		{CONFIG_CHECK_MYSQL, {false, BYTES("SSH-2.0-OpenSSH\r\n"), .more = 5000}},
	};
	struct part part = ways[_i].part;
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(ways[_i].check, server_address(server));
	struct subject subject = open_subject();

	terms.timeout_ms = 5 * SOON_MS; /* for some that is how long they part */
	subject.enough = 3;
	watch(&subject, &terms);
	events_run(subject.events);
	settle(&subject, &part, 3);
	ck_assert_uint_eq(part.rsts, 0);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

START_TEST(a_server_falls_and_rises_by_as_many_checks_as_it_is_told)
{
	struct part part = {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .closes = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_HTTP, server_address(server));
	struct subject subject = open_subject();
	char address[64];

	terms.every_ms = 3600000;
	snprintf(address, sizeof(address), "%s", server_address(server));
	watch(&subject, &terms);
	events_run(subject.events);
	ck_assert(subject.up && subject.changes == 1);
	settle(&subject, &part, 1);
	server_stop(server);
	checks_hurry(subject.checks, &subject.watcher, true);
	subject.enough = 2 + subject.told;
	events_run(subject.events);
	ck_assert(subject.up && subject.alike == 2);
	subject.enough = 1 + subject.told;
	events_run(subject.events);
	ck_assert(!subject.up && subject.changes == 2 && subject.alike == 3);
	server = server_start(address, play, &part);
	ck_assert_ptr_nonnull(server);
	checks_hurry(subject.checks, &subject.watcher, false);
	subject.enough = 1 + subject.told;
	events_run(subject.events);
	ck_assert(!subject.up && subject.alike == 1);
	events_run(subject.events);
	ck_assert(subject.up && subject.changes == 3);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

START_TEST(who_watches_the_same_shares_one_check)
{
	struct part part = {.closes = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_TCP, server_address(server));
	struct subject all[3] = {open_subject()};
	struct check_terms other = terms;

	all[1] = all[2] = all[0];
	other.every_ms *= 2;
	watch(&all[0], &terms);
	watch(&all[1], &terms);
	ck_assert_uint_eq(checks_count(all[0].checks), 1);
	watch(&all[2], &other);
	ck_assert_uint_eq(checks_count(all[0].checks), 2);
	all[1].enough = UINT32_MAX;
	all[2].enough = UINT32_MAX;
	all[0].enough = 3;
	events_run(all[0].events);
	ck_assert_uint_ge(all[1].told + 1, all[0].told);
	checks_unwatch(all[0].checks, &all[0].watcher);
	checks_unwatch(all[0].checks, &all[2].watcher);
	/* What is known goes on while anybody watches. */
	ck_assert(checks_known(&all[1].watcher).health->known);
	watch(&all[0], &terms);
	ck_assert(checks_known(&all[0].watcher).health->known);
	ck_assert_uint_eq(checks_count(all[0].checks), 1);
	checks_unwatch(all[0].checks, &all[1].watcher);
	close_subject(&all[0]);
	server_stop(server);
}
END_TEST

START_TEST(a_failed_connection_has_it_looked_at_soon)
{
	struct part part = {.closes = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_TCP, server_address(server));
	struct subject subject = open_subject();

	terms.every_ms = 3600000;
	terms.fast_ms = 1;
	watch(&subject, &terms);
	events_run(subject.events);
	/* The second one is an hour away. */
	checks_hurry(subject.checks, &subject.watcher, true);
	subject.enough = 2;
	events_run(subject.events);
	ck_assert_uint_eq(subject.told, 2);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

/* Without a descriptor, or the memory of the kernel, nothing is known of anybody. */
START_TEST(what_this_machine_lacks_changes_nothing)
{
	struct part part = {.closes = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_TCP, server_address(server));
	struct subject subject = open_subject();
	struct rlimit limit, none;

	said_listen();
	watch(&subject, &terms);
	events_run(subject.events);
	ck_assert(subject.up);
	settle(&subject, &part, 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	subject.enough = subject.told + 10;
	events_run(subject.events);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_str_eq(check_code_word(subject.last.code), "SOCKERR");
	ck_assert_msg(strstr(subject.last.text, "could not be asked: Too many open files (raise"),
		      "%s", subject.last.text);
	ck_assert(subject.up && subject.changes == 1 && subject.alike == 1);
	/* Once, however often. */
	ck_assert_str_eq(said(), "warning: a server could not be asked: Too many open files (raise "
				 "LimitNOFILE= of the unit (ulimit -n)); whether servers are well "
				 "is not found out meanwhile\n");
	subject.enough = subject.told + 1;
	events_run(subject.events);
	ck_assert_int_eq(subject.last.code, CHECK_L4OK);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

static void oversleep(void *owner)
{
	(void)owner;
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

/* A server that says nothing, as if the whole machine had stood still. */
START_TEST(a_thread_that_was_late_blames_itself)
{
	struct part part = {.listens = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_HTTP, server_address(server));
	struct subject subject = open_subject();
	struct event *timer;
	const char *text;

	said_listen();
	terms.timeout_ms = 4 * SOON_MS;
	watch(&subject, &terms);
	ck_assert_int_eq(events_add_timer(subject.events, &timer, oversleep, NULL), 0);
	events_set_in(timer, 10);
	events_run(subject.events);
	text = said();
	ck_assert_msg(strstr(text, "the main thread was late by "), "%s", text);
	ck_assert_msg(strstr(text, " ms: the 1 checks of servers that ran out meanwhile do not"),
		      "%s", text);
	/* It was asked again, and that counts. */
	ck_assert_uint_eq(part.came, 2);
	ck_assert_int_eq(subject.last.code, CHECK_L7TOUT);
	events_remove(timer);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

START_TEST(what_came_while_the_thread_was_late_is_heard)
{
	struct part part = {true, BYTES("HTTP/1.1 200 OK\r\n\r\n"), .bytewise = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms terms = terms_of(CONFIG_CHECK_HTTP, server_address(server));
	struct subject subject = open_subject();
	struct event *timer;

	terms.timeout_ms = 4 * SOON_MS;
	watch(&subject, &terms);
	ck_assert_int_eq(events_add_timer(subject.events, &timer, oversleep, NULL), 0);
	events_set_in(timer, 3);
	events_run(subject.events);
	ck_assert_msg(subject.last.code == CHECK_L7OK, "%s", subject.last.text);
	events_remove(timer);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

START_TEST(whoever_goes_while_a_check_goes_on_is_not_told)
{
	struct part part = {.listens = true};
	struct server *server = server_start(NULL, play, &part);
	struct check_terms silent = terms_of(CONFIG_CHECK_HTTP, server_address(server));
	struct subject subject = open_subject();
	struct event *timer;

	watch(&subject, &silent);
	ck_assert_int_eq(events_add_timer(subject.events, &timer, stop, subject.events), 0);
	events_set_in(timer, 20);
	events_run(subject.events);
	checks_unwatch(subject.checks, &subject.watcher);
	ck_assert_uint_eq(checks_count(subject.checks), 0);
	ck_assert_uint_eq(subject.told, 0);
	events_remove(timer);
	close_subject(&subject);
	server_stop(server);
}
END_TEST

START_TEST(a_check_is_called_by_where_it_goes)
{
	static const struct {
		const char *checked, *server, *title;
	} cases[] = {
		{"10.0.0.1:80", "10.0.0.1:80", "tcp"},
		{"10.0.0.1:81", "10.0.0.1:80", "tcp on :81"},
		{"[::1]:81", "[::1]:80", "tcp on :81"},
		{"10.0.0.2:80", "10.0.0.1:80", "tcp on 10.0.0.2:80"},
		{"[::1]:80", "10.0.0.1:80", "tcp on [::1]:80"},
		{"10.0.0.1:80", "unix:/s", "tcp on 10.0.0.1:80"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct check_terms checked = terms_of(CONFIG_CHECK_TCP, cases[i].checked);
		struct check_terms server = terms_of(CONFIG_CHECK_TCP, cases[i].server);
		struct check_news news = {.title = "tcp", .address = &checked.address};
		char text[400];

		ck_assert_str_eq(check_title(&news, &server.address, text, sizeof(text)),
				 cases[i].title);
	}
}
END_TEST

SUITE_OF("checks", 60, EACH(a_server_is_what_its_part_makes_of_it, array_size(parts)),
	 ONCE(a_unix_socket_is_checked_as_well), ONCE(who_cannot_be_connected_to_is_told_apart),
	 EACH(it_is_ended_by_a_fin_and_never_by_a_reset, 7),
	 ONCE(a_server_falls_and_rises_by_as_many_checks_as_it_is_told),
	 ONCE(who_watches_the_same_shares_one_check),
	 ONCE(a_failed_connection_has_it_looked_at_soon),
	 ONCE(what_this_machine_lacks_changes_nothing), ONCE(a_thread_that_was_late_blames_itself),
	 ONCE(what_came_while_the_thread_was_late_is_heard),
	 ONCE(whoever_goes_while_a_check_goes_on_is_not_told),
	 ONCE(a_check_is_called_by_where_it_goes))
