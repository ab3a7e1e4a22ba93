/*
 * The servers that a connection has tried already: a set of their numbers.  None is tried
 * twice for one connection.
 *
 * All zeroes is the empty set.  It takes memory only for a number of 64 or more, that is,
 * seldom and for a connection alone that something has gone wrong for.
 */
#ifndef POOL_TRIED_H
#define POOL_TRIED_H

#include "base/compiler.h"

struct tried {
	uint64_t first; /* the numbers below 64 */
	uint64_t *more; /* the others */
	uint32_t words; /* ... of which there is room for so many */
	uint32_t count; /* in the set */
};

static inline bool tried_has(const struct tried *tried, uint32_t number)
{
	if (number < 64)
		return tried->first >> number & 1;
	number -= 64;
	return number / 64 < tried->words && tried->more[number / 64] >> number % 64 & 1;
}

/* -ENOMEM: and it is not in it. */
int tried_add(struct tried *tried, uint32_t number) must_check;
/* The empty set again. */
void tried_done(struct tried *tried);

#endif
