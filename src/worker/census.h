/*
 * A census: which sessions a worker has, and the end of those that are not to go on.
 *
 * The main thread asks by an order, which the worker keeps while it looks: at
 * CENSUS_SLOTS_MAX of its slots in a turn, so that nobody waits, however many sessions
 * there are.  Of those that are meant it writes down the ones with the least ids, as
 * many as there is room for; ids only grow, so who goes on behind the greatest of them
 * meets each session once that is there all the time, whoever comes and goes meanwhile.
 */
#ifndef WORKER_CENSUS_H
#define WORKER_CENSUS_H

#include "session/glance.h"
#include "worker/order.h"

#include <sys/types.h>

#define CENSUS_SLOTS_MAX 256
#define CENSUS_KILLS_MAX 32 /* in a turn: each closes two sockets */

struct sessions;

/* Its rows are in no order; first[0] is the one with the greatest id. */
struct census_order {
	struct order order;
	const struct glance_filter *filter;
	uint64_t from, below; /* ids: from <= id < below */
	struct glance *rows;
	uint32_t *heap;               /* of places in rows; as many */
	uint32_t room;                /* of both; 0: they are only counted */
	struct glance_detail *detail; /* of the last that is met; NULL: not asked for */
	bool kills;                   /* ends those it meets, for whoever asks ... */
	uid_t uid;
	pid_t pid;
	enum reason reason; /* ... or, if not REASON_NONE, for this and nobody */
	bool holds;         /* nothing but this: which servers that leave they have to do with */

	/* The worker's word. */
	uint32_t count;   /* rows that are filled in */
	uint64_t met;     /* in all */
	uint64_t killed;  /* of them; the others had ended already */
	uint64_t next_id; /* who came later has that or a greater one */

	uint32_t slot; /* the next to be looked at: the worker's */
};

/* What a worker has taken and not returned, the oldest first; all zeroes: nothing. */
struct censuses {
	struct order *oldest, **end;
};

/* The worker has it from now on. */
void census_take(struct censuses *censuses, struct order *order);
static inline bool census_any(const struct censuses *censuses)
{
	return unlikely(censuses->oldest != NULL);
}
/* Once a turn: go on with the oldest, and return it when it is done. */
void census_turn(struct censuses *censuses, struct sessions *all);
/* The worker ends: all are returned, -ESHUTDOWN. */
void census_leave(struct censuses *censuses);

#endif
