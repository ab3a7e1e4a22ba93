/*
 * copy: receive into the worker's shared buffers, send from the same buffers.
 *
 * A multishot receive fills buffers as bytes come; at the end of the turn all
 * that is queued goes out in one send.  An idle connection owns no buffer.
 * This is the pieces of net/lane.h as they are, and works on every kernel.
 */
#include "net/lane.h"
#include "relay/strategies.h"

static void copy_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	if (kind == OP_RECV)
		lane_received(lane, done);
	else
		lane_sent(lane, done);
}

const struct relay_strategy relay_copy = {
	.name = "copy",
	.help = "through shared buffers; the cheapest for requests and answers",
	.start = lane_mark,
	.complete = copy_complete,
	.flush = lane_flush,
};
