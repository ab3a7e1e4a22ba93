/*
 * auto: copy, until a direction proves to be bulk; then splice, until it is not.
 *
 * A receive that brings BULK_PIECE or more adds to the streak, a smaller one
 * ends it; BULK_AFTER bytes of streak are bulk.  Then the running receive is
 * left to its byte budget, what it brought is sent, and splicing begins with
 * nothing in between: no byte can be overtaken.  Back again when it is bulk no
 * more (splice.c).
 *
 * `relay = splice` is the same without the proof.  Where splice(2) gets no further, both
 * go back to copying, and what is received then may be the beginning of bulk again.
 */
#include "relay/splice.h"
#include "relay/strategies.h"

#define BULK_PIECE (16u << 10)
#define BULK_AFTER (512u << 10)

/* Lives in lane.own. */
struct weighing {
	uint32_t streak; /* bytes */
	bool passing;    /* what splicing cannot get past: not before something was received */
};

static struct weighing *weighing_of(struct lane *lane)
{
	return lane_own(lane, struct weighing);
}

static bool always_splices(const struct lane *lane)
{
	return lane_settings(lane)->relay == CONFIG_RELAY_SPLICE;
}

static void auto_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	struct weighing *weighing = weighing_of(lane);

	lane_complete(lane, kind, done);
	if (kind != OP_RECV)
		return;
	if (done->res >= (int32_t)BULK_PIECE)
		weighing->streak += (uint32_t)done->res;
	else
		weighing->streak = 0;
	if (done->res > 0)
		weighing->passing = false;
}

/* Whether to splice, as soon as that can begin. */
static bool is_bulk(struct lane *lane)
{
	const struct weighing *weighing = weighing_of(lane);

	return !weighing->passing && (weighing->streak >= BULK_AFTER || always_splices(lane));
}

/* ---- And back -------------------------------------------------------------------------------- */

static void calmed(struct lane *lane)
{
	*weighing_of(lane) = (struct weighing){0};
	/* Who always splices got no pipe: a copy it is, for good. */
	lane_become(lane, always_splices(lane) ? &relay_copy : &relay_auto);
}

static void passed(struct lane *lane)
{
	*weighing_of(lane) = (struct weighing){.passing = true};
	lane_become(lane, always_splices(lane) ? &relay_splice : &relay_auto);
}

/* ---- Splicing -------------------------------------------------------------------------------- */

/* Bulk: receive no more by copying, and splice once all is sent. */
static void turn_to_splicing(struct lane *lane)
{
	static const struct splice_exits when_bulk = {true, calmed, passed};
	static const struct splice_exits always = {false, calmed, passed};

	lane_need_not_be_fed(lane);
	lane_send(lane);
	if (!lane->queued && !lane->polling)
		splice_begin(lane, always_splices(lane) ? &always : &when_bulk);
}

static void auto_flush(struct lane *lane)
{
	if (!is_bulk(lane) || lane->state != LANE_OPEN || lane->gate != GATE_FLOWS) {
		lane_flush(lane);
	} else if (!lane->receiving) {
		turn_to_splicing(lane);
	} else {
		if (always_splices(lane))
			lane_cancel_receive(lane); /* which may miss it: nothing waits for that */
		lane_flush(lane);
	}
}

const struct strategy relay_auto = {
	.name = "auto",
	.start = lane_mark,
	.complete = auto_complete,
	.flush = auto_flush,
};

const struct strategy relay_splice = {
	.name = "splice",
	.start = lane_mark,
	.complete = auto_complete,
	.flush = auto_flush,
};
