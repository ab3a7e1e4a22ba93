/* What a name stands for after one answer and another. */
#include "control/resolution.h"

#include "config/report.h"
#include "names/hosts.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

static struct config config;
static struct resolution one;
static struct name_answer answer;
static char change[RESOLUTION_CHANGE_MAX];
static uint64_t now = 1000;

static void start(const char *lines)
{
	char text[1000];
	struct report report;
	size_t length = (size_t)snprintf(text, sizeof(text),
					 "[proxy web]\nlisten = 127.0.0.1:1\n%s\n", lines);

	ck_assert_int_eq(config_parse(&config, "test.conf", text, length, &report), 0);
	report_done(&report);
	resolution_begin(&one, &config.sections[0], &config.sections[0].servers[0], false, now);
}

static void stop(void)
{
	resolution_done(&one);
	config_done(&config);
}

/* The answer has these addresses, "10.0.0.1 ::1", with that time to live. */
static void find(const char *addresses, uint32_t ttl_s, unsigned unknown)
{
	char copy[4000], *save = NULL;

	answer = (struct name_answer){.ttl_s = ttl_s, .unknown = unknown};
	snprintf(copy, sizeof(copy), "%s", addresses);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct name_record record = {.port = 80, .weight = 1, .ttl_s = ttl_s};

		ck_assert(hosts_number(word, &record));
		ck_assert_int_eq(name_set_add(&answer.set, &record), 0);
	}
	(void)name_set_sort(&answer.set);
}

static enum resolution_news hear(void)
{
	enum resolution_news news = resolution_hear(&one, &answer, now, change);

	name_answer_done(&answer);
	now += 5000;
	return news;
}

static enum resolution_news hear_found(const char *addresses)
{
	find(addresses, 30, 0);
	return hear();
}

static enum resolution_news hear_none(enum name_status status, const char *error)
{
	answer = (struct name_answer){.status = status, .ttl_s = 5};
	snprintf(answer.error, sizeof(answer.error), "%s", error);
	return hear();
}

START_TEST(the_first_answer_is_no_change_and_the_next_may_be)
{
	start("server = www.example:80");
	ck_assert_int_eq(hear_found("10.0.0.1 10.0.0.2"), RESOLUTION_FOUND);
	ck_assert_int_eq(hear_found("10.0.0.1 10.0.0.2"), RESOLUTION_NOTHING);
	ck_assert_str_eq(change, "");
	ck_assert_int_eq(hear_found("10.0.0.2 10.0.0.3"), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "-10.0.0.1 +10.0.0.3");
	ck_assert_uint_eq(one.changes, 1);
	ck_assert_uint_eq(one.resolved, 3);
	ck_assert(one.in_dns);
	stop();
}
END_TEST

START_TEST(a_change_of_many_servers_is_one_line)
{
	char many[4000] = "", *end = many;

	start("server = www.example:80");
	ck_assert_int_eq(hear_found("10.9.9.9"), RESOLUTION_FOUND);
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "10.0.0.%d ", i);
	ck_assert_int_eq(hear_found(many), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "+10.0.0.0 +10.0.0.1 +10.0.0.2 +10.0.0.3 +10.0.0.4 +10.0.0.5 "
				 "+10.0.0.6 +10.0.0.7 and 193 more");
	stop();
}
END_TEST

START_TEST(a_family_that_is_not_answered_keeps_its_last_addresses)
{
	start("server = www.example:80");
	ck_assert_int_eq(hear_found("10.0.0.1 ::1"), RESOLUTION_FOUND);
	for (int i = 0; i < 5; i++) {
		find("10.0.0.1", 30, NAME_HAS_V6);
		ck_assert_int_eq(hear(), RESOLUTION_NOTHING);
	}
	ck_assert_uint_eq(one.set.count, 2);
	ck_assert(resolution_is_stale(&one));
	find("10.0.0.2", 30, NAME_HAS_V6);
	ck_assert_int_eq(hear(), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "-10.0.0.1 +10.0.0.2");
	/* Now it is known that there are none. */
	ck_assert_int_eq(hear_found("10.0.0.2"), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "-::1");
	stop();
}
END_TEST

