/*
 * echo (RFC 862): what comes in goes back.
 *
 * The lane's queue is sent to the side it was received from; the client's end
 * comes back as ours, after the last byte.
 */
#include "service/services.h"

/* The same bytes come and go, so the lower one of the two rates is that of both. */
static void echo_start(struct lane *lane)
{
	struct throttle *there = &lane->throttle, *back = &road_of(lane)->lanes[LANE_DOWN].throttle;

	if (back->rate && (!there->rate || back->rate < there->rate))
		*there = *back;
	lane_mark(lane);
}

const struct strategy service_echo = {
	.name = "echo",
	.start = echo_start,
	.complete = lane_complete,
	.flush = lane_flush,
};
