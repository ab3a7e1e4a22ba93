/*
 * echo (RFC 862): what comes in goes back.
 *
 * The lane's queue is sent to the side it was received from; the client's end
 * comes back as ours, after the last byte.
 */
#include "service/services.h"

const struct strategy service_echo = {
	.name = "echo",
	.start = lane_mark,
	.complete = lane_complete,
	.flush = lane_flush,
};
