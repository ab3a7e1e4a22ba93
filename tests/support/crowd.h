/*
 * Many clients at once, a thread each, that all send random bytes, half-close, and want the same
 * bytes back.
 */
#ifndef TESTS_SUPPORT_CROWD_H
#define TESTS_SUPPORT_CROWD_H

#include "support/peer.h"

struct crowd;

/* What each does is order, with seeds of its own; client i connects to addresses[i % count]. */
struct crowd *crowd_start(unsigned clients, const char *const *addresses, unsigned count,
			  const struct transfer *order);
/* Wait until every client has received so many bytes; false when that does not come true. */
bool crowd_wait_received(struct crowd *crowd, uint64_t bytes);
/* Wait for all; the test fails unless each got exactly its own bytes back.  Frees. */
void crowd_finish(struct crowd *crowd);

#endif
