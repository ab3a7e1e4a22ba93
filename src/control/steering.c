#include "control/steering.h"

#include "config/schema.h"

#include <stdio.h>
#include <time.h>

static const struct config *config_of(const struct steering *steering)
{
	return (*steering->edition)->config;
}

static struct steering_mark mark(const char *by)
{
	struct steering_mark made;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	made.at_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	snprintf(made.by, sizeof(made.by), "%s", by);
	return made;
}

void steering_begin(struct steering *steering, struct events *events,
		    struct edition *const *edition)
{
	*steering = (struct steering){.events = events, .edition = edition};
	steering->level = (enum log_level)config_of(steering)->level;
}

/* ---- What is logged -------------------------------------------------------------------------- */

const char *const *steering_levels(void)
{
	return schema_find("level", IN_LOG)->words;
}

/* It is written whatever the level: who reads the log later sees what it has had from when on. */
static void set_level(struct steering *steering, enum log_level level, const char *why)
{
	log_write(LOG_LEVEL_INFO, "log level is %s from now on (%s); it was %s",
		  steering_levels()[level], why, steering_levels()[steering->level]);
	steering->level = level;
	log_set_level(level);
}

void steering_log_level(struct steering *steering, enum log_level level, const char *by)
{
	bool is_as_configured = (enum config_level)level == config_of(steering)->level;

	if (level != steering->level)
		set_level(steering, level, by);
	steering->level_said = is_as_configured ? (struct steering_mark){0} : mark(by);
}

void steering_adopted(struct steering *steering, const struct config *before)
{
	const struct config *config = config_of(steering);
	enum log_level level = (enum log_level)config->level;

	if (config->level == before->level)
		return;
	steering->level_said = (struct steering_mark){0};
	if (level != steering->level)
		set_level(steering, level, "as the configuration says");
}
