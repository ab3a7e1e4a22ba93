/*
 * What there is to be seen (metrics.h), gathered on the main thread from what workers count
 * and the main thread knows, without asking a worker anything.
 */
#ifndef CONTROL_GATHER_H
#define CONTROL_GATHER_H

#include "control/metrics.h"
#include "control/reading.h"
#include "ops/ledger.h"

struct engine;
struct worker;

struct gather_sources {
	const struct engine *engine;
	const struct reading *reading; /* the current one */
	const struct ledger *ledger;
	const struct worker *workers;
	const char *state;    /* "serving", ... */
	uint32_t editions;    /* this one, and those that still have connections */
	uint64_t started_ms;  /* by clock_now_ms() */
	uint64_t reloaded_ms; /* likewise, when the configuration was read last */
	bool reload_good;     /* then */
	uint64_t reloads, reloads_failed;
	const char *warning; /* NULL: there is nothing to warn of; stays the caller's */
};

/*
 * Its strings are the sources' and stay as long as the reading does.  0 or -ENOMEM;
 * gather_done() in either case.
 */
int gather(const struct gather_sources *sources, struct metrics_snapshot *ret_snapshot) must_check;
void gather_done(struct metrics_snapshot *snapshot);

#endif
