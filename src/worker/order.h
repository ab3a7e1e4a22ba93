/*
 * Orders: what the main thread wants of a worker, and what has come of it.
 *
 *     main thread                                   worker
 *     orders_send() -- push --> order_box --take--> at the end of a turn, oldest first
 *                   ............bell............>   wakes it, and says nothing
 *     order->done() <- order_box <------ push --    order_return()
 *                   <..........eventfd..........
 *
 * The order is in the box before the bell rings, so a bell that cannot be rung loses
 * nothing: a worker that turns finds the order by itself, and for one that sleeps the
 * bell is tried again until it rings.  A box is a stack that is taken whole by one
 * exchange; whoever has taken it turns it round.
 *
 * An order is its sender's memory, and the worker's to read and write from when it is
 * sent until it is returned.  What needs arguments embeds one and finds itself by
 * container_of().  Orders for one worker are taken as they were sent.
 */
#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

#include "base/compiler.h"

#include <stdatomic.h>

enum order_kind {
	ORDER_PING,     /* answer: that is all */
	ORDER_LISTEN,   /* accept from these, too: accept_order (accept.h) */
	ORDER_ADOPT,    /* live under another edition: accept_order with its tenancy */
	ORDER_LEAVE,    /* accept from these no more: accept_leave_order */
	ORDER_RETIRE,   /* give a tenancy back when nothing is under it: retire_order (worker.h) */
	ORDER_CATCH_UP, /* servers are known that were not */
	ORDER_CENSUS,   /* which sessions there are: census_order (census.h); kept for some turns */
	ORDER_DRAIN,
	ORDER_STOP,
	ORDER_KIND_COUNT,
};

struct order;
struct order_tray;

/* It is back; it may be sent again, or be freed. */
typedef void order_handler(struct order *order);

struct order {
	enum order_kind kind;
	order_handler *done; /* NULL: nobody waits for it */
	void *owner;         /* whatever done() makes of it */

	/* Valid when it is back: the worker's word, or -ESHUTDOWN: the worker has ended. */
	int result;

	/* The following is order.c's. */
	struct order *next;
	struct order_tray *back;
	uint32_t worker;
	bool under_way, again;
};

/* All zeroes, it is empty. */
struct order_box {
	_Atomic(struct order *) newest;
};

/* Where orders come back to, and a bell for whom they come back to: an eventfd, or -1. */
struct order_tray {
	struct order_box box;
	int fd;
};

/* Put it in, to come back to that tray; whether the box was empty, and a bell is to be rung. */
bool order_put(struct order_box *box, struct order *order, struct order_tray *back);

/* ---- For a worker ---------------------------------------------------------------------------- */

/* All there are, the oldest first, linked by next: read that before the order is returned. */
struct order *order_take(struct order_box *box);
/* A look that costs a load: for the end of every turn. */
static inline bool order_any(const struct order_box *box)
{
	return atomic_load_explicit(&box->newest, memory_order_relaxed) != NULL;
}

/* It is done.  From now on it is not the worker's any more. */
void order_return(struct order *order, int result);

/* ---- For the main thread --------------------------------------------------------------------- */

struct events;

/* Wake that worker: 0, or a negative errno, and it is tried again. */
typedef int orders_bell(void *owner, uint32_t worker);

struct orders {
	struct events *events;
	struct event *returned, *retry;
	bool retrying;
	orders_bell *bell;
	void *owner;
	struct order_tray back;
	uint32_t count;
	struct orders_worker *workers;
};

/*
 * For that many workers, none of which is there yet; the loop tells what comes back.  0 or a
 * negative errno, and nothing is to be closed.
 */
int orders_open(struct orders *orders, struct events *events, uint32_t workers, orders_bell *bell,
		void *owner) must_check;
/* The workers' threads are no more, and all have ended: what is back is told for the last time. */
void orders_close(struct orders *orders);

/* The worker can hear the bell from now on ... */
void orders_begin(struct orders *orders, uint32_t worker, struct order_box *box);
/* ... and takes none from now on: what it has left in its box is returned for it. */
void orders_end(struct orders *orders, uint32_t worker);

/*
 * Send it, to a worker that has begun.  One that is under way is sent again as soon as
 * it is back, and done() is called when it is back for the last time: for orders of
 * which one is as good as two.
 */
void orders_send(struct orders *orders, uint32_t worker, struct order *order);

#endif
