/*
 * A tenancy: one worker's own part of an edition.
 *
 *      edition --- sections --- pools           shared by all workers, read only
 *         ^           ^           ^
 *      tenancy --- branches --- desks           one worker's own: what it counts and has told
 *                                               of a section, and whose turn it is in a pool
 *
 * The main thread makes one for each worker and gets it back when nothing of the worker is
 * under that edition any more: its sessions, its listeners and who waits there for room are
 * counted.
 */
#ifndef SESSION_TENANCY_H
#define SESSION_TENANCY_H

#include "base/list.h"
#include "base/spell.h"
#include "pool/choose.h"
#include "pool/queue.h"
#include "pool/server.h"
#include "session/edition.h"
#include "session/reach.h"
#include "session/refused.h"

/* Where a worker chooses among a pool's servers. */
struct desk {
	struct pool *pool;
	_Atomic uint64_t *cell; /* what the worker counts under the pool's name */
	struct picker picker;
	struct queue_line *line; /* where the worker's connections wait for one */
};

struct branch {
	struct section *section;
	struct tenancy *tenancy;
	_Atomic uint64_t *cell;     /* what the worker counts under the section's name */
	struct desk *desk;          /* NULL: it has no upstream */
	struct spell returning;     /* connections that came back to the section: hop.h */
	struct list returning_link; /* in sessions.returning meanwhile */
	struct spell full;          /* the section's max_connections is reached: worker/full.h */
	struct list full_link;      /* where that is, in full.branches */
	struct spell paced;         /* its accept_rate is reached: likewise */
	struct list paced_link;     /* ... in full.paced */
	struct refused refused[REFUSED_COUNT];
	struct refused *ruled_out; /* by line of allow and deny; NULL: it has none */
	struct list refused_link;  /* where some were, in sessions.refused */
};

struct tenancy {
	struct edition *edition;
	struct branch *branches; /* one for each section, in the edition's order */
	struct desk *desks;      /* and for each pool */
	_Atomic uint32_t used;   /* by what the worker has under it; any thread may read */
	void *wanted;            /* by whom, back: worker/worker.c; NULL: by nobody yet */
	struct list *vacated;    /* ... and then where it goes when it is used no more ... */
	struct list link;        /* ... by this */
};

/* For that worker, by the main thread.  NULL: no memory. */
struct tenancy *tenancy_make(struct edition *edition, uint32_t worker);
/* The worker has it no more. */
void tenancy_free(struct tenancy *tenancy);

/* The worker's part of that section of the edition. */
static inline struct branch *tenancy_branch(const struct tenancy *tenancy,
					    const struct section *section)
{
	return &tenancy->branches[section - tenancy->edition->sections];
}

/* ... and of that pool. */
static inline struct desk *tenancy_desk(const struct tenancy *tenancy, const struct pool *pool)
{
	return &tenancy->desks[pool - tenancy->edition->pools];
}

/* For the worker, who alone writes the count. */
static inline void tenancy_use(struct tenancy *tenancy)
{
	atomic_store_explicit(&tenancy->used,
			      atomic_load_explicit(&tenancy->used, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static inline void tenancy_leave(struct tenancy *tenancy)
{
	uint32_t left = atomic_load_explicit(&tenancy->used, memory_order_relaxed) - 1;

	atomic_store_explicit(&tenancy->used, left, memory_order_relaxed);
	if (unlikely(left == 0 && tenancy->vacated))
		list_push(tenancy->vacated, &tenancy->link);
}

#endif
