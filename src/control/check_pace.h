/*
 * When a server is checked next.
 *
 * Every so often, counted from the start of the last check, and a tenth more or less by chance,
 * so that proxies that were started together drift apart; soon, while what is believed of it
 * is about to change or a connection to it has failed; and never while a check goes on.  Of many
 * that begin together the first checks are made at once, and the second ones spread evenly over
 * the first interval: the n-th of N after n/N of it.
 *
 * It knows no clock: the time is given.
 */
#ifndef CONTROL_CHECK_PACE_H
#define CONTROL_CHECK_PACE_H

#include "base/compiler.h"

struct pace {
	uint32_t every_ms, fast_ms;
	uint32_t first_ms; /* the first interval, other than the rest; 0: it is over */
	uint64_t begun_ms; /* the last check */
	uint64_t due_ms;   /* the next one; UINT64_MAX while one goes on */
	bool hurried;      /* since the last one began */
};

/* The index-th of so many that begin now. */
void pace_init(struct pace *pace, uint32_t every_ms, uint32_t fast_ms, uint32_t index,
	       uint32_t count, uint64_t now_ms);

/* A check begins, and is over.  *random is a generator's state: any number but 0. */
void pace_begin(struct pace *pace, uint64_t now_ms);
void pace_over(struct pace *pace, bool changing, uint64_t now_ms, uint64_t *random);

/* A connection has failed: the next check comes soon; or now, not sooner than soon after the last.
 */
void pace_hurry(struct pace *pace, bool at_once, uint64_t now_ms);

/*
 * Whether it was us: so many checks of those that went on ran out in a turn for which this thread
 * came late by so much.  A machine that was stopped for a while would find every server down.
 */
bool pace_forgives(uint64_t late_ms, uint32_t timeout_ms, uint32_t ran_out, uint32_t went_on);

#endif
