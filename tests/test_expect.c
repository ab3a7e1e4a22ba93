/* What checks send and expect, as it is written. */
#include "config/expect.h"

#include "support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(bytes_are_text_with_escapes_or_hexadecimal)
{
	static const struct {
		const char *text, *bytes;
		size_t size;
	} cases[] = {
		{"", "", 0},
		{"PING\\r\\n", "PING\r\n", 6},
		{"a\\\\b\\t", "a\\b\t", 4},
		{"\\x00\\xfF", "\0\xff", 2},
		{"hex:", "", 0},
		{"hex:160301", "\x16\x03\x01", 3},
		{"hex: 16 03  01 ", "\x16\x03\x01", 3},
		{"HEX:16", "HEX:16", 6},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		char why[VALUE_WHY_MAX];
		uint8_t bytes[64];
		size_t size;

		ck_assert_int_eq(expect_parse_bytes(bytes, &size, cases[i].text, why), 0);
		ck_assert_uint_eq(size, cases[i].size);
		ck_assert_mem_eq(bytes, cases[i].bytes, size);
	}
}
END_TEST

START_TEST(bytes_that_are_mistaken_are_shown)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"a\\q", "\"\\q\" is none of"},  {"a\\", "\"\\\" is none of"},
		{"\\x1", "\"\\x1\" is none of"}, {"\\x1g", "\"\\x1g\" is none of"},
		{"hex:1", "and not \"1\""},      {"hex:12 3", "and not \"3\""},
		{"hex:zz", "and not \"zz\""},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		char why[VALUE_WHY_MAX] = "";
		uint8_t bytes[64];
		size_t size;

		ck_assert_int_eq(expect_parse_bytes(bytes, &size, cases[i].text, why), -EINVAL);
		ck_assert_msg(strstr(why, cases[i].why), "%s", why);
	}
}
END_TEST

START_TEST(an_answer_begins_with_it_or_has_it_anywhere)
{
	char why[VALUE_WHY_MAX];
	uint8_t bytes[64];
	bool anywhere;
	size_t size;

	ck_assert_int_eq(expect_parse_answer(bytes, &size, &anywhere, "+PONG", why), 0);
	ck_assert(!anywhere && size == 5);
	ck_assert_int_eq(expect_parse_answer(bytes, &size, &anywhere, "*hex:4f4b", why), 0);
	ck_assert(anywhere && size == 2 && !memcmp(bytes, "OK", 2));
	ck_assert_int_eq(expect_parse_answer(bytes, &size, &anywhere, "\\x2a", why), 0);
	ck_assert(!anywhere && size == 1 && bytes[0] == '*');
	ck_assert_int_eq(expect_parse_answer(bytes, &size, &anywhere, "*", why), -EINVAL);
	ck_assert_int_eq(expect_parse_answer(bytes, &size, &anywhere, "hex:", why), -EINVAL);
	ck_assert_msg(strstr(why, "expects nothing"), "%s", why);
}
END_TEST

static void has_only(const char *text, const char *members)
{
	struct expect_statuses statuses;
	char why[VALUE_WHY_MAX], found[64] = "";

	ck_assert_msg(expect_parse_statuses(&statuses, text, why) == 0, "%s", why);
	for (unsigned status = 99; status <= 600; status += status == 99 ? 1 : 50) {
		char one[16];

		snprintf(one, sizeof(one), "%u ", status);
		if (expect_has_status(&statuses, status))
			strcat(found, one);
	}
	ck_assert_str_eq(found, members);
}

START_TEST(statuses_are_single_ones_ranges_and_hundreds)
{
	has_only("200", "200 ");
	has_only("200-399", "200 250 300 350 ");
	has_only("2xx", "200 250 ");
	has_only("2XX-3xx,500", "200 250 300 350 500 ");
	has_only(" 100 , 150-200, ", "100 150 200 ");
}
END_TEST

START_TEST(statuses_that_are_mistaken_are_shown)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "\"\" is no HTTP status"},
		{"OK", "\"OK\" is no HTTP status"},
		{"99", "\"99\" is no HTTP status"},
		{"600", "\"600\" is no HTTP status"},
		{"6xx", "\"6xx\" is no HTTP status"},
		{"0xx", "\"0xx\" is no HTTP status"},
		{"2x", "\"2x\" is no HTTP status"},
		{"200-", "\"200-\" is no HTTP status"},
		{"200-300-400", "is no HTTP status"},
		{"300-200", "\"300-200\" ends before it begins"},
		{"99999999999999999999999999999999999999", "is no HTTP status"},
		{"200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200 200",
		 "more than 16"},
	};

	for (size_t i = 0; i < array_size(cases); i++) {
		struct expect_statuses statuses;
		char why[VALUE_WHY_MAX] = "";

		ck_assert_int_eq(expect_parse_statuses(&statuses, cases[i].text, why), -EINVAL);
		ck_assert_msg(strstr(why, cases[i].why), "%s", why);
	}
}
END_TEST

SUITE("expect", bytes_are_text_with_escapes_or_hexadecimal, bytes_that_are_mistaken_are_shown,
      an_answer_begins_with_it_or_has_it_anywhere, statuses_are_single_ones_ranges_and_hundreds,
      statuses_that_are_mistaken_are_shown)
