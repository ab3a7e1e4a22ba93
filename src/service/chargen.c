/*
 * chargen (RFC 864): lines of 72 printable characters, shifted by one from line
 * to line, as fast as the client reads, until it closes.
 *
 * The pattern repeats after 95 lines of 74 bytes, so one block of whole periods
 * is sent over and over; lane.own[0] is how far into it the client has got.
 */
#include "net/lane.h"
#include "net/session.h"
#include "ring/ring.h"
#include "service/services.h"

#include <pthread.h>

#define LINE    74
#define PERIOD  (95 * LINE)
#define PERIODS 9

static unsigned char block[PERIODS * PERIOD];

static void fill_block(void)
{
	for (unsigned i = 0; i < sizeof(block); i++) {
		unsigned line = i / LINE % 95, column = i % LINE;
		if (column == 72)
			block[i] = '\r';
		else if (column == 73)
			block[i] = '\n';
		else
			block[i] = (unsigned char)(' ' + (line + column) % 95);
	}
}

static void chargen_start(struct lane *lane)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fill_block);
	lane_mark(lane);
}

static void chargen_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	if (kind == OP_RECV) {
		lane_received(lane, done);
		lane_consume(lane, lane->queued);
		return;
	}
	lane->sending = 0;
	if (done->res > 0) {
		lane->own[0] = (lane->own[0] + (uint64_t)done->res) % PERIOD;
		lane_delivered(lane, (uint32_t)done->res);
	} else if (done->res < 0) {
		lane_reset(lane, done->res);
	}
	lane_mark(lane);
}

static void chargen_flush(struct lane *lane)
{
	struct io_uring_sqe *sqe;

	if (lane->state == LANE_ENDING) {
		if (!lane->sending)
			lane_shut(lane);
		return;
	}
	lane_receive(lane);
	if (lane->sending)
		return;
	lane->sending = (uint32_t)(sizeof(block) - lane->own[0]);
	sqe = lane_entry(lane);
	ring_prep_send(sqe, lane_to_fd(lane), block + lane->own[0], lane->sending, MSG_NOSIGNAL);
	lane_submit(lane, OP_SEND, sqe);
}

const struct relay_strategy service_chargen = {
	.name = "chargen",
	.help = "printable characters as fast as the client reads (RFC 864)",
	.start = chargen_start,
	.complete = chargen_complete,
	.flush = chargen_flush,
};
