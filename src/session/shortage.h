/*
 * Sessions that wait for what this machine is short of.
 *
 * An attempt fails for want of a descriptor, memory, a local port, or room in a
 * unix server's backlog: no server is to blame, and another attempt may do.  Were
 * each session to try again by itself, a thousand of them would take a worker all
 * its time to find out the same thing a thousand times over: so they stand in a
 * line, one for each thing that is short -- of the worker, or of one server, for
 * ports and backlogs are its own -- and the first in it tries for all.
 *
 *     line:  first --- second --- third --- ...        newcomers join at the end
 *              |
 *              +-- tries; while it gets what it needs, the next ones do, ever more
 *                  at a time; when it does not it stays first, and the line waits,
 *                  twice as long as before, for a second at most
 *
 * When a session ends, what it had is free: the line it helps does not wait then.
 * How long a session may stand there is its own: connect_timeout from when it came.
 */
#ifndef SESSION_SHORTAGE_H
#define SESSION_SHORTAGE_H

#include "base/list.h"
#include "base/wheel.h"
#include "loop/condition.h"

struct reach;
struct session;
struct sessions;

/* One line; shortage_line_init() makes it an empty one. */
struct shortage_line {
	struct list sessions;        /* by session.waiting */
	struct list link;            /* in shortages.lines while somebody stands in it */
	struct reach *of;            /* the server, or NULL: the worker's */
	enum condition condition;    /* that is in force meanwhile; CONDITION_COUNT: none */
	int error;                   /* negative errno of the last attempt */
	uint32_t pause_ms;           /* between two attempts that fail */
	uint32_t batch;              /* how many may try the next time */
	uint64_t failed_ms, next_ms; /* the last attempt that failed, and the next one */
};

/* Of one worker. */
struct shortages {
	struct shortage_line descriptors, memory;
	struct list lines; /* with somebody in them */
	struct wheel_timer timer;
};

void shortage_line_init(struct shortage_line *line, struct reach *of, enum condition condition);
void shortage_init(struct shortages *shortages);

/* Whether another round might not meet it again, and no server is to blame for it. */
bool shortage_is(enum fault fault);

/* Whether there are others in line for what an attempt at the server needs: their error, or 0. */
int shortage_ahead(const struct session *session, const struct reach *reach);

/* Whether what it lacks is what the line it tries for is short of. */
bool shortage_is_own(const struct session *session);

/* Stand in line for what the server's attempt lacked.  The caller tells until when. */
void shortage_wait(struct session *session, struct reach *reach, int error);
void shortage_leave(struct session *session);

/* A session is over, and what it had is free. */
void shortage_ease(struct sessions *all, const struct session *session);

/* For the worker: shortages.timer fired. */
void shortage_expired(struct sessions *all);

/* Where somebody stands in line the condition is not over. */
void shortage_hold(struct sessions *all);

#endif
