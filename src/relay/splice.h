/*
 * Splicing: a lane goes from copying to it, and back.
 */
#ifndef RELAY_SPLICE_H
#define RELAY_SPLICE_H

#include "lane/strategy.h"

/* The strategy of a lane while it splices (splice.c). */
extern const struct strategy splice_pump;

/*
 * Who takes the lane back.  Then nothing is held and no poll for the source is in flight;
 * lane.own is free again.
 */
struct splice_exits {
	bool calms; /* it is given back after some turns that move little */
	/* Splicing does not pay any more, or cannot be: there is no pipe. */
	void (*calmed)(struct lane *lane);
	/* splice(2) gets no further, and a receive does. */
	void (*passed)(struct lane *lane);
};

/* From copying to splicing: nothing is queued, being received or being sent. */
void splice_begin(struct lane *lane, const struct splice_exits *exits);

#endif
