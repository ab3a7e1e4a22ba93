/*
 * How a server of a pool stands: whether it takes new connections, of what weight, and who has
 * a say in it.
 *
 *     an operator        removes it, drain, maint, or another weight or limit than the
 * configuration's the configuration  disabled, or weight 0 its name           stands for other
 * addresses its check          it is down its connections    they fail: it is tried all the same,
 * and less by who is ejected (passive.h)
 *
 * Each of them can take it out, and none lifts what another says: it takes connections when nobody
 * has something against it.  What is shown is what the first of them in this order says.
 */
#ifndef POOL_STANDING_H
#define POOL_STANDING_H

#include "base/compiler.h"

struct member;

enum standing_cause {
	STANDING_WELL,
	STANDING_REMOVED,    /* by an operator: it is there for as long as connections are */
	STANDING_DRAINED,    /* by an operator */
	STANDING_MAINTAINED, /* likewise */
	STANDING_UNWEIGHTED, /* likewise: weight 0 */
	STANDING_DISABLED,   /* by the configuration */
	STANDING_WEIGHTLESS, /* likewise: weight 0 */
	STANDING_GONE,       /* its name stands for others now */
	STANDING_DOWN,       /* by its check */
	STANDING_EJECTED,    /* its connections fail: it waits for one that tries */
	STANDING_FAILING,    /* the last one failed, and it is tried */
	STANDING_CAUSE_COUNT,
};

struct standing {
	enum standing_cause cause;
	bool able;    /* to take new connections, but for its check: it does so in a panic */
	bool takes;   /* new connections, as far as rosters go */
	bool checked; /* it may be asked how it is */
	uint32_t weight;
	uint32_t limit; /* of connections; 0: none */
};

struct standing standing_of(const struct member *member);

/* "up", "down", "drain", "maint"; and why, "" where there is nothing to say. */
const char *standing_word(enum standing_cause cause);
const char *standing_why(enum standing_cause cause);

#endif
