/*
 * Waiting for a place at a server of the pool, or for the turn to go to another one: the lines
 * of pool/queue.h, as a worker serves them.
 *
 *      CONNECTING -> RETRYING -> QUEUED -> CONNECTING, with a place
 *
 * Who gives a place back calls the line that is to have it (bell.h).  Lines are served once in a
 * turn, each from its first on for as long as there are places, so that nothing of a session runs
 * inside another's.  A worker that is called and has nobody left passes it on.
 *
 * A line is due, too, when somebody joins it, since a place may have been given back before he
 * was seen to wait; when servers have changed; and now and then while a server is out
 * by its failures, for no place is given back when that ends.
 */
#ifndef SESSION_QUEUED_H
#define SESSION_QUEUED_H

#include "pool/queue.h"
#include "session/sessions.h"

struct session;

/* Wait, until then at most.  False: as many wait as may. */
bool queued_wait(struct session *session, enum queue_kind kind, uint64_t until_ms) must_check;
/* It waits no more. */
void queued_leave(struct session *session);
/* How many stand before it. */
uint32_t queued_before(const struct session *session);

/* Servers may have changed: all lines are looked at. */
void queued_look_again(struct sessions *all);

/* For the worker, once in a turn: serve the lines that are due. */
void queued_serve(struct sessions *all);
static inline void queued_turn(struct sessions *all)
{
	const struct bell *bells = all->engine->bells;

	if (unlikely(all->queues.due ||
		     (bells &&
		      atomic_load_explicit(&bells[all->loop->index].state, memory_order_relaxed))))
		queued_serve(all);
}

/* Its timer fired. */
void queued_expired(struct sessions *all);
/* It has no sessions, and will have none: what it was called for is passed on. */
void queued_close(struct sessions *all);
/*
 * Its ring has failed: whoever waits here waits for nothing, and nobody is to call it.  Those that
 * wait elsewhere are served by whoever gives a place back.
 */
void queued_abandon(struct sessions *all);

#endif
