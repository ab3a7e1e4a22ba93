/* Many names at once, whoever keeps them waiting. */
#include "names/names.h"

#include "support/child.h"
#include "support/dns_server.h"
#include "support/suite.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static struct dns_server *server;

static struct name_question question_of(const char *host)
{
	struct name_question question = {.port = 80, .family = NAME_V4, .in_dns = true};
	const char *why;

	snprintf(question.host, sizeof(question.host), "%s", host);
	ck_assert_int_eq(address_parse(&question.server, dns_server_address(server),
				       ADDRESS_FOR_CONNECT, &why),
			 0);
	return question;
}

static void start(const char *lines)
{
	/* Longer than any test. */
	setenv("RES_OPTIONS", "timeout:20 attempts:3", 1);
	server = dns_server_start("127.0.0.1:0");
	dns_server_say(server, lines);
}

static void ask(struct names *names, uint64_t id, const char *host, bool slow)
{
	struct name_question question = question_of(host);

	ck_assert_int_eq(names_ask(names, id, &question, slow), 0);
}

/* The next answer, whenever it comes: its number. */
static uint64_t await(struct names *names)
{
	struct pollfd polled = {.fd = names_descriptor(names), .events = POLLIN};
	struct name_answer answer;
	uint64_t id;

	while (!names_take(names, &id, &answer))
		ck_assert_int_eq(poll(&polled, 1, 30000), 1);
	ck_assert_int_eq(answer.status, NAME_FOUND);
	name_answer_done(&answer);
	return id;
}

START_TEST(all_that_is_asked_is_answered_once)
{
	bool seen[500] = {false};
	char lines[32000], *end = lines;
	struct names *names;

	for (int i = 0; i < 500; i++)
		end += sprintf(end, "n%d.example 60 A 10.0.0.5\n", i);
	start(lines);
	ck_assert_int_eq(names_open(&names), 0);
	for (int i = 0; i < 500; i++) {
		char host[32];

		snprintf(host, sizeof(host), "n%d.example", i);
		ask(names, (uint64_t)i, host, i % 2);
	}
	for (int i = 0; i < 500; i++) {
		uint64_t id = await(names);

		ck_assert_uint_lt(id, 500);
		ck_assert(!seen[id]);
		seen[id] = true;
	}
	names_close(names);
	dns_server_stop(server);
}
END_TEST

START_TEST(five_hundred_that_nobody_answers_do_not_hold_up_who_leaves)
{
	struct names *names;
	int64_t began;

	start("mute.example silent\n");
	ck_assert_int_eq(names_open(&names), 0);
	for (int i = 0; i < 500; i++)
		ask(names, (uint64_t)i, "mute.example", i % 2);
	began = clock_ms();
	names_close(names);
	ck_assert_int_lt(clock_ms() - began, 2000);
	/* The threads have it until they come back, which is longer than this program. */
	dns_server_stop(server);
}
END_TEST

START_TEST(names_that_are_slow_leave_room_for_those_that_are_not)
{
	struct names *names;

	start("mute.example silent\nwww.example 60 A 10.0.0.5\n");
	ck_assert_int_eq(names_open(&names), 0);
	for (int i = 0; i < 100; i++)
		ask(names, 1, "mute.example", true);
	ck_assert(wait_until(dns_server_asked(server) >= NAMES_SLOW_THREADS, 30000));
	for (int i = 0; i < 100; i++)
		ask(names, 2, "www.example", false);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(await(names), 2);
	names_close(names);
	dns_server_stop(server);
}
END_TEST

SUITE("names: many at once", all_that_is_asked_is_answered_once,
      five_hundred_that_nobody_answers_do_not_hold_up_who_leaves,
      names_that_are_slow_leave_room_for_those_that_are_not)
