/* When a name is asked for again, and what is believed, on a clock that is not one. */
#include "names/refresh.h"

#include "support/suite.h"

static const struct refresh_rules rules = {5000, 300000, REFRESH_FOR_EVER};

#define LATE  0u         /* no jitter */
#define EARLY UINT32_MAX /* all of it */

static struct name_answer found(uint32_t ttl_s)
{
	return (struct name_answer){.status = NAME_FOUND, .ttl_s = ttl_s};
}

static struct name_answer no(enum name_status status, uint32_t ttl_s)
{
	return (struct name_answer){.status = status, .ttl_s = ttl_s};
}

/* Until the next question, after that answer, of a name that was found before. */
static uint64_t wait_after(struct name_answer answer, uint32_t random)
{
	struct refresh refresh;

	refresh_begin(&refresh, 1, 0);
	refresh_ask(&refresh);
	(void)refresh_hear(&refresh, &rules, &answer, 100000, random);
	return refresh.due_ms - 100000;
}

START_TEST(a_name_is_asked_for_again_after_its_time_to_live_between_the_limits)
{
	ck_assert_uint_eq(wait_after(found(30), LATE), 30000);
	ck_assert_uint_eq(wait_after(found(0), LATE), 5000);
	ck_assert_uint_eq(wait_after(found(1), LATE), 5000);
	ck_assert_uint_eq(wait_after(found(86400), LATE), 300000);
	/* /etc/hosts does not say. */
	ck_assert_uint_eq(wait_after(found(NAME_NO_TTL), LATE), 5000);
}
END_TEST

START_TEST(up_to_a_tenth_is_left_to_chance_and_never_too_soon)
{
	for (uint32_t random = 0; random < UINT32_MAX - 0x1000000; random += 0x1000000) {
		uint64_t wait = wait_after(found(30), random), least = wait_after(found(0), random);

		ck_assert_uint_ge(wait, 27000);
		ck_assert_uint_le(wait, 30000);
		ck_assert_uint_ge(least, 5000);
		ck_assert_uint_le(least, 5500);
	}
	ck_assert_uint_le(wait_after(found(30), EARLY), 27001);
	ck_assert_uint_ge(wait_after(found(0), EARLY), 5499);
}
END_TEST

