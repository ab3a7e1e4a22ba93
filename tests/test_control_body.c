/* Bodies of requests: what they may say is taken, and everything else named. */
#include "control/body.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

static const char *level, *reason;
static const struct body_field fields[] = {{.name = "level", .text = &level, .needed = true},
					   {.name = "reason", .text = &reason},
					   {0}};
static const struct body_field none[] = {{0}};

static char why[BODY_WHY_MAX];

static int try(const char *text, const struct body_field *which)
{
	json_t *body = NULL;
	int r;

	level = reason = NULL;
	r = body_read(text, strlen(text), which, &body, why);
	if (r == 0 && level)
		ck_assert_str_eq(level, "debug");
	json_decref(body);
	return r;
}

START_TEST(what_is_asked_for_is_taken)
{
	ck_assert_int_eq(try("{\"level\": \"debug\"}", fields), 0);
	ck_assert_ptr_nonnull(level);
	ck_assert_ptr_null(reason);
	ck_assert_int_eq(try(" {\"reason\":\"\\u00e9\", \"level\":\"debug\"}\n", fields), 0);
	ck_assert_ptr_nonnull(reason);
	ck_assert_int_eq(try("", none), 0);
	ck_assert_int_eq(try("{}", none), 0);
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"", "the body has to have \"level\""},
		{"{}", "the body has to have \"level\""},
		{"{", "the body is no JSON at its line 1, column 1"},
		{"level=debug", "the body is no JSON at its line 1"},
		{"{\"level\":\"debug\"} x", "the body is no JSON at its line 1"},
		{"{\"level\":\"debug\",\"level\":\"info\"}", "the body is no JSON at its line 1"},
		{"{\"level\":\"\\ud800\"}", "the body is no JSON at its line 1"},
		{"{\"level\":\"\xff\"}", "the body is no JSON at its line 1"},
		{"{\"level\":\"a\\u0000b\"}", "the body is no JSON at its line 1"},
		{"[\"level\"]", "the body is JSON, but no object"},
		{"{\"level\":1}", "\"level\" in the body has to be a text"},
		{"{\"level\":{\"level\":\"debug\"}}", "\"level\" in the body has to be a text"},
		{"{\"level\":null}", "\"level\" in the body has to be a text"},
		{"{\"level\":\"\\n\"}", "\"level\" in the body has characters of control in it"},
		{"{\"level\":\"debug\",\"file\":\"/etc/passwd\"}",
		 "the body may not have \"file\": what it may have is level, reason"},
	};
	char text[600];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(try(wrong[i].text, fields), -EINVAL);
		ck_assert_msg(!strncmp(why, wrong[i].why, strlen(wrong[i].why)), "%s: %s",
			      wrong[i].text, why);
	}
	ck_assert_int_eq(try("{\"level\":\"debug\"}", none), -EINVAL);
	ck_assert_str_eq(why, "the body may not have \"level\": what it may have is none");
	snprintf(text, sizeof(text), "{\"level\":\"%0500d\"}", 0);
	ck_assert_int_eq(try(text, fields), -EINVAL);
	ck_assert_str_eq(why, "\"level\" in the body is longer than 255 bytes");
}
END_TEST

START_TEST(numbers_are_whole_and_within_their_range)
{
	static const struct {
		const char *text;
		int result;
		bool given, null;
		uint32_t value;
	} known[] = {
		{"{}", 0, false, false, 0},
		{"{\"weight\":0}", 0, true, false, 0},
		{"{\"weight\":256}", 0, true, false, 256},
		{"{\"weight\":null}", 0, true, true, 0},
		{"{\"weight\":257}", -EINVAL, false, false, 0},
		{"{\"weight\":-1}", -EINVAL, false, false, 0},
		{"{\"weight\":1.0}", -EINVAL, false, false, 0},
		{"{\"weight\":1e2}", -EINVAL, false, false, 0},
		{"{\"weight\":\"5\"}", -EINVAL, false, false, 0},
		{"{\"weight\":true}", -EINVAL, false, false, 0},
		{"{\"weight\":[5]}", -EINVAL, false, false, 0},
		{"{\"weight\":4294967297}", -EINVAL, false, false, 0},
		{"{\"weight\":99999999999999999999}", -EINVAL, false, false, 0},
	};
	struct body_number weight;
	const struct body_field numbers[] = {{.name = "weight", .number = &weight, .most = 256},
					     {0}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		weight = (struct body_number){0};
		ck_assert_int_eq(try(known[i].text, numbers), known[i].result);
		ck_assert_int_eq(weight.given, known[i].given);
		ck_assert_int_eq(weight.null, known[i].null);
		ck_assert_uint_eq(weight.value, known[i].value);
	}
	ck_assert_int_eq(try("{\"weight\":257}", numbers), -EINVAL);
	ck_assert_str_eq(why, "\"weight\" in the body has to be a whole number, 0..256, or null");
}
END_TEST

START_TEST(a_body_of_brackets_alone_is_no_json_and_takes_no_stack)
{
	char *text = malloc(1 << 20);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', (1 << 20) - 1);
	text[(1 << 20) - 1] = 0;
	ck_assert_int_eq(try(text, fields), -EINVAL);
	free(text);
}
END_TEST

SUITE_OF("control: bodies", 10, ONCE(what_is_asked_for_is_taken), ONCE(what_is_wrong_is_said),
	 ONCE(numbers_are_whole_and_within_their_range),
	 ONCE(a_body_of_brackets_alone_is_no_json_and_takes_no_stack))
