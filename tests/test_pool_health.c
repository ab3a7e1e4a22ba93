/* How checks in a row change what is believed of a server, beside a model that only counts. */
#include "pool/health.h"

#include "support/suite.h"

#include <stdio.h>

#define LIMIT_MAX 5
#define RESULTS   12

/* What the manual says, word for word: no points. */
struct model {
	uint32_t rise, fall;
	bool up;
	uint32_t against; /* results in a row that speak against it */
};

static bool model_note(struct model *model, bool good)
{
	model->against = good == model->up ? 0 : model->against + 1;
	if (model->against < (model->up ? model->fall : model->rise))
		return false;
	model->up = !model->up;
	model->against = 0;
	return true;
}

static void compare_words(const struct health *health, const struct model *model)
{
	uint32_t of = model->up ? model->fall : model->rise;
	char expected[HEALTH_WORDS_MAX], text[HEALTH_WORDS_MAX];

	if (model->against)
		snprintf(expected, sizeof(expected), "%s %u/%u", model->up ? "up" : "down",
			 model->up ? of - model->against : model->against, of);
	else
		snprintf(expected, sizeof(expected), "%s", model->up ? "up" : "down");
	ck_assert_str_eq(health_words(health, text), expected);
}

static void play(uint32_t rise, uint32_t fall, bool up, unsigned results)
{
	struct model model = {.rise = rise, .fall = fall, .up = up};
	struct health health;

	health_init(&health, rise, fall);
	ck_assert(health_is_up(&health));
	ck_assert(health_note(&health, up)); /* the first decides */
	for (unsigned i = 0; i < RESULTS; i++) {
		bool good = results >> i & 1, changed = model_note(&model, good);

		if (health_note(&health, good) != changed || health_is_up(&health) != model.up ||
		    health_is_changing(&health) != (model.against > 0))
			ck_abort_msg("rise %u, fall %u, results %x: wrong after %u", rise, fall,
				     results, i + 1);
	}
	compare_words(&health, &model);
}

START_TEST(every_sequence_of_results_is_believed_as_a_model_that_counts_believes_it)
{
	for (uint32_t rise = 1; rise <= LIMIT_MAX; rise++)
		for (uint32_t fall = 1; fall <= LIMIT_MAX; fall++)
			for (unsigned results = 0; results < 1u << RESULTS; results++) {
				play(rise, fall, true, results);
				play(rise, fall, false, results);
			}
}
END_TEST

START_TEST(the_first_check_decides_alone)
{
	struct health health;
	char text[HEALTH_WORDS_MAX];

	health_init(&health, 2, 3);
	ck_assert(!health.known);
	ck_assert(health_note(&health, false));
	ck_assert_str_eq(health_words(&health, text), "down");
	ck_assert(!health_note(&health, true));
	ck_assert_str_eq(health_words(&health, text), "down 1/2");
	ck_assert(health_note(&health, true));
	ck_assert_str_eq(health_words(&health, text), "up");
}
END_TEST

START_TEST(other_limits_leave_what_is_believed)
{
	struct health health;
	char text[HEALTH_WORDS_MAX];

	for (uint32_t from = 0; from < LIMIT_MAX * LIMIT_MAX; from++)
		for (uint32_t to = 0; to < LIMIT_MAX * LIMIT_MAX; to++)
			for (uint32_t points = 0; points < from % LIMIT_MAX + from / LIMIT_MAX + 1;
			     points++) {
				bool up;

				health_init(&health, from % LIMIT_MAX + 1, from / LIMIT_MAX + 1);
				health.points = points;
				up = health_is_up(&health);
				health_limit(&health, to % LIMIT_MAX + 1, to / LIMIT_MAX + 1);
				ck_assert_int_eq(health_is_up(&health), up);
				ck_assert_uint_lt(health.points, health.rise + health.fall);
			}
	health_init(&health, 2, 5);
	health_note(&health, true);
	health_note(&health, false);
	health_note(&health, false);
	ck_assert_str_eq(health_words(&health, text), "up 3/5");
	health_limit(&health, 1, 10);
	ck_assert_str_eq(health_words(&health, text), "up 3/10");
	health_limit(&health, 1, 2);
	ck_assert_str_eq(health_words(&health, text), "up");
}
END_TEST

SUITE("pool health", every_sequence_of_results_is_believed_as_a_model_that_counts_believes_it,
      the_first_check_decides_alone, other_limits_leave_what_is_believed)
