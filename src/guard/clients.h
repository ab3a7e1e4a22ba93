/*
 * How many connections each client has, and how fast it makes them: one table that all
 * workers share, without a lock.
 *
 *      name of the client       a keyed hash of the account, and of the address as far as the
 *         |                     prefix says: whoever does not know the key cannot choose where
 *         v                     he lands
 *      two homes of four        +------------------+------------+---------+
 *      entries each,            | name|coming|count| next turn  | stamp   |   32 bytes, two of
 *      where it may be          +------------------+------------+---------+   them a cache line
 *
 * Name and count are one word, so that an entry is found and counted in by one
 * compare-and-swap: it cannot change hands between.  Exact, whichever workers a client's
 * connections come to: the count never passes the limit, and is 0 when the last has ended.
 *
 * Who is new takes an entry that is empty, or else the one of those eight that was used
 * longest ago and in which no connection is counted.  Where all eight are counted in, the new
 * one is not counted: a table that is full refuses nobody, and forgets nobody.
 *
 * Rates are kept by the generic cell rate algorithm: one time for each client, from which on it
 * is owed nothing.  Nothing is refilled, and who is refused pays nothing.
 *
 *      limit 4/1s    T = 250 ms, and the next turn may be 3 T ahead
 *
 *      arrivals      |||| |     |   |||
 *                    yyyy n     y   ynn         four at once, then one in 250 ms
 */
#ifndef GUARD_CLIENTS_H
#define GUARD_CLIENTS_H

#include "base/cidr.h"
#include "base/compiler.h"
#include "base/siphash.h"

#include <stdatomic.h>

struct clients_entry;

struct clients {
	struct clients_entry *entries; /* NULL: nobody is counted */
	uint32_t homes;
	struct siphash_key key;
	_Alignas(64) _Atomic uint32_t used; /* entries that some client has, or had */
	_Atomic uint32_t claims;            /* tells one who comes from the others */
	_Atomic uint64_t evicted;           /* clients that lost their entry to another */
};

/* What each client may do. */
struct clients_limits {
	uint32_t most;                /* connections at once; 0: any number */
	uint64_t every_ns, ahead_ns;  /* T, and how far ahead of its time it may be; 0: no rate */
	uint8_t prefix_v4, prefix_v6; /* bits of an address that make a client */
};

/* As many can be told apart in the table. */
#define CLIENTS_MOST 1000000u

/* Where a connection is counted; all zero: nowhere. */
struct clients_place {
	uint32_t entry; /* from 1 */
	uint32_t name;  /* a part of it */
};

enum clients_verdict {
	CLIENTS_COUNTED, /* or no limit of the number is set, and there is nothing to count */
	CLIENTS_UNKNOWN, /* the table is full: it may come in, and is not counted */
	CLIENTS_TOO_MANY,
	CLIENTS_TOO_FAST,
};

/* At most so many connections in that time, once they have not come for as long. */
void clients_set_rate(struct clients_limits *limits, uint32_t count, uint32_t period_ms);
static inline bool clients_any_limit(const struct clients_limits *limits)
{
	return limits->most || limits->every_ns;
}

/* Of so much memory, which is taken as it is used.  -ENOMEM. */
int clients_open(struct clients *clients, uint64_t memory,
		 const struct siphash_key *key) must_check;
void clients_close(struct clients *clients);

/*
 * A connection of that client comes, under that account: may it, and where it is counted, if it
 * is.  An account's clients are others than those of another one.
 */
enum clients_verdict clients_enter(struct clients *clients, uint32_t account,
				   struct cidr_number client, const struct clients_limits *limits,
				   uint64_t now_ns, struct clients_place *ret_place);
/* It ends: once for each that was counted, and the place is none from then on. */
void clients_leave(struct clients *clients, struct clients_place *place);

static inline bool clients_is_counted(const struct clients_place *place)
{
	return place->entry;
}

/* Clients for which there is room. */
uint32_t clients_capacity(const struct clients *clients);
/* Connections that are counted, in all of the table; it is gone through. */
uint64_t clients_sum(const struct clients *clients);

#endif
