/*
 * The end of a turn: what has come goes out, then the end, if it has come; and more is received.
 */
#include "lane/road.h"
#include "loop/loop.h"
#include "loop/socket.h"

void lane_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	if (kind == OP_RECV)
		lane_received(lane, done);
	else if (kind == OP_SEND)
		lane_sent(lane, done);
	else
		lane_writable(lane);
}

void lane_shut(struct lane *lane)
{
	struct road *road = road_of(lane);

	assert(lane->state == LANE_ENDING);
	lane->state = LANE_SHUT;
	/* When the other direction has ended too, the close that follows says so. */
	if (road->lanes[!lane->index].state != LANE_SHUT)
		socket_shut_write(lane_to_fd(lane));
	road->active_ms = road->loop->now_ms;
	road->events->delivered(road);
}

bool lane_finish(struct lane *lane)
{
	struct road *road = road_of(lane);

	if (lane->state == LANE_OPEN)
		return false;
	if (lane->state == LANE_BROKEN) {
		lane_drop(lane);
		if (lane->queued || lane->held)
			return true;
		if (lane->ended && !road->broken[lane->to] && !road->broken[lane->index]) {
			/* Who takes no more may hear of the end all the same. */
			lane->state = LANE_ENDING;
			lane_shut(lane);
		} else {
			/* The other side may have broken while this queue was still in the way. */
			road->events->delivered(road);
		}
		return true;
	}
	if (lane->queued || lane->sending || lane->held)
		return true;
	/* A shutdown(2) before the connect has ended would undo the connect. */
	if (lane->state == LANE_ENDING && lane->gate == GATE_TRIES)
		road->events->end_waits(road);
	else if (lane->state == LANE_ENDING && lane->gate == GATE_FLOWS)
		lane_shut(lane);
	else if (lane->state == LANE_RESETTING)
		road->events->delivered(road);
	return true;
}

/* Words of ours leave their send for the next turn, which comes at once: preface.h. */
static bool waits_a_turn(struct lane *lane)
{
	if (likely(!lane->preface) || !preface_waits(lane))
		return false;
	lane_mark(lane);
	return true;
}

void lane_flush(struct lane *lane)
{
	if (lane->state != LANE_BROKEN && lane->gate >= GATE_TRIES && !waits_a_turn(lane))
		lane_send(lane);
	if (lane_finish(lane) && lane->state != LANE_BROKEN)
		return;
	if (lane->gate >= GATE_GATHERS)
		lane_receive(lane);
}
