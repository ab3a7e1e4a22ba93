/*
 * chargen (RFC 864): lines of 72 printable characters, shifted by one from line
 * to line, as fast as the client reads, until it closes.
 *
 * The pattern repeats after 95 lines of 74 bytes, so one block of whole periods
 * is sent over and over; lane.own[0] is how far into it the client has got.
 */
#include "service/services.h"

#include <pthread.h>

#define LINE    74
#define PERIOD  (95ull * LINE)
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
	lane_drop(lane); /* what came with a PROXY header */
	lane_mark(lane);
}

static void chargen_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	if (kind == OP_SEND) {
		lane->own[0] = (lane->own[0] + lane_said(lane, done)) % PERIOD;
		return;
	}
	lane_complete(lane, kind, done);
	lane_consume(lane, lane->queued);
}

static void chargen_flush(struct lane *lane)
{
	if (lane->state == LANE_ENDING) {
		if (!lane->sending)
			lane_shut(lane);
		return;
	}
	lane_receive(lane);
	lane_say(lane, block + lane->own[0], (uint32_t)(sizeof(block) - lane->own[0]));
}

const struct strategy service_chargen = {
	.name = "chargen",
	.start = chargen_start,
	.complete = chargen_complete,
	.flush = chargen_flush,
};
