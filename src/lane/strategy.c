/*
 * The calls to strategies.  One never runs inside another, and what its lane tells the
 * owner meanwhile is only noted: loop.handling says so, and whoever closes a descriptor,
 * cancels what is in flight or takes a step asserts that it is not set.
 */
#include "lane/strategy.h"

#include "lane/road.h"

static struct loop *enter(const struct lane *lane)
{
	struct loop *loop = lane_loop(lane);

	assert(!loop->handling);
	loop->handling = true;
	return loop;
}

void strategy_start(struct lane *lane)
{
	struct loop *loop = enter(lane);

	lane->strategy->start(lane);
	loop->handling = false;
}

void strategy_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	struct loop *loop = enter(lane);

	lane->strategy->complete(lane, kind, done);
	loop->handling = false;
}

void strategy_flush(struct lane *lane)
{
	struct loop *loop = enter(lane);

	lane->strategy->flush(lane);
	loop->handling = false;
}

void strategy_stop(struct lane *lane)
{
	struct loop *loop = enter(lane);

	if (lane->strategy && lane->strategy->stop)
		lane->strategy->stop(lane);
	loop->handling = false;
}
