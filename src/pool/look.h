/*
 * Looking through a tier for a server, once: what the ways of balancing share, and nobody else
 * includes.
 */
#ifndef POOL_LOOK_H
#define POOL_LOOK_H

#include "pool/choose.h"
#include "pool/passive.h"
#include "pool/server.h"

struct look {
	const struct wish *wish;
	const struct tier *tier;
	struct picker_turn *turn; /* the tier's, of this worker */
	uint64_t random;
	uint64_t active;   /* the tier's, when source_hash has counted them; or 0 */
	bool ejected_too;  /* nobody else is left */
	bool seen_full;    /* somebody would do, and has no room */
	bool seen_ejected; /* somebody would do, but for its failures */
};

/* A way of balancing. */
struct way {
	const char *name; /* as users write it */
	/* Make the tier's table, one piece of memory, of its seats.  NULL: it has none.  -ENOMEM.
	 */
	int (*prepare)(struct tier *tier);
	/* Somebody whom look_allows(); NULL: nobody. */
	const struct seat *(*propose)(struct look *look);
};

extern const struct way round_robin, least_conn, random_two, source_hash, least_time;

static inline bool look_allows(struct look *look, const struct seat *seat)
{
	const struct tried *tried = look->wish->tried;

	if (tried && tried_has(tried, seat->number))
		return false;
	if (!look->ejected_too && passive_ejects(seat->server, look->wish->now_ms)) {
		look->seen_ejected = true;
		return false;
	}
	if (server_is_full(seat->server)) {
		look->seen_full = true;
		return false;
	}
	return true;
}

/* Another 64 bits (splitmix64, by Steele, Lea and Flood). */
static inline uint64_t look_random(struct look *look)
{
	uint64_t bits = look->random += 0x9e3779b97f4a7c15u;

	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
	return bits ^ (bits >> 31);
}

/* One of so many, above 0: by a multiplication, and the bias is below one in 2^32. */
static inline uint64_t look_below(struct look *look, uint64_t count)
{
	return (uint64_t)((unsigned __int128)look_random(look) * count >> 64);
}

/*
 * The worker's place in something of that length.  Where that was another before it is the same
 * part of the way; rounded by chance, as one that changes all the time would stand still
 * otherwise.
 */
static inline uint64_t look_turn(struct look *look, uint64_t length)
{
	struct picker_turn *turn = look->turn;

	if (unlikely(turn->length != length)) {
		uint64_t before = turn->length ? turn->length : UINT64_C(1) << 32;
		uint64_t place = turn->length ? turn->place : look->wish->picker->begin;

		turn->place = (place * length + look_below(look, before)) / before % length;
		turn->length = length;
	}
	return turn->place;
}

/*
 * Any of those allowed, each by chance in proportion to its weight; `but`, which may be NULL,
 * is not.  It looks at all of them: for when guessing has found none.
 */
const struct seat *look_draw_all(struct look *look, const struct seat *but);

#endif
