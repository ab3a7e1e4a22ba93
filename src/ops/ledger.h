/*
 * The ledger: what is counted under a name, for as long as the process lives, or until it is
 * told to forget one.
 *
 * A configuration comes and goes, and what a section has served stays: its account is found
 * by its name, or begun.  An account has cells, one for each worker, of counters that only
 * that worker writes and any thread may read (as stats.h has it), and a count of open
 * connections, of all workers together.  What an operator has said of a name stays with it, too.
 * What takes time under the name has histograms beside the cells, for each worker its own.
 */
#ifndef OPS_LEDGER_H
#define OPS_LEDGER_H

#include "base/compiler.h"
#include "ops/histogram.h"

#include <stdatomic.h>

struct account {
	char *name;
	uint32_t id;                               /* from 1, in the order they were begun */
	_Alignas(64) _Atomic uint32_t connections; /* touched twice in a connection's life */
	_Atomic uint32_t kept;                     /* ... in a place that is kept for it */
	_Atomic bool drained;                      /* by an operator: it takes no new ones */
	_Atomic uint64_t *cells;                   /* the workers', one after the other */
	uint32_t stride;                           /* counters from one cell to the next */
	struct histogram *histograms; /* the workers', likewise; NULL: nothing is measured */
	uint32_t histogram_count;     /* of one worker */
	struct account *next;         /* in its bucket */
	uint32_t users;               /* of a server's: those that have its name */
	uint64_t idle_ms;             /* ... and since when there is none; 0: there are */
};

#define LEDGER_BUCKETS 4096

struct ledger {
	struct account *buckets[LEDGER_BUCKETS];
	uint32_t workers, counters;
	uint32_t count;
};

/* The main thread's.  For so many workers and counters in each cell. */
void ledger_open(struct ledger *ledger, uint32_t workers, uint32_t counters);
/* No worker lives any more. */
void ledger_close(struct ledger *ledger);

/* The account of that name, begun if there is none.  NULL: no memory. */
struct account *ledger_account(struct ledger *ledger, const char *name);

/*
 * Somebody counts under that name, or does not any more: the last one leaves it idle, until it is
 * asked for again.
 */
static inline void account_use(struct account *account)
{
	account->users++;
}
void account_leave(struct account *account, uint64_t now_ms);

/* Nobody counts under that name any more, and what was counted is forgotten. */
void ledger_forget(struct ledger *ledger, struct account *account);
/* ... under those that have been idle for so long. */
void ledger_sweep(struct ledger *ledger, uint64_t idle_ms, uint64_t now_ms);

/* Give the account so many histograms, if it has none yet and no worker has it.  -ENOMEM. */
int ledger_measure(const struct ledger *ledger, struct account *account,
		   uint32_t histograms) must_check;

/* That worker's counters: for who counts often, and keeps where. */
static inline _Atomic uint64_t *account_cell(struct account *account, uint32_t worker)
{
	return &account->cells[(size_t)worker * account->stride];
}

/* Count, as the worker whose cell it is. */
static inline void cell_count(_Atomic uint64_t *cell, uint32_t counter, uint64_t amount)
{
	atomic_store_explicit(&cell[counter],
			      atomic_load_explicit(&cell[counter], memory_order_relaxed) + amount,
			      memory_order_relaxed);
}

/* Record a value of the scale in a histogram, as that worker. */
static inline void account_record(struct account *account, uint32_t worker, uint32_t histogram,
				  const struct histogram_scale *scale, uint64_t value)
{
	histogram_record(&account->histograms[worker * account->histogram_count + histogram], scale,
			 value);
}

/* What all workers have counted, or recorded, from any thread. */
uint64_t ledger_sum(const struct ledger *ledger, const struct account *account, uint32_t counter);
void ledger_total(const struct ledger *ledger, const struct account *account, uint32_t histogram,
		  struct histogram_total *ret_total);

#endif
