/*
 * What a thread has to move bytes with: its ring, its clock, its buffers and pipes, its
 * counters.  It knows no connection; a worker has one, first, and hands it down to all
 * who need only this.
 *
 * Its thread alone looks into it, but for the counters, which any thread may read.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/list.h"
#include "base/wheel.h"
#include "loop/coalesce.h"
#include "loop/condition.h"
#include "loop/pipes.h"
#include "loop/silent.h"
#include "loop/stock.h"
#include "ops/histogram.h"
#include "ops/stats.h"
#include "ring/ring.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* Whose a timer of the wheel is: wheel_timer.kind. */
enum loop_timer {
	TIMER_SESSION, /* 0: what a new session's is */
	TIMER_LISTENER,
	TIMER_SHORTAGE,
	TIMER_QUEUES,
	TIMER_SETTLE,
	TIMER_DRAIN,
	TIMER_TRIM,
	TIMER_ROLL,
	TIMER_THROTTLE, /* a lane's */
};

#define LOOP_QUEUE_ENTRIES 1024 /* of the submission queue; completions: eight times as many */

/* The parts of one SENDMSG; one for each entry of the submission queue. */
#define VECTOR_MAX 64
struct vector {
	struct msghdr message;
	struct iovec parts[VECTOR_MAX];
};

/* How much of everything; the same for all workers. */
struct loop_sizes {
	uint64_t buffer_memory; /* bytes */
	uint32_t buffer_size;   /* bytes, of one buffer */
	uint32_t pipes_max;
	uint32_t coalesce_us; /* how long completions may wait for others; 0: not at all */
	bool sandbox;         /* the ring does only what the engine does: sandbox.h */
	uint32_t turn_bytes;  /* that lanes may move in a turn: turn.h */
};

struct loop {
	struct ring ring;
	struct stock stock;
	struct pipes pipes;
	struct wheel wheel;
	struct list dirty;   /* lanes to flush at the end of the turn */
	struct list starved; /* lanes to be fed, first come first served */
	struct list resting; /* lanes that rest, in the order in which they go on */
	struct vector *vectors;
	uint64_t now_ms;
	uint32_t full_before; /* ring.full as of the last turn */
	bool has_budget, has_bundle, has_silent;
	bool handling;       /* a strategy is at work: nothing may end under it */
	uint32_t turn_left;  /* bytes that lanes may still move in this turn: turn.h */
	uint32_t turns_easy; /* in a row in which all moved what they could */
	uint8_t squeeze;     /* receives bring so many halvings less */
	struct silent silent;
	struct coalesce coalesce;

	struct loop_sizes sizes;
	uint32_t index; /* of its worker, for messages */
	struct conditions conditions;
	struct wheel_timer settle; /* set while a condition is in force, or a server comes back */
	struct wheel_timer trim;   /* set while there are pipes */
	uint64_t random;
	struct stats stats;
	uint64_t ended_ns;    /* when the last turn did */
	struct histogram lag; /* HISTOGRAM_LAG: how long turns took */
};

/* All that it has without a ring.  -ENOMEM. */
int loop_init(struct loop *loop, uint32_t index, const struct loop_sizes *sizes) must_check;
void loop_done(struct loop *loop);

/* Open the ring and what is registered with it.  0, or a negative errno with the sentence to it. */
int loop_open(struct loop *loop, const struct ring_options *options,
	      struct ring_error *error) must_check;
/* Everything has ended: close it all. */
void loop_close(struct loop *loop);
/* ... or is left to the kernel: ring_leave(). */
void loop_leave(struct loop *loop);

/* A submission queue entry; never NULL.  Waits where the kernel is short of memory. */
struct io_uring_sqe *loop_entry(struct loop *loop);
/* The kernel refuses entries: give it a moment instead of asking without pause. */
void loop_short_of_memory(struct loop *loop, int error);

/* A turn is over, which began as coalesce.h was told. */
void loop_end_turn(struct loop *loop);

/* Queues too short for the load cost something, and nothing is lost: say so. */
void loop_look_at_queues(struct loop *loop);

/* Pipes that were not needed for a while give back their descriptors: from now on ... */
void loop_watch_pipes(struct loop *loop);
/* ... and when loop.trim has fired. */
void loop_trim_pipes(struct loop *loop);

uint64_t loop_random(struct loop *loop);

#endif
