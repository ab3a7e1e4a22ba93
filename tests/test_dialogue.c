/* What is said to servers and what is made of their answers, however those come. */
#include "control/dialogue.h"

#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP(...)                                                                                   \
	{                                                                                          \
		.check = CONFIG_CHECK_TCP, __VA_ARGS__                                             \
	}
#define HTTP(...)                                                                                  \
	{                                                                                          \
		.check = CONFIG_CHECK_HTTP, __VA_ARGS__                                            \
	}
#define SEND(...)                                                                                  \
	{                                                                                          \
		.check = CONFIG_CHECK_SEND, __VA_ARGS__                                            \
	}
#define REDIS(...)                                                                                 \
	{                                                                                          \
		.check = CONFIG_CHECK_REDIS, __VA_ARGS__                                           \
	}
#define MYSQL(...)                                                                                 \
	{                                                                                          \
		.check = CONFIG_CHECK_MYSQL, __VA_ARGS__                                           \
	}
#define POSTGRES(...)                                                                              \
	{                                                                                          \
		.check = CONFIG_CHECK_POSTGRES, __VA_ARGS__                                        \
	}
#define BYTES(text) (text), sizeof(text) - 1

static struct dialogue opened(const struct dialogue_terms *terms, const char *server)
{
	char why[VALUE_WHY_MAX] = "";
	struct dialogue dialogue;
	struct address address;
	const char *wrong;

	ck_assert_int_eq(address_parse(&address, server, ADDRESS_FOR_CONNECT, &wrong), 0);
	ck_assert_msg(dialogue_open(&dialogue, terms, &address, why) == 0, "%s", why);
	return dialogue;
}

/* An answer as it comes by pieces of that size, and then the end: what came of it. */
static void hear_out(const struct dialogue *dialogue, const char *answer, size_t count,
		     size_t piece, struct check_result *result)
{
	struct heard heard = {.spoke = !dialogue->kind->greets};

	*result = (struct check_result){0};
	for (;;) {
		char *exact; /* so that reading behind it is found out */
		enum dialogue_turn turn;

		heard.count = heard.count + piece < count ? heard.count + piece : count;
		heard.all = heard.count == count && result->at_ms++ > 0;
		exact = malloc(heard.count + 1);
		memcpy(exact, answer, heard.count);
		heard.bytes = realloc(exact, heard.count ? heard.count : 1);
		turn = dialogue_hear(dialogue, &heard, result);
		free((void *)heard.bytes);
		if (turn == DIALOGUE_OVER)
			return;
		heard.spoke |= turn == DIALOGUE_SPEAK;
		ck_assert(!heard.all || turn == DIALOGUE_SPEAK);
	}
}

