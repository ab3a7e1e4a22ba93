/*
 * Connections that wait for something of a pool: for a place at one of its servers, where all
 * have as many as they may; or for their turn to go to another server after one has failed,
 * since only so many do that at a time.
 *
 *      worker 0    a c f    since: when a came        what all workers know of it: how many
 *      worker 1    b e      since: when b came        wait in all, and since when each line's
 *      worker 2    -        since: nobody             first does
 *
 * Each worker has lines of its own, first come, first served.  Who gives a place back sees by
 * what is shared whether anybody is to have it, and who: the line whose first has waited for
 * the longest, whichever worker's it is, so that no worker's clients starve beside another's.
 * A newcomer tries nothing while anybody waits; it would overtake.
 *
 * No wake-up is lost: who waits says so first and then looks at the servers, with a fence
 * between; who gives a place back gives it first, and then looks whether anybody waits.  One
 * of the two sees the other.
 *
 * It belongs to a pool's title, as servers do, so that the connections of all editions stand in
 * the same lines.
 */
#ifndef POOL_QUEUE_H
#define POOL_QUEUE_H

#include "base/compiler.h"
#include "base/list.h"

#include <stdatomic.h>

enum queue_kind {
	QUEUE_PLACES,
	QUEUE_RETRIES,
	QUEUE_KIND_COUNT,
};

#define QUEUE_NOBODY UINT64_MAX

/* One worker's. */
struct queue_line {
	_Alignas(
		64) _Atomic uint64_t since[QUEUE_KIND_COUNT]; /* its firsts came, or QUEUE_NOBODY */
	_Atomic bool called; /* by another worker: it may be served */

	/* Its worker's alone. */
	struct queue *queue;
	struct list waiting[QUEUE_KIND_COUNT];
	struct list link; /* in the worker's list of those it has used */
	bool due;         /* it may be served: somebody has come, or a place was given back */
	bool is_called;   /* ... a place was, that is for it */
	bool looks;       /* ... servers have changed: it, or an older one, may be served */
	uint64_t look_ms; /* it is looked at again then; 0: not by itself */
};

struct queue {
	char *title;
	struct queue *next;
	uint32_t workers;

	/* How many wait, and of whom: see queue_enter(). */
	_Alignas(64) _Atomic uint64_t state[QUEUE_KIND_COUNT];
	_Atomic uint32_t retrying; /* connections on their way to another server */
	struct queue_line lines[];
};

/* For the main thread.  NULL: no memory. */
struct queue *queue_make(const char *title, uint32_t workers);
void queue_free(struct queue *queue);

/* ---- For workers ----------------------------------------------------------------------------- */

static inline uint32_t queue_waiting(const struct queue *queue, enum queue_kind kind)
{
	return (uint32_t)atomic_load_explicit(&queue->state[kind], memory_order_seq_cst);
}

/*
 * One more waits, if less than `most` do.  `edition` and `particular` tell whether it is like all
 * the others: one that has tried some servers, or lives under another edition, may find room
 * where they do not, and the other way round.
 */
bool queue_enter(struct queue *queue, enum queue_kind kind, uint32_t most, uint64_t edition,
		 bool particular) must_check;
void queue_leave(struct queue *queue, enum queue_kind kind);
/* Whether some may find room where others do not.  Forgotten when nobody waits. */
bool queue_is_mixed(const struct queue *queue, enum queue_kind kind);

/* The line's first came then, or nobody is in it. */
static inline void queue_tell(struct queue_line *line, enum queue_kind kind, uint64_t since)
{
	atomic_store_explicit(&line->since[kind], since, memory_order_seq_cst);
}

static inline bool queue_has(const struct queue_line *line, enum queue_kind kind)
{
	return atomic_load_explicit(&line->since[kind], memory_order_seq_cst) != QUEUE_NOBODY;
}

/* The line whose first has waited for the longest; NULL: nobody waits. */
struct queue_line *queue_oldest(struct queue *queue, enum queue_kind kind);

/* One more goes to another server, if less than `most` do; and one does no more. */
bool queue_retry(struct queue *queue, uint32_t most);
void queue_retry_over(struct queue *queue);

#endif
