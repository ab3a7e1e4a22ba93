/*
 * A roll call: every [log] open_every, a record of each connection that is still open.
 *
 * Some in a turn, and some milliseconds later the next, until all slots have been looked at:
 * nobody waits, and the access log is given no more than is taken of it.  Who came after it
 * began is in the next one.
 */
#ifndef WORKER_ROLL_H
#define WORKER_ROLL_H

#include "base/wheel.h"

#define ROLL_RECORDS_MAX 64 /* in a turn: a third of a millisecond */
#define ROLL_SLOTS_MAX   1024
#define ROLL_NAP_MS      5 /* until the next turn that writes some */

struct loop;
struct sessions;

struct roll {
	struct wheel_timer timer;
	uint64_t began_ms; /* the one that is going on, or the last */
	uint64_t below;    /* ids of who was there then */
	uint32_t slot;     /* the next to be looked at; 0: none is going on */
};

/* The next one is in every_ms, after a start or a change; 0: there is none. */
void roll_set(struct roll *roll, struct loop *loop, uint32_t every_ms);
/* The timer has fired; and then the next one is in every_ms from when this one began. */
void roll_call(struct roll *roll, struct sessions *all, uint32_t every_ms);

#endif
