/*
 * Rosters that another one has replaced.  A worker may be reading one until its turn is over,
 * so each waits until every worker has answered an order that was sent since; those that come
 * meanwhile wait for the next round.  By that order workers also look again at the
 * connections that wait, since there may be a server for them now.
 */
#ifndef CONTROL_REPLACED_H
#define CONTROL_REPLACED_H

#include "control/crew.h"

struct roster;

struct replaced {
	struct crew *crew;
	struct list waiting;  /* for the next round */
	struct list leaving;  /* with the round that is under way ... */
	struct order *orders; /* ... one for each worker */
	uint32_t out;         /* orders that are not back */
};

/* The crew is open.  -ENOMEM. */
int replaced_open(struct replaced *replaced, struct crew *crew) must_check;
/* No worker lives: what is left is freed. */
void replaced_close(struct replaced *replaced);

/* Nobody is given that roster any more.  With NULL there are no workers yet. */
void replaced_add(struct replaced *replaced, const struct roster *roster);

#endif
