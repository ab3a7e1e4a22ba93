/*
 * Who of a pool's servers takes connections now, as a snapshot that never changes.
 *
 * The main thread makes another one each time that anything about it changes -- a state, a
 * weight, a name's addresses, the configuration -- and workers read the one that is in force,
 * for the time of a call; it is freed when every worker has been heard of since.  So a pick
 * needs no lock, and what is laborious, as a table to look keys up in, is done once for all
 * workers and beside the data path.
 *
 * What changes with each connection is not in it, but in the servers: how many connections
 * they have, and whether their failures have ejected them.
 *
 * Servers stand in tiers.  Those of a tier are taken while any of the tiers before it is.
 */
#ifndef POOL_ROSTER_H
#define POOL_ROSTER_H

#include "base/compiler.h"
#include "base/list.h"

struct server;

/* How one of a tier's servers is chosen: one file each. */
enum balance {
	BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_CONN,
	BALANCE_RANDOM_TWO,
	BALANCE_SOURCE_HASH,
	BALANCE_LEAST_TIME,
	BALANCE_COUNT,
};

struct seat {
	struct server *server;
	uint32_t weight; /* above 0 */
	uint32_t number; /* its server's */
};

struct tier {
	struct seat *seats;
	uint32_t count;
	void *table; /* what its balance has made of the seats; NULL: it needs nothing */
};

/* How there is to be chosen from it. */
struct roster_rule {
	enum balance balance;
	bool waits; /* where all of a tier are full one waits, and does not go to the next */
	bool panic; /* nobody takes connections as it should be: those in it are a last resort */
};

struct roster {
	struct roster_rule rule;
	uint32_t tier_count; /* those with nobody in them are left out */
	uint32_t count;      /* seats of all tiers */
	struct list link;    /* the main thread's, once another has replaced it */
	struct tier tiers[]; /* the one to take first, first */
};

/* A server, as the main thread knows it. */
struct roster_entry {
	struct server *server;
	uint32_t weight; /* now, slow start included; 0: it takes none */
	uint32_t tier;   /* any number: those with the smallest are taken first */
	bool takes;      /* connections, now */
};

/*
 * The seats of those that take connections, in the order given; of all that have a weight
 * where that is a panic.  Servers outlive the roster: that is up to the caller.  NULL: no memory.
 */
struct roster *roster_make(const struct roster_rule *rule, const struct roster_entry *entries,
			   uint32_t count);
/* NULL is no roster. */
void roster_free(struct roster *roster);

#endif
