/*
 * Disjoint ranges of addresses, each with the number of its rule, to be looked up.
 *
 * An IPv4 address finds by its upper 16 bits the few ranges that it may be in; an IPv6
 * address is looked for in every 64th range, which stay in the processor's cache, and then
 * among 64.  An array holds one thing, since a look-up touches few lines of memory then.
 *
 * A range of IPv4 is 10 bytes.  One of IPv6 is 19, since most are networks, whose end follows
 * from their size; the end of another is kept beside.
 */
#ifndef GUARD_RANGES_H
#define GUARD_RANGES_H

#include "guard/spans.h"

#define RANGES_RULE_NONE UINT32_MAX
#define RANGES_RULES_MAX 65535

struct ranges {
	uint32_t count4, count6;
	uint32_t *first4, *last4;
	uint16_t *rule4;
	uint32_t *index4; /* how many begin before each 64Ki addresses, and in all; NULL: few */
	struct cidr_number *first6;
	uint8_t *bits6; /* of an address in it that are free; RANGES_ODD: it is no network */
	uint16_t *rule6;
	uint32_t odd_count;
	uint32_t *odd; /* which those are, and their ends */
	struct cidr_number *odd_last;
	uint64_t *index6; /* of every RANGES_STEP-th, its first's upper half */
};

#define RANGES_STEP 64
#define RANGES_ODD  255

/* Of spans of IPv4, and of IPv6, which are flattened, and gone.  0 or -ENOMEM. */
int ranges_make(struct ranges *ranges, struct spans *v4, struct spans *v6) must_check;
void ranges_done(struct ranges *ranges);

/* The rule of the range that it is in, or RANGES_RULE_NONE. */
uint32_t ranges_find(const struct ranges *ranges, struct cidr_number address);

/* Bytes that they take. */
size_t ranges_memory(const struct ranges *ranges);

#endif
