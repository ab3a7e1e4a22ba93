/*
 * Calling the worker whose line is to have a place that was given back (pool/queue.h).
 *
 * The line is marked as called, then the worker's bell as rung, and only who has rung it first
 * sends a message to its ring (OP_CONTROL, as the main thread's bell), which wakes it and says
 * nothing.  The worker silences the bell first and looks for marks then, so none is missed.  One
 * that ends leaves its bell as gone: whoever rings it then calls another, and what it had been
 * called for before that it passes on itself.
 *
 * A message that the other ring has no memory for is sent again a little later.
 */
#ifndef SESSION_BELL_H
#define SESSION_BELL_H

#include "loop/op.h"
#include "pool/queue.h"

struct sessions;

/* For a worker: its ring is there; nobody is to ring any more. */
void bell_open(struct sessions *all, int ring_fd);
void bell_close(struct sessions *all);

/* A place at a server of that queue's pool, or a turn, has been given back: who waits for it is
 * called, here or there. */
void bell_call(struct sessions *all, struct queue *queue, enum queue_kind kind);
/* The line whose first has waited for the longest is, if there is one. */
void bell_call_oldest(struct sessions *all, struct queue *queue, enum queue_kind kind);

/* What this worker has been called for: its lines are due. */
void bell_hear(struct sessions *all);

/* What could not be rung is rung again in a moment. */
void bell_retry(struct sessions *all);

/* queues.timer is to fire by then.  It has: what could not be rung is rung again. */
void bell_wake_by(struct sessions *all, uint64_t when_ms);
void bell_expired(struct sessions *all);

/* An OP_CONTROL has completed: if it is of a bell that this worker has rung. */
void bell_rang(struct sessions *all, struct op_tag tag, int result);

#endif