static const struct {
	struct dialogue_terms terms;
	const char *answer;
	size_t count;
	enum check_code code;
	const char *text;
} answers[] = {
	{HTTP(), BYTES("HTTP/1.1 200 OK\r\n\r\n"), CHECK_L7OK, "answered 200"},
	{HTTP(), BYTES("HTTP/1.0 302"), CHECK_L7OK, "answered 302"},
	{HTTP(), BYTES("HTTP/1.1 204\r\n"), CHECK_L7OK, "answered 204"},
	{HTTP(), BYTES("HTTP/1.1 503 No\r\n\r\n"), CHECK_L7STS, "answered 503, wanted 200-399"},
	{HTTP(.expect = "401 2xx"), BYTES("HTTP/1.1 401 No\r\n"), CHECK_L7OK, "answered 401"},
	{HTTP(), BYTES("HTTP/1.1 103 Early Hints\r\nLink: /a\r\n\r\nHTTP/1.1 500 \r\n"),
	 CHECK_L7STS, "answered 500, wanted 200-399"},
	{HTTP(.expect = "200 *ready"), BYTES("HTTP/1.1 200 OK\r\nA: b\r\n\r\nall is ready\n"),
	 CHECK_L7OK, "answered 200 with ready"},
	{HTTP(.expect = "*ok"), BYTES("HTTP/1.1 302 ok\r\nA: ok\r\n\r\nnot well"), CHECK_L7RSP,
	 "answered 302, without ok in what it says"},
	{HTTP(.expect = "2xx *ok"), BYTES("HTTP/1.1 503 A\r\n\r\nok"), CHECK_L7STS,
	 "answered 503, wanted 2xx *ok"},
	{HTTP(.expect = "*ok"), BYTES("HTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 A\r\n\r\n3\r\nok\n"),
	 CHECK_L7OK, "answered 200 with ok"},
	{HTTP(.expect = "*hex:00 01"), BYTES("HTTP/1.1 200 A\r\n\r\na\0\1"), CHECK_L7OK,
	 "answered 200 with hex:00 01"},
	{HTTP(), BYTES("HTTP/1.1 101 Switching\r\n\r\n"), CHECK_L7STS,
	 "answered 101, wanted 200-399"},
	{HTTP(), BYTES("HTTP/1.1 100 Continue\r\nA: b"), CHECK_L7RSP,
	 "was closed after it said \"HTTP/1.1 100 Continue\""},
	{HTTP(), BYTES("HTTP/1.1 20"), CHECK_L7RSP, "was closed after it said \"HTTP/1.1 20\""},
	{HTTP(), BYTES(""), CHECK_L7RSP, "was closed without an answer"},
	{HTTP(), BYTES("HTTP/1.1 2000 \r\n"), CHECK_L7RSP, "which is no HTTP/1"},
	{HTTP(), BYTES("HTTP/1.1 200\0"), CHECK_L7RSP, "which is no HTTP/1"},
	{HTTP(), BYTES("HTTP/2 200\r\n"), CHECK_L7RSP, "which is no HTTP/1"},
	{HTTP(), BYTES("SSH-2.0-OpenSSH\r\n"), CHECK_L7RSP, "which is no HTTP/1"},
	{HTTP(), BYTES("\x15\x03\x01"), CHECK_L7RSP, "answered \"?"},

	{SEND(.expect = "220"), BYTES("220 mx ESMTP\r\n"), CHECK_L7OK, "answered 220"},
	{SEND(.expect = "220"), BYTES("554 go away\r\n"), CHECK_L7STS,
	 "answered \"554 go away\", wanted 220"},
	{SEND(.expect = "220"), BYTES("22"), CHECK_L7RSP, "was closed after it said \"22\""},
	{SEND(.expect = "220"), BYTES("5\x1b[31m"), CHECK_L7STS, "answered \"5?[31m\", wanted 220"},
	{SEND(.send = "hex:16", .expect = "hex:1603"), BYTES("\x16\x03\x03"), CHECK_L7OK,
	 "answered hex:1603"},
	{SEND(.expect = "*well"), BYTES("all is\nwell"), CHECK_L7OK, "answered *well"},
	{SEND(.expect = "*well"), BYTES("not so\n"), CHECK_L7RSP,
	 "was closed after it said \"not so\""},

	{REDIS(), BYTES("+PONG\r\n+OK\r\n"), CHECK_L7OK, "answered +PONG"},
	{REDIS(), BYTES("-NOAUTH Authentication required.\r\n"), CHECK_L7OK, "it wants a password"},
	{REDIS(), BYTES("-LOADING Redis is loading the dataset in memory\r\n"), CHECK_L7STS,
	 "answered \"-LOADING Redis is loading the dataset in memory\", wanted +PONG"},
	{REDIS(), BYTES("+PON"), CHECK_L7RSP, "was closed after it said \"+PON\""},
	{REDIS(.expect = "-NOAUTH"), BYTES("+PONG\r\n"), CHECK_L7STS,
	 "answered \"+PONG\", wanted -NOAUTH"},
	{REDIS(.expect = "role:master"),
	 BYTES("$99\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"), CHECK_L7OK,
	 "answered role:master"},
	{REDIS(.expect = "role:master"), BYTES("$99\r\n# Replication\r\nrole:slave\r\nmaster"),
	 CHECK_L7STS, "answered \"role:slave\", wanted role:master"},
	{REDIS(.expect = "role:master"), BYTES("$99\r\n# Replication\r\nrole:masterly\r\n"),
	 CHECK_L7STS, "answered \"role:masterly\", wanted role:master"},
	{REDIS(.expect = "role:master"), BYTES("-NOAUTH Authentication required.\r\n"), CHECK_L7STS,
	 "answered \"-NOAUTH Authentication required.\", wanted role:master"},
	{REDIS(.expect = "role:master"), BYTES("$9\r\nrole:mas"), CHECK_L7RSP,
	 "was closed after it said \"$9\""},

	{MYSQL(.user = "check"),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0\7\0\0\2\0\0\0\2\0\0\0"),
	 CHECK_L7OK, "answered a login"},
	{MYSQL(.user = "check"),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0\1\0\0\2\xfe"),
	 CHECK_L7OK, "answered a login"},
	{MYSQL(.user = "check"),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0\x10\0\0\2\xff\x15\x04#28000Go away"),
	 CHECK_L7STS, "answered error 1045: \"Go away\""},
	{MYSQL(.user = "check"), BYTES("\x0b\0\0\0\xff\x10\x04Too many"), CHECK_L7STS,
	 "answered error 1040: \"Too many\""},
	{MYSQL(), BYTES("\x0b\0\0\0\xff\x69\x04#HY000ab"), CHECK_L7STS,
	 "answered error 1129: \"ab\""},
	{MYSQL(), BYTES("\1\0\0\0\xff"), CHECK_L7STS, "an error without a number"},
	{MYSQL(),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0"),
	 CHECK_L7OK, "was greeted"},
	{MYSQL(), BYTES("\x05\0\0\0\x09xxxx"), CHECK_L7RSP, "which is not MySQL's protocol"},
	{MYSQL(), BYTES("\x05\0\0\1\x0axxxx"), CHECK_L7RSP, "which is not MySQL's protocol"},
	{MYSQL(), BYTES("\0\0\0\0\x0axxxx"), CHECK_L7RSP, "which is not MySQL's protocol"},
	{MYSQL(), BYTES("SSH-2.0-OpenSSH\r\n"), CHECK_L7RSP, "which is not MySQL's protocol"},
	{MYSQL(), BYTES("\x05\0\0\0\x0a"), CHECK_L7RSP, "was closed after"},
	{MYSQL(.user = "check"),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0\1\0\0\2\xfd"),
	 CHECK_L7RSP, "which is not MySQL's protocol"},
	{MYSQL(.user = "check"),
	 BYTES("\x05\0\0\0\x0a"
	       "5.5\0\1\0\0\3\0"),
	 CHECK_L7RSP, "which is not MySQL's protocol"},

	{POSTGRES(), BYTES("R\0\0\0\x08\0\0\0\0"), CHECK_L7OK, "answered a login"},
	{POSTGRES(), BYTES("E\0\0\0\x1dSFATAL\0C28000\0Mno role\0\0"), CHECK_L7RSP,
	 "was closed after"},
	{POSTGRES(), BYTES("E\0\0\0\x1eSFATAL\0C28000\0Mno role a\0\0"), CHECK_L7OK,
	 "answered error \"28000\""},
	{POSTGRES(), BYTES("E\0\0\0\x20SFATAL\0C57P03\0Mstarting up\0\0"), CHECK_L7STS,
	 "answered error 57P03: \"starting up\""},
	{POSTGRES(),
	 BYTES("E\0\0\0\x0c"
	       "C53300\0\0"),
	 CHECK_L7STS, "answered error 53300: \"\""},
	{POSTGRES(), BYTES("E\0\0\0\x08XXXX"), CHECK_L7OK, "answered error \"\""},
	{POSTGRES(), BYTES("could not fork"), CHECK_L7RSP, "which is not PostgreSQL's protocol"},
	{POSTGRES(), BYTES("Ecould not fork"), CHECK_L7RSP, "which is not PostgreSQL's protocol"},
	{POSTGRES(), BYTES("R\0\0\0\3"), CHECK_L7RSP, "which is not PostgreSQL's protocol"},
	{POSTGRES(), BYTES("R\0\0\0\x08\0\0"), CHECK_L7RSP, "was closed after"},
};

