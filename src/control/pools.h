/*
 * The pools of an edition, as the main thread fills them: with the servers that are known when
 * it is made, and with those whose names are answered later.  Each change is a new roster for
 * the workers (pool/roster.h), and the one before goes when nobody reads it any more.
 */
#ifndef CONTROL_POOLS_H
#define CONTROL_POOLS_H

#include "control/replaced.h"
#include "control/resolve.h"
#include "pool/pool.h"
#include "pool/server.h"

/* What pools of one reading of the configuration are filled with. */
struct pool_means {
	const struct config *config;
	struct servers *servers;
	struct ledger *ledger;
	struct resolver *resolver;
};

/*
 * A pool of the section's servers, as far as they are known; no worker has it yet.  0 or a
 * negative errno that has been logged; pool_close() in either case.
 */
int pools_fill(struct pool *pool, const struct config_section *source,
	       const struct pool_means *means) must_check;

/*
 * One of the pool's names has been answered: workers are given the servers that it brings.
 * What is wrong has been logged.
 */
void pools_extend(struct pool *pool, const struct resolution *answer,
		  const struct pool_means *means, struct replaced *replaced);

#endif
