/*
 * zerocopy: as copy, but the network card reads the receive buffers itself.
 *
 * A send of ZC_MIN bytes or more has two completions: what was sent, and when
 * the card (or the far end's acknowledgement) is done with the buffers, which
 * only then go home.  Until then the lane sends nothing else, so a round trip
 * moves one receive_budget; that is a knob, and less than the copy costs.
 *
 * The notification also tells whether the kernel had to copy after all, as it
 * always does on loopback and for cards that cannot gather; there this only
 * costs (measured 27 % slower), and the lane goes back to copying for good.
 */
#include "relay/strategies.h"

#include <errno.h>

#define ZC_MIN (16u << 10)

/* Lives in lane.own. */
struct noticing {
	int32_t result; /* of the send whose notification is awaited */
	bool awaited;
};

static struct noticing *noticing_of(struct lane *lane)
{
	return lane_own(lane, struct noticing);
}

static void send_zerocopy(struct lane *lane)
{
	struct io_uring_sqe *sqe = lane_entry(lane);
	const struct msghdr *message = lane_gather(lane, sqe);

	ring_prep_sendmsg_zc(sqe, lane_to_fd(lane), message, LANE_SEND_FLAGS,
			     IORING_SEND_ZC_REPORT_USAGE);
	lane_submit(lane, OP_SEND, sqe);
}

/* The kernel has no zero-copy sends for this socket, as for unix ones: ordinary ones will do. */
static void given_back(struct lane *lane, int result)
{
	bool unknown = result == -EOPNOTSUPP;

	lane_given_back(lane, unknown ? -EAGAIN : result);
	if (!unknown)
		return;
	lane_become(lane, &relay_copy);
	lane->blocked = false;
}

static void noticed(struct lane *lane, const struct io_uring_cqe *done)
{
	struct noticing *noticing = noticing_of(lane);

	noticing->awaited = false;
	given_back(lane, noticing->result);
	if ((uint32_t)done->res & IORING_NOTIF_USAGE_ZC_COPIED)
		lane_become(lane, &relay_copy);
}

static void zerocopy_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	struct noticing *noticing = noticing_of(lane);

	if (kind != OP_SEND) {
		lane_complete(lane, kind, done);
		return;
	}
	if (done->flags & IORING_CQE_F_NOTIF) {
		noticed(lane, done);
		return;
	}
	/* They have gone, whether or not a notification comes before the end. */
	if (done->res > 0)
		lane_delivered(lane, (uint32_t)done->res);
	if (done->flags & IORING_CQE_F_MORE) {
		noticing->result = done->res;
		noticing->awaited = true;
	} else {
		given_back(lane, done->res);
	}
}

static void zerocopy_flush(struct lane *lane)
{
	/* A rationed lane's buffer shall come back before the far end acknowledges. */
	if (lane->queued >= ZC_MIN && !lane->sending && !lane->blocked && !lane->rationed &&
	    lane->state != LANE_BROKEN && lane->gate == GATE_FLOWS &&
	    ring_has(&lane_loop(lane)->ring, RING_SENDMSG_ZC))
		send_zerocopy(lane);
	lane_flush(lane);
}

const struct strategy relay_zerocopy = {
	.name = "zerocopy",
	.start = lane_mark,
	.complete = zerocopy_complete,
	.flush = zerocopy_flush,
};
