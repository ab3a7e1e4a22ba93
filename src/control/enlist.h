/*
 * Servers of the configuration become members of pools: looked for among all there are, or made,
 * with what is counted under their names.
 */
#ifndef CONTROL_ENLIST_H
#define CONTROL_ENLIST_H

#include "control/resolve.h"
#include "pool/pool.h"
#include "pool/server.h"

struct ledger;

/* What pools of one reading of the configuration are filled with. */
struct pool_means {
	const struct config *config;
	struct servers *servers;
	struct ledger *ledger;
	struct resolver *resolver;
};

/* One that is to be there. */
struct enlisted {
	const struct config_endpoint *line;
	const struct address *address;
	const char *name; /* in its pool */
	const char *text; /* as messages name it */
	uint32_t weight, tier;
	const char *place; /* that says so; NULL: the line's */
};

/*
 * Add it to the pool, which has it from now on.  One that leads back to a proxy of the pool is
 * left out, which is logged.  0, or a negative errno that has been logged.
 */
int enlist(struct pool *pool, const struct pool_means *means,
	   const struct enlisted *enlisted) must_check;

#endif
