/*
 * A server: one address that a section's connections may go to, and whether it lets
 * itself be connected to.
 *
 * It has an identity -- its pool's title, its name and its address -- and lives for as
 * long as any pool names it, so what is known of it outlives a configuration.  All workers share
 * that: a server that fails is one line in the log, and one when it is connected to again
 * and has not failed for a while, as a spell (spell.h) that any of them begins and any of
 * them ends.  One that flaps, or refuses now and then because it is full, does both all the
 * time, and is no line per connection.
 *
 * What workers write are atomics, relaxed, each by a few instructions and none waited for:
 * a count may miss what happens in the very moment in which a spell ends, and no line is
 * ever said twice.
 */
#ifndef POOL_SERVER_H
#define POOL_SERVER_H

#include "base/address.h"
#include "base/fault.h"
#include "base/list.h"
#include "pool/vitals.h"

#include <stdatomic.h>

struct account;
struct passive_pool;
struct queue;
struct ruling;
struct ward;
struct way;

#define SERVER_FAILS_MAX 64 /* failures that it can be ejected after */

/* Since the main thread has looked: */
enum {
	SERVER_FAILED = 1,  /* a connection to it has failed ... */
	SERVER_REFUSED = 2, /* ... since nobody listens */
	SERVER_EJECTED = 4,
	SERVER_STAYS_OUT = 8, /* who tried it has failed */
	SERVER_IS_BACK = 16,
};

struct server {
	struct address address;  /* resolved: INET or UNIX */
	char *title;             /* its section's, as messages name it */
	char *name;              /* its own, in its section */
	char *text;              /* as messages name it */
	char *address_text;      /* ... and its address */
	struct account *account; /* what is counted under its name; whose it is sets it */
	struct queue *queue;     /* of those who wait for a place in its pool */
	uint64_t hash;           /* of its name: where keys find it, on any machine */
	uint32_t number;         /* small, and no other's of its title while it lives: tried.h */

	void *reaches; /* of each worker: session/reach.h, which pool/ knows nothing of */
	_Atomic(const char *) place; /* "FILE:LINE", where it is written now */
	_Atomic bool may_return;     /* it may be a listener of ours: session/hop.h */
	_Atomic uint32_t header;     /* what it is told of its clients: pool_header(); 0: nothing */
	_Atomic bool
		leaves;    /* no pool names it: workers are asked who still has to do with it ... */
	_Atomic bool held; /* ... and somebody has */

	/* The main thread's. */
	uint32_t users;              /* pools that name it */
	struct way *ways;            /* that lead there, or did: departure.h */
	const struct ruling *ruling; /* an operator's; NULL: there is none */
	uint64_t ruled_ms;           /* since 1970, when that last changed its state; 0: never */
	struct vitals vitals;        /* what its check says */
	struct ward *ward;           /* who looks after it: control/wards.h; NULL: nobody */
	struct list link;
	struct list in_order;

	/* What a pick reads and writes: a line of its own. */
	_Alignas(64) _Atomic uint32_t active; /* connections with a place at it, of all workers */
	_Atomic uint32_t limit;               /* how many may have one; 0: any number */
	_Atomic uint64_t ejection;            /* by its failures: passive.h; 0: none */
	_Atomic(struct way *) way;            /* where connections set out from; NULL: anywhere */
	_Atomic uint64_t cost;                /* how long it takes: least_time.h; 0: unknown */

	/* Written by all workers. */
	_Alignas(64) _Atomic uint64_t since_ms; /* when it began to fail; 0: it does not */
	_Atomic uint64_t failed;                /* attempts since then */
	_Atomic uint64_t last_ms;               /* ... the last of them */
	_Atomic uint64_t ended_ms;              /* when it last stopped failing; 0: never */
	_Atomic uint32_t patience_ms;           /* without a failure, for the spell to be over */
	_Atomic uint32_t connected;             /* times, while it is failing */
	_Atomic bool answers;                   /* it was connected to since it last failed */

	/* What its line says of that, and what workers have to tell the main thread. */
	struct passive_pool *passive; /* its title's */
	_Atomic uint32_t fails, within_ms;
	_Atomic uint32_t news; /* SERVER_FAILED ... */
	_Atomic uint32_t out_ms;
	_Atomic int error; /* that it failed with, negative */

	/* passive.h's: nobody touches it but for a failure. */
	_Atomic uint32_t ejections; /* in a row, after the first */
	_Atomic uint64_t ejected;   /* times, all in all */
	_Atomic uint32_t fails_next;
	_Atomic uint64_t fails_at[SERVER_FAILS_MAX]; /* a ring; 0: none */
};

/* ---- For workers ----------------------------------------------------------------------------- */

