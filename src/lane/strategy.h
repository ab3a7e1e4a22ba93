/*
 * What a strategy is: how bytes get out of one socket of a session and into
 * the other.  The engine owns sessions, their sockets, timers and ends; a
 * strategy owns what happens in a lane between start and stop.
 *
 * Relay strategies (relay/) move a lane's bytes to the other side, services
 * (service/) answer on the client's own socket through LANE_UP alone.  To add
 * one, write its file, which needs no other header than this one, and give it a row
 * in config/config.h and a paragraph in the manual; lane/lane.h has the pieces.
 *
 * Calls never nest: completions are handed out one after the other, flush runs
 * after the last one of a turn, stop when nothing of the session is in flight.  And
 * nothing ends under them: whatever a lane finds out, no descriptor is closed, nothing
 * is cancelled and the session stays what it was until the turn's flushes are over.
 * What has been decided meanwhile a lane sees by its gate: lane_is_over().
 */
#ifndef LANE_STRATEGY_H
#define LANE_STRATEGY_H

#include "config/config.h"
#include "lane/lane.h"
#include "lane/road.h"
#include "loop/loop.h"

struct strategy {
	const char *name;

	/*
	 * Before any worker starts: make what all lanes of a section share (lane_shared()).
	 * 0 or a negative errno.  Both may be NULL.
	 */
	int (*prepare)(const struct config_section *section, void **ret_shared);
	void (*release)(void *shared);

	/*
	 * The lane's sockets are there, the upstream's perhaps still connecting:
	 * begin.  Called once more for each further server that is tried.
	 */
	void (*start)(struct lane *lane);

	/* An operation that lane_submit() put in flight has a completion (perhaps not its last). */
	void (*complete)(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done);

	/* The end of a turn in which lane_mark() was called: start what became possible. */
	void (*flush)(struct lane *lane);

	/* Nothing is in flight any more: give back everything but the queue.  May be NULL. */
	void (*stop)(struct lane *lane);
};

/*
 * For the owner: the calls.  One never runs inside another, and what its lane tells the owner
 * meanwhile is only noted: loop.handling says so, and whoever closes a descriptor, cancels
 * what is in flight or takes a step asserts that it is not set.
 */
static inline struct loop *strategy_enter(const struct lane *lane)
{
	struct loop *loop = lane_loop(lane);

	assert(!loop->handling);
	loop->handling = true;
	return loop;
}

static inline void strategy_start(struct lane *lane)
{
	struct loop *loop = strategy_enter(lane);

	lane->strategy->start(lane);
	loop->handling = false;
}

static inline void strategy_complete(struct lane *lane, enum op_kind kind,
				     const struct io_uring_cqe *done)
{
	struct loop *loop = strategy_enter(lane);

	lane->strategy->complete(lane, kind, done);
	loop->handling = false;
}

static inline void strategy_flush(struct lane *lane)
{
	struct loop *loop = strategy_enter(lane);

	lane->strategy->flush(lane);
	loop->handling = false;
}

static inline void strategy_stop(struct lane *lane)
{
	struct loop *loop = strategy_enter(lane);

	if (lane->strategy && lane->strategy->stop)
		lane->strategy->stop(lane);
	loop->handling = false;
}

#endif
