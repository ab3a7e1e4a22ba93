/*
 * Ranges of addresses, each of a rule, that may overlap; flattened, they do not.
 *
 *   rule 0        |-----|              where several are, the first rule is what counts
 *   rule 1    |-----------------|
 *   rule 2              |--------------|
 *
 *             |-1-||--0--||--1--||--2--|
 *
 * Addresses are swept once, from the lowest on, with a heap of the ranges that are open there.
 */
#ifndef GUARD_SPANS_H
#define GUARD_SPANS_H

#include "base/cidr.h"

struct span {
	struct cidr_number first, last;
	uint32_t rule;
};

/* All zeroes: there are none. */
struct spans {
	struct span *at;
	size_t count, room;
};

int spans_add(struct spans *spans, const struct span *span) must_check;
void spans_done(struct spans *spans);

typedef void span_taker(void *owner, const struct span *span);

/*
 * Give the flattened ones to take(), in order, less than twice as many as there are; neighbours
 * of one rule are one.  The spans are sorted by that.  0 or -ENOMEM.
 */
int spans_flatten(struct spans *spans, span_taker *take, void *owner) must_check;

#endif
