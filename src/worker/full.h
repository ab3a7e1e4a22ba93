/*
 * max_connections is reached: of all sections together, or of one.
 *
 * A spell (spell.h) as conditions are, with the key and where it is written as the
 * remedy: one line when it begins and one when it ends, per worker.
 */
#ifndef WORKER_FULL_H
#define WORKER_FULL_H

#include "base/list.h"
#include "base/spell.h"

struct branch;
struct worker;

struct full {
	struct spell all;
	struct list branches; /* whose sections' own max_connections is reached */
};

void full_init(struct full *full);

/* There is no place: in the branch's section, or (NULL) in the whole daemon. */
void full_enter(struct worker *worker, struct branch *branch);
/* Nothing is under its edition any more: what is not over is not told. */
void full_forget(struct branch *branch);
/* For the worker's timer: end what was not met for long enough. */
void full_settle(struct worker *worker);

#endif
