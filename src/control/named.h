/*
 * Servers that a name stands for, as members of a pool.
 *
 *   found ---> member ---> not found any more: gone ---> nobody connected for ten minutes: let go
 *                ^               |                                              (leaving.h)
 *                +-- found again +
 *
 * One that is gone gets no new connections, and those it has go on.  It is a member all the
 * same, so that it is the same server if it comes back, with all that is known and counted of it.
 */
#ifndef CONTROL_NAMED_H
#define CONTROL_NAMED_H

#include "control/enlist.h"

/*
 * The pool has the servers that the line stands for now; no roster says so yet.  0, or a negative
 * errno that has been logged: it has some of them.
 */
int named_update(struct pool *pool, const struct pool_means *means, const struct resolution *answer,
		 uint64_t now_ms) must_check;

/* How many members are not gone. */
uint32_t named_count(const struct pool *pool);

/* Whether any of its members has come from a name. */
bool named_any(const struct pool *pool);

/*
 * A pool of another edition takes over from one that is replaced by it: members that are gone.
 * Without memory they are let go.
 */
void named_inherit(struct pool *pool, const struct pool *before);

#endif
