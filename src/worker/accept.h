/*
 * Accepting: one multishot accept per listening socket, which never dies.
 *
 *          +----------- pause: full, or no descriptors ----------+
 *          |                                                     v
 *   armed --- a completion without F_MORE ---> re-armed        paused
 *          ^                                                     |
 *          +-- there is room again, or the retry timer fires ----+
 *
 * Where less than NEAR_FULL places are left, connections are accepted one at a
 * time, since a multishot accept takes whatever waits in the backlog, and with
 * it the descriptors that the connections there are need for their upstreams.
 * What it hands out between "full" and its own end cannot be given back to the
 * kernel, so it is parked, and served first when there is room.  A section that
 * is full pauses its own listeners only.  An accept that keeps failing is armed
 * again more slowly, for ever.  With accept_rate it is armed when the next one is due: pace.h.
 *
 * What an operator has drained goes on accepting, and resets who comes: a queue that
 * nobody empties would hold its clients up, and a socket that is closed could not be had
 * back at once.
 */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "base/wheel.h"
#include "guard/clients.h"
#include "loop/op.h"
#include "session/reason.h"
#include "session/tenancy.h"
#include "worker/order.h"

struct io_uring_cqe;
struct worker;

/* More listening sockets than that no worker has. */
#define LISTENERS_MAX 16384

struct listener {
	int fd;                       /* -1: closed, and only its last operation is awaited */
	struct accept_socket *socket; /* whose it is */
	struct branch *branch;        /* of the section that it leads to */
	struct list link;             /* in worker.listeners */
	uint32_t slot;
	struct wheel_timer retry; /* when to arm again: after an error, or by accept_rate */
	uint64_t turn_ns;         /* by accept_rate: when the next one is due */
	uint32_t failures;        /* in a row */
	uint32_t parked;          /* who came through it and waits for room */
	uint32_t backlog; /* the greatest of its sections': its queue may still be as long */
	bool armed, multishot, cancelling, paused;
	bool leaving; /* it is closed as soon as nothing names its descriptor any more */
};

/* Accepted, but there was no room. */
struct parked {
	int fd;
	struct listener *listener;
	uint64_t since_ms;
	struct clients_place counted; /* among the connections of its client */
};
#define PARKED_MAX 8192

/*
 * A listening socket, as one worker has it.  It is the main thread's memory, outlives every
 * edition that leads somewhere from it, and so does its text.
 */
struct accept_socket {
	_Alignas(64) int fd; /* the worker's from when it has taken it */
	const char *text;    /* where it listens */
	/* The worker's alone: NULL before it has taken it, and once it is closed. */
	struct listener *listener;
	_Atomic uint64_t accepted; /* written by the worker; any thread may read */
};

/* Where a socket leads from now on. */
struct accept_offer {
	struct accept_socket *socket;
	const struct section *section; /* of the edition that the worker lives under then */
	bool fresh;                    /* the worker has not been offered it before ... */
	bool taken;                    /* ... and has it now */
};

/*
 * ORDER_LISTEN, and with a tenancy ORDER_ADOPT: new connections live under that one from
 * now on.  A fresh socket that is not taken when the order is back stays the sender's.
 */
struct accept_order {
	struct order order;
	struct tenancy *tenancy; /* the worker's, of another edition; NULL: as it is */
	uint32_t count;
	struct accept_offer *offers;
};

/* ORDER_LEAVE: sockets that no edition of the day names. */
struct accept_leave_order {
	struct order order;
	uint32_t count;
	struct accept_socket **sockets;
};

/*
 * Take over the fresh sockets that are offered, and arm them; the others stay as they are,
 * armed, and what they accept is the new section's.
 */
void accept_adopt(struct worker *worker, struct accept_order *order);
/* Of those: what waits in the backlogs is accepted and served, then they are closed. */
void accept_leave(struct worker *worker, const struct accept_leave_order *order);
void accept_complete(struct worker *worker, struct op_tag tag, const struct io_uring_cqe *done);
/* The cancel of a listener's accept found nothing to cancel. */
void accept_cancelled(struct worker *worker, struct op_tag tag);
/* A session ended, or time passed: go on where there is room. */
void accept_resume(struct worker *worker);
void accept_expired(struct worker *worker, struct listener *listener);

/*
 * Stop for good: what waits in the backlogs is accepted and served, then the
 * listening sockets are closed.
 */
void accept_stop(struct worker *worker);

/* Reset who still waits for room: the stop, for this reason, waits for nobody any more. */
void accept_give_up(struct worker *worker, enum reason reason);

#endif