START_TEST(a_name_that_flaps_stands_for_what_it_did)
{
	start("server = www.example:80");
	ck_assert_int_eq(hear_found("10.0.0.1"), RESOLUTION_FOUND);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(hear_none(NAME_NO_NAME, "no"), RESOLUTION_NOTHING);
		ck_assert_int_eq(hear_none(NAME_FAILED, "failed"), RESOLUTION_NOTHING);
		ck_assert_int_eq(hear_none(NAME_NO_DATA, "none"), RESOLUTION_NOTHING);
		ck_assert_str_eq(one.error, "none");
		ck_assert_int_eq(hear_found("10.0.0.1"), RESOLUTION_NOTHING);
	}
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(hear_none(NAME_NO_NAME, "no"), RESOLUTION_NOTHING);
	ck_assert_int_eq(hear_none(NAME_NO_NAME, "no"), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "-10.0.0.1");
	ck_assert_uint_eq(one.set.count, 0);
	ck_assert_int_eq(hear_none(NAME_NO_NAME, "no"), RESOLUTION_NOTHING);
	ck_assert_int_eq(hear_found("10.0.0.1"), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "+10.0.0.1");
	stop();
}
END_TEST

START_TEST(a_name_that_was_never_found_has_nothing_to_drop)
{
	start("server = www.example:80");
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(hear_none(NAME_NO_NAME, "no"), RESOLUTION_NOTHING);
	ck_assert(!one.answered);
	ck_assert_uint_eq(one.failed, 5);
	stop();
}
END_TEST

START_TEST(a_service_tells_ports_and_what_changes_of_a_server)
{
	start("server = srv:_www._tcp.example");
	(void)hear_found("10.0.0.1");
	find("10.0.0.1 10.0.0.2", 30, 0);
	answer.set.records[0].weight = 9;
	answer.set.records[0].priority = 2;
	ck_assert_int_eq(hear(), RESOLUTION_CHANGED);
	ck_assert_str_eq(change, "10.0.0.1:80 (priority 2, weight 9) +10.0.0.2:80");
	stop();
}
END_TEST

START_TEST(the_question_is_what_the_keys_say)
{
	struct name_question question;
	char text[ADDRESS_TEXT_MAX];

	start("server = www.example:80\nfamily = ipv6\nresolver = 127.0.0.1:8600");
	resolution_question(&one, &question);
	ck_assert_str_eq(question.host, "www.example");
	ck_assert_int_eq(question.family, NAME_V6);
	ck_assert_str_eq(address_format(&question.server, text, sizeof(text)), "127.0.0.1:8600");
	ck_assert(!question.is_service);
	stop();
	start("server = srv:_www._tcp.example");
	resolution_question(&one, &question);
	ck_assert(question.is_service);
	ck_assert_int_eq(question.server.kind, ADDRESS_NONE);
	stop();
}
END_TEST

START_TEST(another_reading_that_asks_the_same_goes_on_with_what_is_known)
{
	struct resolution other;

	start("server = www.example:80");
	(void)hear_found("10.0.0.1");
	resolution_begin(&other, one.section, one.endpoint, false, now);
	ck_assert(resolution_is_same(&one, &other));
	ck_assert_int_eq(resolution_copy(&other, &one), 0);
	ck_assert(other.answered);
	ck_assert_uint_eq(other.set.count, 1);
	ck_assert_uint_eq(other.refresh.due_ms, one.refresh.due_ms);
	/* What is being asked for is heard by nobody else. */
	refresh_ask(&one.refresh);
	ck_assert_int_eq(resolution_copy(&other, &one), 0);
	ck_assert_uint_eq(other.refresh.due_ms, 0);
	resolution_done(&other);
	stop();
}
END_TEST

SUITE("control: what names stand for", the_first_answer_is_no_change_and_the_next_may_be,
      a_change_of_many_servers_is_one_line, a_family_that_is_not_answered_keeps_its_last_addresses,
      a_name_that_flaps_stands_for_what_it_did, a_name_that_was_never_found_has_nothing_to_drop,
      a_service_tells_ports_and_what_changes_of_a_server, the_question_is_what_the_keys_say,
      another_reading_that_asks_the_same_goes_on_with_what_is_known)
