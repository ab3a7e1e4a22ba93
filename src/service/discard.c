/* discard (RFC 863): what comes in is thrown away, until the client closes. */
#include "service/services.h"

static void discard_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	lane_complete(lane, kind, done);
	lane_drop(lane);
}

static void discard_start(struct lane *lane)
{
	lane_drop(lane); /* what came with a PROXY header */
	lane_mark(lane);
}

const struct strategy service_discard = {
	.name = "discard",
	.start = discard_start,
	.complete = discard_complete,
	.flush = lane_flush,
};