/*
 * One connection more has a place at it, which whoever asked gives back exactly once; false:
 * it has all it may.  However many ask at once, there are never more.
 */
static inline bool server_reserve(struct server *server)
{
	uint32_t active = atomic_load_explicit(&server->active, memory_order_relaxed);
	uint32_t limit = atomic_load_explicit(&server->limit, memory_order_relaxed);

	do {
		if (limit && active >= limit)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&server->active, &active, active + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static inline void server_release(struct server *server)
{
	/* Before who gives it back looks whether somebody waits for it: pool/queue.h. */
	uint32_t active = atomic_fetch_sub_explicit(&server->active, 1, memory_order_seq_cst);

	assert(active > 0);
}

/* It has all the connections it may. */
static inline bool server_is_full(const struct server *server)
{
	uint32_t limit = atomic_load_explicit(&server->limit, memory_order_relaxed);

	return limit && atomic_load_explicit(&server->active, memory_order_relaxed) >= limit;
}

/* What it means that an attempt at it failed with that (negative errno). */
enum fault server_fault(const struct server *server, int error);

/* An attempt at it failed (negative errno), by no fault of this machine. */
void server_failed(struct server *server, int error, uint64_t now_ms);

/* It may be one of our own listeners. */
static inline bool server_may_return(const struct server *server)
{
	return atomic_load_explicit(&server->may_return, memory_order_relaxed);
}

/* Where its connections come from; NULL: the kernel chooses, as nearly always. */
static inline struct way *server_way(const struct server *server)
{
	return atomic_load_explicit(&server->way, memory_order_acquire);
}

/* It does not let itself be connected to, as far as is known. */
static inline bool server_is_failing(const struct server *server)
{
	return atomic_load_explicit(&server->since_ms, memory_order_relaxed) != 0;
}

/* ... and has not been connected to since then. */
static inline bool server_is_out_of_reach(const struct server *server)
{
	return server_is_failing(server) &&
	       !atomic_load_explicit(&server->answers, memory_order_relaxed);
}

/* It is failing, and has been connected to: when to ask whether that is over. */
uint64_t server_answered(struct server *server);

/* As good as another attempt that failed: it is known that one would. */
void server_keeps_failing(struct server *server, uint64_t now_ms);

/*
 * Whether it is over: then that is said, once by whoever asks first.  If not, *ret_again_ms
 * is when to ask again, or UINT64_MAX: it does not answer, and the next connection that
 * is made to it finds out.
 */
bool server_recovers(struct server *server, uint64_t now_ms, uint64_t *ret_again_ms);

/* Its check has connected to it, where connections go, and finds it well: as good as one of them.
 */
void server_found_well(struct server *server, uint64_t now_ms);

/* ---- For the main thread --------------------------------------------------------------------- */

/* What workers have of each server, each its own: so many bytes of each, in an array. */
struct servers_reaches {
	uint32_t workers;
	size_t size; /* a multiple of what a cache line has, or two workers share one */
	/* A server is made, and this is one worker's part of it. */
	void (*init)(void *reach, struct server *server, uint32_t worker);
};

#define SERVERS_BUCKETS 1024

struct departure;
struct servers_title;

/* All there are, the places where they are written, and what those of a title share. */
struct servers {
	struct list buckets[SERVERS_BUCKETS];
	struct servers_reaches reaches;
	struct servers_place *places[256];
	struct servers_title *titles[256];     /* of pools that there ever were */
	struct queue *queues[256];             /* of pools, by title; those that are no more stay */
	struct list numbered[SERVERS_BUCKETS]; /* by their numbers */
	struct departure *departures;          /* that there ever were */
	_Atomic uint32_t ports;                /* that the kernel chooses from */
};

/* Without workers (NULL) servers have no reaches. */
void servers_init(struct servers *servers, const struct servers_reaches *reaches);
/* That of the pool's title, new or known; it stays.  NULL: no memory. */
struct queue *servers_queue(struct servers *servers, const char *title);
/* Nobody has any of them. */
void servers_done(struct servers *servers);

/* Where a server is written, "FILE:LINE": it stays, since workers may be reading it.  NULL: no
 * memory. */
const char *servers_place(struct servers *servers, const char *text);

/*
 * The one of that title, name and address, new or known, with one user more.  Texts are
 * copied; one that is known keeps those it has.  NULL: no memory.
 */
struct server *servers_get(struct servers *servers, const char *title, const char *name,
			   const char *text, const char *place, const struct address *address);
/* ... who has it already, to keep it longer than that. */
static inline struct server *server_keep(struct server *server)
{
	server->users++;
	return server;
}
/* A pool names it no more.  The last one frees it: no worker has that pool any more. */
void servers_put(struct server *server);

#endif
