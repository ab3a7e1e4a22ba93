/*
 * max_connections is reached: of all sections together, of one, or of what is not kept for
 * others.  Or accept_rate is, of one.
 *
 * A spell (spell.h) as conditions are, with the key and where it is written as the
 * remedy: one line when it begins and one when it ends, per worker.
 */
#ifndef WORKER_FULL_H
#define WORKER_FULL_H

#include "base/list.h"
#include "base/spell.h"
#include "session/place.h"

struct branch;
struct worker;

struct full {
	struct spell all;
	struct list paced;    /* branches whose accept_rate is reached */
	struct list branches; /* whose sections have no place, where others may have some */
};

void full_init(struct full *full);

/* There is no place for the branch's section, for that reason. */
void full_enter(struct worker *worker, struct branch *branch, enum place why);
/* More come to the branch's section than its accept_rate allows. */
void full_pace(struct worker *worker, struct branch *branch);
/* Nothing is under its edition any more: what is not over is not told. */
void full_forget(struct branch *branch);
/* For the worker's timer: end what was not met for long enough. */
void full_settle(struct worker *worker);

#endif
