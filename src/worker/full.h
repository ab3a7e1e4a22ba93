/*
 * max_connections is reached: of all sections together, or of one.
 *
 * A spell (spell.h) as conditions are, with the key and where it is written as the
 * remedy: one line when it begins and one when it ends, per worker.
 */
#ifndef WORKER_FULL_H
#define WORKER_FULL_H

#include "loop/spell.h"

struct section;
struct worker;

struct full {
	struct spell all;
	struct spell *sections; /* by section: its own max_connections is reached */
};

/* -ENOMEM. */
int full_init(struct full *full, uint32_t section_count) must_check;
void full_done(struct full *full);

/* There is no place: in the section, or (NULL) in the whole daemon. */
void full_enter(struct worker *worker, const struct section *section);
/* For the worker's timer: end what was not met for long enough. */
void full_settle(struct worker *worker);

#endif
