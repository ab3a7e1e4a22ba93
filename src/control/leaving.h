/*
 * Servers that names do not stand for any more, until nothing of them is left.
 *
 *   a member that is gone (named.h) -- nobody connected for LEAVING_MS --> no member: leaves
 *       --> every worker is asked whose sessions still have to do with it
 *              some have: asked again, LEAVING_EVERY_MS later
 *              nobody: freed, with what was counted under its name, another LEAVING_EVERY_MS
 *              later, for who has just looked at it
 *
 * One that nothing has to do with any more when an edition ends, or an operator's word, has its
 * counters for as long, too.  So what comes and goes all day leaves nothing behind: no memory, no
 * metrics.
 */
#ifndef CONTROL_LEAVING_H
#define CONTROL_LEAVING_H

#include "control/crew.h"
#include "pool/pool.h"
#include "pool/server.h"
#include "session/edition.h"

#include "ops/ledger.h"

#define LEAVING_MS       ((uint64_t)10 * 60 * 1000)
#define LEAVING_EVERY_MS 10000

struct leaving_list {
	struct server **servers; /* one may be here twice, for two pools */
	uint32_t count;
};

struct leaving {
	struct servers *servers;
	struct ledger *ledger;
	struct crew *crew;           /* NULL: there are no workers */
	struct census_order *orders; /* one for each worker */
	uint32_t out;                /* of them, not back */
	struct leaving_list left;    /* nobody has them in a pool */
	struct leaving_list asked;   /* ... and workers are asked, or were when out is 0 */
	struct leaving_list freed;   /* nobody has to do with them */
};

/* -ENOMEM. */
int leaving_open(struct leaving *leaving, struct servers *servers, struct ledger *ledger,
		 struct crew *crew) must_check;
/* No worker lives. */
void leaving_close(struct leaving *leaving);

/* Look at an edition's pools: who has been gone and idle for long enough is no member any more. */
void leaving_look(struct leaving *leaving, const struct edition *edition, uint64_t now_ms);
/* Every LEAVING_EVERY_MS, after looking: ask for those that have left, and free who is free. */
void leaving_turn(struct leaving *leaving, uint64_t now_ms);

/* Whether there is anything to be looked at again. */
bool leaving_is_due(const struct leaving *leaving, const struct edition *edition);

#endif
