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
 * again more slowly, for ever.
 */
#ifndef WORKER_ACCEPT_H
#define WORKER_ACCEPT_H

#include "base/wheel.h"
#include "session/engine.h"
#include "session/reason.h"

struct io_uring_cqe;
struct worker;

struct listener {
	struct listening socket;
	struct wheel_timer retry; /* when to arm again after an error */
	uint32_t failures;        /* in a row */
	bool armed, multishot, cancelling, paused;
};

/* Accepted, but there was no room. */
struct parked {
	int fd;
	struct listener *listener;
	uint64_t since_ms;
};
#define PARKED_MAX 8192

/* Take over the listening sockets that are offered, and arm them. */
void accept_take(struct worker *worker);
void accept_complete(struct worker *worker, uint32_t index, const struct io_uring_cqe *done);
/* The cancel of a listener's accept found nothing to cancel. */
void accept_cancelled(struct worker *worker, uint32_t index);
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
