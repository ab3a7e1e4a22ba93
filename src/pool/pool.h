/*
 * The servers that a section's connections go to: those known when an edition is made, and
 * behind them those whose names are answered later.  Those come complete before they are
 * counted, and none is changed or taken away, so a worker keeps a member's place as long as
 * it has the edition.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/compiler.h"

#include <stdatomic.h>

struct server;

struct member {
	struct server *server;
	char *place;     /* "FILE:LINE", where it is written */
	bool may_return; /* it may be a listener of ours: session/hop.h */
};

struct pool {
	struct member *members;
	_Atomic uint32_t count; /* known so far: there may be none yet */
	uint32_t room;          /* that there can be */
};

/* Room for so many.  -ENOMEM. */
int pool_open(struct pool *pool, uint32_t room) must_check;
/* Whoever reads it is gone; its servers are put back. */
void pool_close(struct pool *pool);

/* One more, which is the pool's from now on, with its place, a copy; workers may be reading.
 * -ENOMEM: and it is not. */
int pool_add(struct pool *pool, const struct member *member) must_check;

/*
 * Round robin: the place of the next in turn of a cursor, which is moved on.  The pool has
 * members.
 */
static inline uint32_t pool_next(const struct pool *pool, uint32_t *cursor)
{
	uint32_t place = *cursor % pool->count;

	*cursor = place + 1;
	return place;
}

/* Of the one behind that one. */
static inline uint32_t pool_behind(const struct pool *pool, uint32_t place)
{
	return (place + 1) % pool->count;
}

#endif
