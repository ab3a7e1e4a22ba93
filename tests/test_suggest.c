/* What may have been meant by a word that is none. */
#include "config/suggest.h"
#include "support/suite.h"

#include <string.h>

static const char *suggested(const char *word, const char *const *offered)
{
	struct suggest suggest;

	suggest_begin(&suggest, word);
	for (; *offered; offered++)
		suggest_offer(&suggest, *offered);
	return suggest.best ? suggest.best : "";
}

static const char *const words[] = {"check", "check_every", "check_fall", "queue", "on_up", NULL};

START_TEST(the_nearest_word_is_suggested)
{
	ck_assert_str_eq(suggested("chek", words), "check");
	ck_assert_str_eq(suggested("checkevery", words), "check_every");
	ck_assert_str_eq(suggested("check_fal", words), "check_fall");
	ck_assert_str_eq(suggested("qeueu", words), "queue");
	ck_assert_str_eq(suggested("ON-UP", words), "on_up");
}
END_TEST

START_TEST(what_is_far_from_all_of_them_is_not)
{
	ck_assert_str_eq(suggested("listen", words), "");
	ck_assert_str_eq(suggested("on", (const char *const[]){"at_up", NULL}), "");
	ck_assert_str_eq(suggested("", words), "");
}
END_TEST

START_TEST(of_two_that_are_as_near_the_first_is_suggested)
{
	ck_assert_str_eq(suggested("cat", (const char *const[]){"cot", "cut", NULL}), "cot");
}
END_TEST

START_TEST(a_long_word_is_compared_by_its_beginning)
{
	char longer[300];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	ck_assert_str_eq(suggested(longer, words), "");
}
END_TEST

START_TEST(case_and_dashes_make_no_difference)
{
	ck_assert(suggest_is_same("check_every", "CheckEvery"));
	ck_assert(suggest_is_same("check-every", "check_every"));
	ck_assert(suggest_is_same("_check__every_", "checkevery"));
	ck_assert(suggest_is_same("", "-_"));
	ck_assert(!suggest_is_same("check", "checks"));
	ck_assert(!suggest_is_same("checks", "check"));
	ck_assert(!suggest_is_same("check", ""));
}
END_TEST

SUITE("suggest", the_nearest_word_is_suggested, what_is_far_from_all_of_them_is_not,
      of_two_that_are_as_near_the_first_is_suggested, a_long_word_is_compared_by_its_beginning,
      case_and_dashes_make_no_difference)