START_TEST(an_answer_is_understood_however_it_comes)
{
	for (size_t i = 0; i < array_size(answers); i++)
		for (size_t piece = 1; piece <= answers[i].count + 1; piece++) {
			struct dialogue dialogue = opened(&answers[i].terms, "127.0.0.1:80");
			struct check_result result;

			hear_out(&dialogue, answers[i].answer, answers[i].count, piece, &result);
			ck_assert_msg(result.code == answers[i].code &&
					      strstr(result.text, answers[i].text),
				      "%zu by %zu: %s %s", i, piece, check_code_word(result.code),
				      result.text);
			dialogue_close(&dialogue);
		}
}
END_TEST

START_TEST(what_follows_an_answer_does_not_change_it)
{
	for (size_t i = 0; i < array_size(answers); i++) {
		struct dialogue dialogue = opened(&answers[i].terms, "127.0.0.1:80");
		struct check_result result;
		char more[512];

		if (answers[i].code == CHECK_L7RSP || strlen(answers[i].answer) < 13) {
			dialogue_close(&dialogue);
			continue;
		}
		memset(more, '7', sizeof(more));
		memcpy(more, answers[i].answer, answers[i].count);
		memcpy(more + answers[i].count, "\r\n", 2);
		hear_out(&dialogue, more, sizeof(more), sizeof(more), &result);
		ck_assert_msg(result.code == answers[i].code, "%zu: %s", i, result.text);
		dialogue_close(&dialogue);
	}
}
END_TEST

