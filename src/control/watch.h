/*
 * Looking at the daemon for those who may ask: the snapshot of now, and the last ten minutes.
 */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include "control/gather.h"
#include "control/history.h"

#include "ops/events.h"

struct watch {
	struct gather_sources sources; /* the owner's; it keeps .state true */
	struct metrics_snapshot seen;
	struct history history;
	struct event *timer;
	events_handler *looked; /* the owner's: told after each look of its own */
	void *owner;
};

/*
 * Watch from now on, every HISTORY_EVERY_MS.  Before that, and without it, nobody looks.
 * 0 or a negative errno; watch_close() in either case.
 */
int watch_open(struct watch *watch, struct events *events, const struct gather_sources *sources,
	       events_handler *looked, void *owner) must_check;
/* All zeroes is fine. */
void watch_close(struct watch *watch);

/* Another reading is current: what was seen of the one before is forgotten. */
void watch_turn(struct watch *watch, const struct reading *reading);

/* What there is now, until the next look or watch_close().  -ENOMEM. */
int watch_look(struct watch *watch, const struct metrics_snapshot **ret_snapshot) must_check;

#endif
