/* Text that grows, and what others wrote in it, as each language has it. */
#include "base/sheet.h"
#include "base/utf8.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

static const char *escaped(void (*add)(struct sheet *, const char *), const char *text)
{
	static char said[512];
	struct sheet sheet = {0};

	add(&sheet, text);
	ck_assert_uint_lt(sheet.used, sizeof(said));
	strcpy(said, sheet_text(&sheet));
	sheet_done(&sheet);
	return said;
}

START_TEST(what_is_written_stands_there_however_long_it_gets)
{
	struct sheet sheet = {0};
	size_t length = 0;

	ck_assert_str_eq(sheet_text(&sheet), "");
	for (unsigned i = 0; i < 10000; i++) {
		sheet_add(&sheet, "%u,", i);
		sheet_put(&sheet, "x", 1);
		ck_assert_uint_eq(strlen(sheet_text(&sheet)), sheet.used);
	}
	for (unsigned i = 0; i < 10000; i++) {
		char wanted[16];
		int n = snprintf(wanted, sizeof(wanted), "%u,x", i);

		ck_assert_int_eq(strncmp(sheet_text(&sheet) + length, wanted, (size_t)n), 0);
		length += (size_t)n;
	}
	ck_assert_uint_eq(length, sheet.used);
	sheet_done(&sheet);
	ck_assert_str_eq(sheet_text(&sheet), "");
}
END_TEST

START_TEST(text_of_the_very_room_that_is_left_has_its_end_too)
{
	static char text[9000];

	memset(text, 'a', sizeof(text) - 1);
	for (int length = 4090; length < 4100; length++) {
		struct sheet sheet = {0}, put = {0};

		sheet_add(&sheet, "%.*s", length, text);
		sheet_put(&put, text, (size_t)length);
		ck_assert_uint_eq(strlen(sheet_text(&sheet)), (size_t)length);
		ck_assert_uint_eq(strlen(sheet_text(&put)), (size_t)length);
		sheet_done(&sheet);
		sheet_done(&put);
	}
}
END_TEST

START_TEST(a_sheet_without_memory_says_so_at_the_end)
{
	struct sheet sheet = {.failed = true};

	sheet_add(&sheet, "%d", 1);
	sheet_put(&sheet, "1", 1);
	ck_assert_ptr_null(sheet_text(&sheet));
	sheet_done(&sheet);
	ck_assert_str_eq(sheet_text(&sheet), "");
}
END_TEST

START_TEST(text_of_others_cannot_leave_its_place)
{
	ck_assert_str_eq(escaped(sheet_add_json, "a\"b\\c\n\x7f<\xc3\xa4\xff"),
			 "\"a\\\"b\\\\c\\u000a\\u007f<\xc3\xa4\xef\xbf\xbd\"");
	ck_assert_str_eq(escaped(sheet_add_html, "<b a='1' c=\"2\">&\n\xc3\xa4\xc3"),
			 "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;?\xc3\xa4\xef\xbf\xbd");
	ck_assert_str_eq(escaped(sheet_add_label, "a\"b\\c\nd\r\xc3\xa4\xc3"),
			 "a\\\"b\\\\c\\nd?\xc3\xa4\xef\xbf\xbd");
}
END_TEST

START_TEST(only_what_rfc_3629_has_is_a_character)
{
	ck_assert_uint_eq(utf8_length("a"), 1);
	ck_assert_uint_eq(utf8_length("\xc3\xa4"), 2);
	ck_assert_uint_eq(utf8_length("\xe2\x82\xac"), 3);
	ck_assert_uint_eq(utf8_length("\xf0\x9f\x98\x80"), 4);
	ck_assert_uint_eq(utf8_length("\xc0\x80"), 0);         /* overlong */
	ck_assert_uint_eq(utf8_length("\xed\xa0\x80"), 0);     /* a surrogate */
	ck_assert_uint_eq(utf8_length("\xf4\x90\x80\x80"), 0); /* beyond the last */
	ck_assert_uint_eq(utf8_length("\xe2\x82"), 0);         /* cut off */
	ck_assert_uint_eq(utf8_length("\x80"), 0);
}
END_TEST

SUITE("sheet", what_is_written_stands_there_however_long_it_gets,
      text_of_the_very_room_that_is_left_has_its_end_too, a_sheet_without_memory_says_so_at_the_end,
      text_of_others_cannot_leave_its_place, only_what_rfc_3629_has_is_a_character)
