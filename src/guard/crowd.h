/*
 * How many different clients there were, without keeping any: each sets a bit that its
 * address hashes to, and how many bits are set tells about how many did.  A few are counted
 * exactly, mostly; a thousand to a few percent; past CROWD_MAX there are "more than" so many.
 */
#ifndef GUARD_CROWD_H
#define GUARD_CROWD_H

#include "base/cidr.h"

#define CROWD_BITS 4096
#define CROWD_MAX  20000

/* All zeroes: nobody was there. */
struct crowd {
	uint64_t bits[CROWD_BITS / 64];
};

void crowd_add(struct crowd *crowd, struct cidr_number client);
/* About how many; CROWD_MAX: or more. */
uint32_t crowd_count(const struct crowd *crowd);

#endif