static const struct {
	struct dialogue_terms terms;
	const char *server, *title, *words;
	size_t count;
} words[] = {
	{TCP(), "127.0.0.1:80", "tcp", BYTES("")},
	{HTTP(), "127.0.0.1:8008", "http GET /",
	 BYTES("GET / HTTP/1.1\r\nHost: 127.0.0.1:8008\r\nConnection: close\r\n"
	       "User-Agent: uringproxy-check\r\n\r\n")},
	{HTTP(.request = "HEAD /up?a=b", .host = "www.example"), "[::1]:80", "http HEAD /up?a=b",
	 BYTES("HEAD /up?a=b HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n"
	       "User-Agent: uringproxy-check\r\n\r\n")},
	{HTTP(), "unix:/run/s", "http GET /",
	 BYTES("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	       "User-Agent: uringproxy-check\r\n\r\n")},
	{SEND(.send = "version\\r\\n", .expect = "VERSION "), "127.0.0.1:80", "send",
	 BYTES("version\r\n")},
	{REDIS(), "127.0.0.1:80", "redis PING", BYTES("PING\r\nQUIT\r\n")},
	{REDIS(.expect = "role:slave"), "127.0.0.1:80", "redis INFO",
	 BYTES("INFO replication\r\nQUIT\r\n")},
	{MYSQL(), "127.0.0.1:80", "mysql", BYTES("")},
	{MYSQL(.user = "check"), "127.0.0.1:80", "mysql",
	 BYTES("\x27\0\0\1\1\x82\0\0\0\0\0\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "check\0\0\1\0\0\0\1")},
	{POSTGRES(.user = "check"), "127.0.0.1:80", "postgres",
	 BYTES("\0\0\0\x14\0\3\0\0user\0check\0\0")},
};

START_TEST(what_is_said_is_as_the_protocols_have_it)
{
	for (size_t i = 0; i < array_size(words); i++) {
		struct dialogue dialogue = opened(&words[i].terms, words[i].server);

		ck_assert_str_eq(dialogue.title, words[i].title);
		ck_assert_uint_eq(dialogue.word_count, words[i].count);
		if (words[i].count)
			ck_assert_mem_eq(dialogue.words, words[i].words, words[i].count);
		dialogue_close(&dialogue);
	}
}
END_TEST

START_TEST(some_are_over_when_all_is_said)
{
	const struct dialogue_terms terms[] = {TCP(), SEND(.send = "a"), SEND(.expect = "a"),
					       HTTP()};
	const bool silent[] = {true, true, false, false};

	for (size_t i = 0; i < array_size(terms); i++) {
		struct dialogue dialogue = opened(&terms[i], "127.0.0.1:80");

		ck_assert_int_eq(dialogue_is_silent(&dialogue), silent[i]);
		dialogue_close(&dialogue);
	}
}
END_TEST

START_TEST(mistakes_are_shown)
{
	static const struct {
		struct dialogue_terms terms;
		const char *why;
	} cases[] = {
		{HTTP(.request = "/"), "\"/\" is no method and path; write for example GET /"},
		{HTTP(.request = "GET"), "\"GET\" is no method"},
		{HTTP(.request = "GET health"), "is no method"},
		{HTTP(.request = "GET / HTTP/1.0"), "is no method"},
		{HTTP(.request = "GET /\r\nA: b"), "is no method"},
		{HTTP(.expect = "OK"), "\"OK\" is no HTTP status"},
		{HTTP(.expect = "200 *"), "expects nothing"},
		{HTTP(.expect = "20 *ok"), "\"20\" is no HTTP status"},
		{SEND(.send = "\\q"), "is none of"},
		{SEND(.expect = "*"), "expects nothing"},
		{REDIS(.expect = "hex:1"), "and not \"1\""},
		{MYSQL(.user = "012345678901234567890123456789012345678901234567890123456789"
			       "012345678901234567890"),
		 "at most 80 bytes"},
		{POSTGRES(.user = "012345678901234567890123456789012345678901234567890123456789012"
				  "3"),
		 "at most 63 bytes"},
	};
	struct address address;
	const char *wrong;

	ck_assert_int_eq(address_parse(&address, "127.0.0.1:80", ADDRESS_FOR_CONNECT, &wrong), 0);
	for (size_t i = 0; i < array_size(cases); i++) {
		char why[VALUE_WHY_MAX] = "";
		struct dialogue dialogue;

		ck_assert_int_eq(dialogue_open(&dialogue, &cases[i].terms, &address, why), -EINVAL);
		ck_assert_msg(strstr(why, cases[i].why), "%s", why);
	}
}
END_TEST

START_TEST(no_more_is_looked_at_than_16_kib)
{
	static uint8_t much[DIALOGUE_HEARD_MAX];
	const struct dialogue_terms terms = SEND(.expect = "*well");
	const struct heard heard = {much, sizeof(much), true, true};
	struct dialogue dialogue = opened(&terms, "127.0.0.1:80");
	struct check_result result;

	ck_assert_int_eq(dialogue_hear(&dialogue, &heard, &result), DIALOGUE_OVER);
	ck_assert_int_eq(result.code, CHECK_L7RSP);
	ck_assert_str_eq(result.text, "answered 16384 bytes without what is wanted");
	dialogue_close(&dialogue);
}
END_TEST

SUITE("dialogue", an_answer_is_understood_however_it_comes,
      what_follows_an_answer_does_not_change_it, what_is_said_is_as_the_protocols_have_it,
      some_are_over_when_all_is_said, mistakes_are_shown, no_more_is_looked_at_than_16_kib)