START_TEST(a_name_nobody_can_say_anything_of_is_asked_for_less_and_less)
{
	static const struct refresh_rules quick = {100, 300000, REFRESH_FOR_EVER};
	static const uint64_t waits[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
	static const uint64_t bounded[] = {5000, 5000, 5000, 8000, 16000, 30000, 30000, 30000};
	struct refresh refresh, other;

	refresh_begin(&refresh, 0, 0);
	refresh_begin(&other, 0, 0);
	for (size_t i = 0; i < array_size(waits); i++) {
		struct name_answer answer = no(i % 2 ? NAME_SILENT : NAME_FAILED, NAME_NO_TTL);

		ck_assert_int_eq(refresh_hear(&refresh, &quick, &answer, 1000, LATE), REFRESH_KEEP);
		ck_assert_uint_eq(refresh.due_ms, 1000 + waits[i]);
		(void)refresh_hear(&other, &rules, &answer, 1000, LATE);
		ck_assert_uint_eq(other.due_ms, 1000 + bounded[i]);
	}
	/* Patience begins anew. */
	(void)refresh_hear(&refresh, &quick, &(struct name_answer){.ttl_s = 9}, 2000, LATE);
	ck_assert_uint_eq(refresh.due_ms, 2000 + 9000);
	(void)refresh_hear(&refresh, &quick, &(struct name_answer){.status = NAME_SILENT}, 2000,
			   LATE);
	ck_assert_uint_eq(refresh.due_ms, 2000 + 1000);
}
END_TEST

START_TEST(a_name_that_is_not_there_is_not_asked_for_while_that_may_be_believed)
{
	struct refresh refresh;
	struct name_answer answer = no(NAME_NO_NAME, 60);

	refresh_begin(&refresh, 0, 0);
	for (int i = 0; i < 5; i++) {
		(void)refresh_hear(&refresh, &rules, &answer, 1000, LATE);
		ck_assert_uint_eq(refresh.due_ms, 1000 + 60000);
	}
	answer.ttl_s = 86400;
	(void)refresh_hear(&refresh, &rules, &answer, 1000, LATE);
	ck_assert_uint_eq(refresh.due_ms, 1000 + 300000);
	answer.ttl_s = 0; /* no loop */
	(void)refresh_hear(&refresh, &rules, &answer, 1000, LATE);
	ck_assert_uint_eq(refresh.due_ms, 1000 + 5000);
}
END_TEST

START_TEST(nothing_is_believed_when_it_is_heard_the_third_time_in_a_row)
{
	static const enum name_status nothings[] = {NAME_NO_NAME, NAME_NO_DATA};
	struct refresh refresh;

	refresh_begin(&refresh, 1, 0);
	for (int flap = 0; flap < 3; flap++) {
		for (int i = 0; i < 2; i++) {
			struct name_answer answer = no(nothings[i], 60);

			ck_assert_int_eq(refresh_hear(&refresh, &rules, &answer, 1000, LATE),
					 REFRESH_KEEP);
			ck_assert(refresh_is_stale(&refresh));
			/* Asked for at once, until it is known. */
			ck_assert_uint_eq(refresh.due_ms, 1000 + 5000);
		}
		ck_assert_int_eq(refresh_hear(&refresh, &rules, &(struct name_answer){.ttl_s = 30},
					      1000, LATE),
				 REFRESH_USE);
		ck_assert(!refresh_is_stale(&refresh));
	}
	for (int i = 0; i < 3; i++) {
		struct name_answer answer = no(NAME_NO_NAME, 60), silent = no(NAME_SILENT, 0);

		/* Silence in between says nothing at all. */
		ck_assert_int_eq(refresh_hear(&refresh, &rules, &silent, 1000, LATE), REFRESH_KEEP);
		ck_assert_int_eq(refresh_hear(&refresh, &rules, &answer, 1000, LATE),
				 i < 2 ? REFRESH_KEEP : REFRESH_DROP);
	}
	ck_assert(!refresh.has_set && !refresh_is_stale(&refresh));
	ck_assert_uint_eq(refresh.due_ms, 1000 + 60000);
}
END_TEST

START_TEST(a_service_that_is_denied_is_not_used_any_more)
{
	struct refresh refresh;
	struct name_answer answer = no(NAME_DENIED, 60);

	refresh_begin(&refresh, 1, 0);
	ck_assert_int_eq(refresh_hear(&refresh, &rules, &answer, 1000, LATE), REFRESH_DROP);
}
END_TEST

START_TEST(what_was_found_is_held_for_ever_or_as_long_as_is_said)
{
	static const struct refresh_rules held = {1000, 300000, 10000};
	struct name_answer good = found(4), bad = no(NAME_SILENT, 0);
	struct refresh refresh, other;

	refresh_begin(&refresh, 0, 0);
	refresh_begin(&other, 0, 0);
	(void)refresh_hear(&refresh, &held, &good, 1000, LATE);
	(void)refresh_hear(&other, &rules, &good, 1000, LATE);
	for (uint64_t now = 5000; now < 11000; now += 2000)
		ck_assert_int_eq(refresh_hear(&refresh, &held, &bad, now, LATE), REFRESH_KEEP);
	/* It is looked at in time, and not when patience has come to its end. */
	ck_assert_uint_eq(refresh.due_ms, 11000);
	ck_assert_int_eq(refresh_hear(&refresh, &held, &bad, 11000, LATE), REFRESH_DROP);
	ck_assert_uint_gt(refresh.due_ms, 11000);
	ck_assert_int_eq(refresh_hear(&other, &rules, &bad, 1000000000, LATE), REFRESH_KEEP);
	/* It comes back. */
	ck_assert_int_eq(refresh_hear(&refresh, &held, &good, 20000, LATE), REFRESH_USE);
	ck_assert_uint_eq(refresh.due_ms, 24000);
}
END_TEST

START_TEST(half_an_answer_is_used_and_asked_for_again_soon)
{
	struct name_answer answer = found(300);
	struct refresh refresh;

	answer.unknown = NAME_HAS_V6;
	refresh_begin(&refresh, 1, 0);
	ck_assert_int_eq(refresh_hear(&refresh, &rules, &answer, 1000, LATE), REFRESH_USE);
	ck_assert_uint_eq(refresh.due_ms, 1000 + 5000);
	ck_assert(refresh_is_stale(&refresh));
	answer.unknown = 0;
	ck_assert_int_eq(refresh_hear(&refresh, &rules, &answer, 1000, LATE), REFRESH_USE);
	ck_assert_uint_eq(refresh.due_ms, 1000 + 300000);
	ck_assert(!refresh_is_stale(&refresh));
}
END_TEST

START_TEST(what_is_known_from_before_is_used_at_once_and_asked_for_when_it_was_due)
{
	struct refresh refresh;

	refresh_begin(&refresh, 700, 5700);
	ck_assert(refresh.has_set);
	ck_assert_uint_eq(refresh.due_ms, 5700);
	refresh_ask(&refresh);
	ck_assert_uint_eq(refresh.due_ms, UINT64_MAX);
}
END_TEST

SUITE("names: refreshing", a_name_is_asked_for_again_after_its_time_to_live_between_the_limits,
      up_to_a_tenth_is_left_to_chance_and_never_too_soon,
      a_name_nobody_can_say_anything_of_is_asked_for_less_and_less,
      a_name_that_is_not_there_is_not_asked_for_while_that_may_be_believed,
      nothing_is_believed_when_it_is_heard_the_third_time_in_a_row,
      a_service_that_is_denied_is_not_used_any_more,
      what_was_found_is_held_for_ever_or_as_long_as_is_said,
      half_an_answer_is_used_and_asked_for_again_soon,
      what_is_known_from_before_is_used_at_once_and_asked_for_when_it_was_due)
