/*
 * copy: receive into the worker's shared buffers, send from the same buffers.
 *
 * A multishot receive fills buffers as bytes come; at the end of the turn all
 * that is queued goes out in one send.  An idle connection owns no buffer.
 * This is the pieces of lane/lane.h as they are, and works on every kernel.
 */
#include "relay/strategies.h"

const struct strategy relay_copy = {
	.name = "copy",
	.start = lane_mark,
	.complete = lane_complete,
	.flush = lane_flush,
};
