/*
 * The pools of an edition, as the main thread fills them: with the servers that are known when
 * it is made, and with those that names stand for, as they are answered.  Each change is a new
 * roster for the workers (pool/roster.h), and the one before goes when nobody reads it any more.
 */
#ifndef CONTROL_POOLS_H
#define CONTROL_POOLS_H

#include "control/enlist.h"
#include "control/replaced.h"
#include "session/edition.h"

/*
 * A pool of the section's servers, as far as they are known; no worker has it yet.  0 or a
 * negative errno that has been logged; pool_close() in either case.
 */
int pools_fill(struct pool *pool, const struct config_section *source,
	       const struct pool_means *means) must_check;

/* The edition is adopted: its servers have the limits that it says. */
void pools_in_force(struct edition *edition);
/* It is not any more: what it says changes nothing of servers that another one has. */
void pools_replaced(struct edition *edition);

/*
 * One of the pool's names stands for something else: workers are given the servers that it stands
 * for now.  That is told as `change` has it, unless that is "".  What is wrong has been logged.
 */
void pools_refresh(struct pool *pool, const struct resolution *answer, const char *change,
		   const struct pool_means *means, struct replaced *replaced);

/*
 * An edition takes the place of another: servers that have gone there, and still have a name here,
 * go on being gone, with what is counted of them.
 */
void pools_inherit(const struct edition *edition, const struct edition *before);

/*
 * Something about that server is another than before: where the pool has it, workers are given
 * another roster.  0 or -ENOMEM, which is logged.
 */
int pools_restate(struct pool *pool, const struct server *server,
		  struct replaced *replaced) must_check;

#endif
