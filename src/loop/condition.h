/*
 * Being full is a state with a name, not an event: one line in the log when it
 * begins, with the remedy, and one when it ends, however often it is met
 * between (spell.h); or a daemon at its limit would write two lines for each
 * connection that makes room for the next.  One of each per worker.  (That
 * max_connections is reached is full.h.)
 */
#ifndef LOOP_CONDITION_H
#define LOOP_CONDITION_H

#include "base/fault.h"
#include "base/spell.h"

struct loop;

enum condition {
	CONDITION_DESCRIPTORS,
	CONDITION_MEMORY,      /* the kernel's */
	CONDITION_PORTS,       /* local ones, to connect from */
	CONDITION_BUFFERS,     /* buffer_memory is all in use */
	CONDITION_ACCEPT,      /* accept fails for another reason */
	CONDITION_SUBMISSIONS, /* the submission queue is full */
	CONDITION_COMPLETIONS, /* the completion queue is full */
	CONDITION_COUNT,
};

struct conditions {
	struct spell of[CONDITION_COUNT];
};

/* What is in force while that is met, wherever; CONDITION_COUNT: none of these. */
enum condition condition_of(enum fault fault);

/* It is met (error: a negative errno, or 0). */
void condition_enter(struct loop *loop, enum condition condition, int error);
/* It has not ended, though nothing has met it. */
void condition_hold(struct loop *loop, enum condition condition);
/* For the worker's timer: end what was not met for long enough. */
void condition_settle(struct loop *loop);
/* See to it that the timer fires then, or earlier. */
void condition_settle_by(struct loop *loop, uint64_t when_ms);

#endif
