/*
 * What the kernel knows of the way to a peer: how long it is, and what gets lost on it
 * (TCP_INFO, tcp(7)).  Simulations link their own.
 */
#ifndef LOOP_WIRE_H
#define LOOP_WIRE_H

#include "base/compiler.h"

struct wire {
	uint32_t rtt_us;        /* smoothed; 0: nothing was acknowledged yet */
	uint32_t rtt_min_us;    /* the least of late; 0: likewise */
	uint32_t retransmits;   /* segments that were sent again, in all */
	uint32_t lost;          /* ... that are missing now */
	uint64_t delivery_rate; /* bytes a second, as of late */
};

/* False on a unix socket, and *ret_wire is all zeroes. */
bool wire_look(int fd, struct wire *ret_wire);

#endif
