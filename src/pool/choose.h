/*
 * Choosing a server for a connection, and taking a place at it.
 *
 * One that is chosen has been reserved (server.h) by one compare-and-swap, so what it may have
 * is never exceeded, however many workers choose at once.  Who is chosen has a weight, takes
 * connections, has room, is not ejected, and has not been tried for this connection.
 *
 * Tiers are looked through in their order, for the first with anybody.  Where nobody is left
 * but those ejected by their failures (passive.h), they are tried all the same: to know for
 * certain that nobody answers is worth an attempt.
 */
#ifndef POOL_CHOOSE_H
#define POOL_CHOOSE_H

#include "pool/roster.h"
#include "pool/tried.h"

struct server;

/*
 * A worker's own part of choosing from one pool: whose turn it is.  It stays with the pool
 * while rosters change.  Each worker begins at another place, or all of them would send
 * their first connections to the same server.
 */
#define PICKER_TIERS 4
struct picker {
	uint32_t begin; /* where, as a fraction of 2^32 */
	struct picker_turn {
		uint64_t place;
		uint64_t length; /* of what the place is in */
	} turns[PICKER_TIERS];   /* the tiers behind those share the last */
};

static inline void picker_init(struct picker *picker, uint32_t worker)
{
	*picker = (struct picker){.begin = worker * 0x9e3779b9u}; /* the golden ratio: far apart */
}

/* A connection that is to have a server. */
struct wish {
	const struct roster *roster;
	struct picker *picker;
	const struct tried *tried; /* NULL: none */
	uint64_t key;              /* for source_hash: any hash of who it is */
	uint64_t random;           /* 64 bits of it */
	uint64_t now_ms;
};

enum choice {
	CHOICE_MADE, /* and reserved */
	CHOICE_FULL, /* somebody would do, and has no room */
	CHOICE_NONE, /* nobody will do, however long one waits for room */
};

enum choice pool_choose(const struct wish *wish, struct server **ret_server);

/* As users write it: "round_robin". */
const char *balance_name(enum balance balance);

#endif
