/*
 * A worker: one thread, one ring, and every session it accepted.
 *
 * Workers share nothing on the data path.  A turn of the loop submits what the
 * last turn prepared, waits, hands out completions, flushes the lanes that
 * have something to do, expires timers, and frees the sessions that have become
 * quiet -- in that order, so that no handler ever runs inside another.
 *
 *   STARTING -> RUNNING -> DRAINING -> STOPPING -> STOPPED
 *       +---------------------------------------> STOPPED (result < 0)
 *
 * In STOPPING the connections are cut, some hundred in a turn, and the ring is left to
 * the kernel with what they had in flight: to cancel that takes longer, and there is
 * nobody left to whom it matters.
 *
 * The main thread gives a worker orders and reads its state, its turns and its
 * counters; it writes nothing of the worker's memory but the inbox.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "loop/loop.h"
#include "session/engine.h"
#include "session/session.h"
#include "session/sessions.h"
#include "worker/accept.h"
#include "worker/census.h"
#include "worker/full.h"
#include "worker/order.h"
#include "worker/roll.h"

#include <pthread.h>

enum worker_state {
	WORKER_STARTING,
	WORKER_RUNNING,
	WORKER_DRAINING,
	WORKER_STOPPING,
	WORKER_STOPPED
};

/* ORDER_RETIRE: it comes back when nothing of the worker is under that tenancy any more. */
struct retire_order {
	struct order order;
	struct tenancy *tenancy;
};

struct worker {
	struct loop loop;
	struct sessions sessions;
	uint32_t in_flight; /* the worker's own operations: accepts and their cancels */

	struct engine *engine;
	struct tenancy *tenancy;       /* of the edition that new connections live under */
	int cpu;                       /* to run on, or -1 */
	const uint64_t *cpus;          /* ... then on these; none: any */
	int sq_cpu;                    /* for the polling thread, or -1 */
	const struct worker *sq_share; /* whose polling thread to share, or NULL */
	struct slab listener_slab;
	struct list listeners;
	struct parked *parked;
	uint32_t parked_first, parked_count;
	struct full full;
	struct list
		vacated; /* tenancies that are wanted back, and that nothing is under any more */
	struct wheel_timer drain;
	struct roll roll; /* of what is still open */
	enum worker_state state;
	enum reason cutting; /* in STOPPING: what connections are cut for */
	uint32_t cut_to;     /* ... those in the slots below */

	struct order_box inbox; /* looked into in every turn: order.h */
	struct censuses censuses;

	/* Read by the main thread. */
	_Atomic int phase;             /* enum worker_state */
	_Atomic uint32_t buffers_held; /* at the end of its last turn */
	int ring_fd;                   /* valid from WORKER_RUNNING on */
	uint32_t ring_dropped;         /* ... as is this: IORING_SETUP_* it lacks */
	int result;                    /* negative errno, valid from WORKER_STOPPED on */
	char error[400];               /* the sentence to it */
	pthread_t thread;
	bool started;
};

/*
 * Take what the worker needs besides its ring: room for connections_max sessions, and
 * for its listening sockets, which come by orders.  -ENOMEM.
 */
int worker_init(struct worker *worker, struct engine *engine, struct tenancy *tenancy,
		uint32_t index) must_check;
void worker_done(struct worker *worker);

/* The thread (thread.c): opens the ring, serves until told to stop, closes the ring. */
void *worker_run(void *argument);

/* The parts of worker_run().  A turn returns 0, or the negative errno of a ring of no more use. */
int worker_open(struct worker *worker, const struct ring_options *options) must_check;
int worker_turn(struct worker *worker) must_check;
void worker_close(struct worker *worker);
/* Told to stop, and nothing is left to do. */
bool worker_finished(const struct worker *worker);

/* How to open the ring of this worker: mode, sizes, CPU. */
struct ring_options worker_ring_options(const struct worker *worker);

#endif
