/*
 * What an operator says to the daemon while it runs, beside the configuration: it holds
 * until it is taken back, or the daemon ends, whatever editions come and go; and it is
 * known who said it, and when.
 */
#ifndef CONTROL_STEERING_H
#define CONTROL_STEERING_H

#include "session/edition.h"

#include "ops/log.h"

#define STEERING_BY_MAX 80

struct events;

struct steering_mark {
	char by[STEERING_BY_MAX]; /* "user 0 (process 4242, uringproxy)"; "": it was not said */
	uint64_t at_ms;           /* since 1970 */
};

struct steering {
	struct events *events;
	struct edition *const *edition; /* the current one is there */
	enum log_level level;           /* that is in force */
	struct steering_mark level_said;
};

/* An edition is the current one, and nothing has been said yet. */
void steering_begin(struct steering *steering, struct events *events,
		    struct edition *const *edition);

/* Log so much from now on, and until a configuration comes that says otherwise than now. */
void steering_log_level(struct steering *steering, enum log_level level, const char *by);

/* Another edition has become the current one, in place of one with this configuration. */
void steering_adopted(struct steering *steering, const struct config *before);

/* "error", "warning" ...: as [log] level says it, ending with NULL. */
const char *const *steering_levels(void);

#endif
