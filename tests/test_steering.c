/* What an operator has said outlives editions, and who said it is known. */
#include "control/steering.h"
#include "session/engine.h"
#include "session/section.h"
#include "session/tally.h"
#include "support/suite.h"

#include "ops/events.h"

#include <errno.h>

static struct ledger ledger;
static struct engine engine;
static struct events *events;
static unsigned changes;

static void on_change(void *owner)
{
	(*(unsigned *)owner)++;
}

/* An edition of as many services as there are names. */
struct sample {
	struct config config;
	struct config_section configs[2];
	struct section sections[2];
	struct edition edition;
};

static const struct edition *make(struct sample *sample, enum config_level level, const char *first,
				  const char *second)
{
	const char *names[] = {first, second};

	*sample = (struct sample){.config.level = level};
	sample->edition = (struct edition){
		.number = 1, .config = &sample->config, .sections = sample->sections};
	for (uint32_t i = 0; i < 2 && names[i]; i++, sample->edition.section_count++) {
		sample->configs[i].name = (char *)names[i];
		sample->sections[i].config = &sample->configs[i];
		sample->sections[i].account = ledger_account(&ledger, names[i]);
		ck_assert_ptr_nonnull(sample->sections[i].account);
	}
	return &sample->edition;
}

static void begin(struct steering *steering, const struct edition *edition)
{
	log_open((enum log_level)edition->config->level);
	ck_assert_int_eq(events_open(&events), 0);
	ck_assert_int_eq(steering_begin(steering, &(struct steering_place){.events = events,
									   .engine = &engine,
									   .edition = edition,
									   .changed = on_change,
									   .owner = &changes}),
			 0);
}

static void end(struct steering *steering)
{
	steering_end(steering);
	events_close(events);
	ledger_close(&ledger);
}

START_TEST(a_level_holds_until_a_configuration_says_another)
{
	struct steering steering;
	struct sample one, same, other;

	ledger_open(&ledger, 1, TALLY_COUNT);
	begin(&steering, make(&one, CONFIG_LEVEL_WARNING, NULL, NULL));
	ck_assert(!log_enabled(LOG_LEVEL_INFO));
	steering_log_level(&steering, LOG_LEVEL_DEBUG, "me");
	ck_assert(log_enabled(LOG_LEVEL_DEBUG));
	ck_assert_str_eq(steering.level_said.by, "me");
	steering_adopted(&steering, make(&same, CONFIG_LEVEL_WARNING, NULL, NULL));
	ck_assert(log_enabled(LOG_LEVEL_DEBUG));
	ck_assert_str_eq(steering.level_said.by, "me");
	steering_adopted(&steering, make(&other, CONFIG_LEVEL_ERROR, NULL, NULL));
	ck_assert(!log_enabled(LOG_LEVEL_WARNING));
	ck_assert_str_eq(steering.level_said.by, "");
	ck_assert_int_eq(steering.level, steering.configured);
	end(&steering);
}
END_TEST

START_TEST(what_is_drained_remains_so_by_its_name)
{
	struct steering steering;
	struct sample one, without, again;
	struct account *account;

	ledger_open(&ledger, 1, TALLY_COUNT);
	begin(&steering, make(&one, CONFIG_LEVEL_ERROR, "a", "b"));
	account = one.sections[1].account;
	ck_assert_int_eq(steering_drain(&steering, "b", "me"), 0);
	ck_assert_int_eq(steering_drain(&steering, "b", "another"), 0);
	ck_assert_int_eq(steering_drain(&steering, "c", "me"), -ENOENT);
	ck_assert(account->drained && !one.sections[0].account->drained);
	steering_adopted(&steering, make(&without, CONFIG_LEVEL_ERROR, "a", NULL));
	ck_assert_int_eq(steering_drain(&steering, "b", "me"), -ENOENT);
	ck_assert_ptr_nonnull(steering.drains);
	steering_adopted(&steering, make(&again, CONFIG_LEVEL_ERROR, "b", NULL));
	ck_assert(again.sections[0].account->drained);
	ck_assert_str_eq(steering.drains->said.by, "me");
	steering_adopted(&steering, &without.edition);
	ck_assert_int_eq(steering_undrain(&steering, "b", "me"), 0);
	ck_assert(!account->drained);
	ck_assert_int_eq(steering_undrain(&steering, "b", "me"), -ENOENT);
	ck_assert_int_eq(steering_undrain(&steering, "a", "me"), 0);
	ck_assert_uint_eq(changes, 0);
	end(&steering);
}
END_TEST

START_TEST(the_daemon_is_drained_and_what_has_a_name_by_itself)
{
	struct steering steering;
	struct sample one;

	ledger_open(&ledger, 1, TALLY_COUNT);
	begin(&steering, make(&one, CONFIG_LEVEL_ERROR, "a", NULL));
	ck_assert_int_eq(steering_drain(&steering, NULL, "me"), 0);
	ck_assert_int_eq(steering_drain(&steering, NULL, "another"), 0);
	ck_assert_int_eq(steering_drain(&steering, "a", "me"), 0);
	ck_assert(engine.drained && steering_is_drained(&steering));
	ck_assert_str_eq(steering.drained.by, "me");
	ck_assert_uint_eq(changes, 1);
	ck_assert_int_eq(steering_undrain(&steering, NULL, "me"), 0);
	ck_assert_int_eq(steering_undrain(&steering, NULL, "me"), 0);
	ck_assert_uint_eq(changes, 2);
	ck_assert(!engine.drained && one.sections[0].account->drained);
	end(&steering);
}
END_TEST

SUITE("control: steering", a_level_holds_until_a_configuration_says_another,
      what_is_drained_remains_so_by_its_name, the_daemon_is_drained_and_what_has_a_name_by_itself)
