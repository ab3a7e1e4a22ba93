/*
 * The same server for the same key, on any number of machines, by the table of Maglev (Eisenbud
 * and others, 2016).
 *
 * The key's hash finds a slot of 65537, and each server has its weight's part of them.  They
 * take turns, each by an order of its own, which its name gives: where one goes, its slots go
 * to all others, and of theirs less than one in a hundred changes hands.  It is
 * nowhere a matter of position, so whoever has the same names and weights has the same table.
 *
 * Who may not be taken sends each of its keys on by another hash of it, so they spread
 * over all others.  The same goes for one that has far more than its part of the connections,
 * as where half of the world comes by one address; but only from a number of them on, or two
 * connections of one client would be too many for the first server.
 */
#include "pool/look.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS  65537u /* prime */
#define NOBODY UINT16_MAX
#define HASHES 8 /* of a key, before all seats are looked at */

/* More than its part, in percent, and on top. */
#define LOAD_PERCENT 125
#define LOAD_ALLOWED 32

struct maglev {
	uint64_t weights; /* all together */
	uint16_t slots[SLOTS];
};

/* ---- Making the table ------------------------------------------------------------------------ */

struct turns {
	struct maglev *maglev;
	uint32_t count;  /* of players: there are no more numbers for slots than NOBODY */
	uint32_t most;   /* weight */
	uint32_t taken;  /* slots, by all */
	uint32_t *first; /* of each round: whose turn it is then */
	struct player {
		const struct seat *seat;
		uint32_t slot, step; /* its order of slots */
		uint32_t taken;      /* slots */
		uint32_t next;       /* of the same round */
	} * players;
};

static int by_name(const void *left, const void *right)
{
	const struct server *a = ((const struct player *)left)->seat->server;
	const struct server *b = ((const struct player *)right)->seat->server;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* Its next turn is in the first round in which it has gained a whole one: the heaviest, in each. */
static void queue(struct turns *turns, uint32_t index)
{
	struct player *player = &turns->players[index];
	uint64_t weight = player->seat->weight;
	uint64_t round = ((player->taken + UINT64_C(1)) * turns->most + weight - 1) / weight;

	if (round > SLOTS)
		return; /* it does not come to that */
	player->next = turns->first[round];
	turns->first[round] = index;
}

static void take_slot(struct turns *turns, const struct tier *tier, struct player *player)
{
	uint16_t *slots = turns->maglev->slots;

	while (slots[player->slot] != NOBODY)
		player->slot = (player->slot + player->step) % SLOTS;
	slots[player->slot] = (uint16_t)(player->seat - tier->seats);
	player->taken++;
	turns->taken++;
}

static void play(struct turns *turns, const struct tier *tier)
{
	for (uint32_t round = 1; turns->taken < SLOTS; round++) {
		uint32_t next, index = turns->first[round];

		for (; index < turns->count && turns->taken < SLOTS; index = next) {
			next = turns->players[index].next;
			take_slot(turns, tier, &turns->players[index]);
			queue(turns, index);
		}
	}
}

static void seat_players(struct turns *turns, const struct tier *tier)
{
	for (uint32_t i = 0; i < turns->count; i++) {
		const struct seat *seat = &tier->seats[i];
		uint64_t hash = seat->server->hash;

		turns->players[i] = (struct player){
			.seat = seat,
			.slot = (uint32_t)(hash % SLOTS),
			.step = 1 + (uint32_t)(hash_spread(hash + 1) % (SLOTS - 1)),
		};
		turns->maglev->weights += seat->weight;
		if (seat->weight > turns->most)
			turns->most = seat->weight;
	}
	qsort(turns->players, turns->count, sizeof(turns->players[0]), by_name);
	for (uint32_t round = 0; round <= SLOTS; round++)
		turns->first[round] = UINT32_MAX;
	for (uint32_t i = 0; i < SLOTS; i++)
		turns->maglev->slots[i] = NOBODY;
	for (uint32_t i = 0; i < turns->count; i++)
		queue(turns, i);
}

static int make_table(struct tier *tier)
{
	struct turns turns = {
		.count = tier->count < NOBODY ? tier->count : NOBODY,
		.maglev = calloc(1, sizeof(*turns.maglev)),
		.first = calloc(SLOTS + 1, sizeof(*turns.first)),
		.players = calloc(tier->count, sizeof(*turns.players)),
	};
	bool all = turns.maglev && turns.first && turns.players;

	tier->table = turns.maglev;
	if (all) {
		seat_players(&turns, tier);
		play(&turns, tier);
	}
	free(turns.first);
	free(turns.players);
	return all ? 0 : -ENOMEM;
}

static int prepare(struct tier *tier)
{
	return tier->count == 1 ? 0 : make_table(tier); /* of one there is nothing to choose */
}

/* ---- Looking a key up ------------------------------------------------------------------------ */

static uint32_t active_at(const struct seat *seat)
{
	return atomic_load_explicit(&seat->server->active, memory_order_relaxed);
}

/* Of all of the tier, and the one to come. */
static uint64_t active_of_all(struct look *look)
{
	uint64_t active = 1;

	if (look->active)
		return look->active;
	for (uint32_t i = 0; i < look->tier->count; i++)
		active += active_at(&look->tier->seats[i]);
	return look->active = active;
}

/* Whether it has more than it should of so many connections: its weight's part, and some. */
static bool is_loaded(struct look *look, const struct seat *seat)
{
	const struct maglev *maglev = look->tier->table;
	uint64_t active = active_at(seat);
	unsigned __int128 part, has;

	if (likely(active <= LOAD_ALLOWED))
		return false;
	part = (unsigned __int128)active_of_all(look) * LOAD_PERCENT * seat->weight;
	has = (unsigned __int128)(active - LOAD_ALLOWED) * 100 * maglev->weights;
	return has > part;
}

/* Of all who are allowed, and not loaded, the one for whom the key's hash with its name's is most.
 */
static const struct seat *rendezvous(struct look *look)
{
	const struct tier *tier = look->tier;
	const struct seat *best = NULL;
	uint64_t most = 0;

	for (uint32_t i = 0; i < tier->count; i++) {
		const struct seat *seat = &tier->seats[i];
		uint64_t hash = hash_spread(look->wish->key ^ seat->server->hash);

		if ((best && hash <= most) || !look_allows(look, seat) || is_loaded(look, seat))
			continue;
		best = seat;
		most = hash;
	}
	return best;
}

static const struct seat *propose(struct look *look)
{
	const struct tier *tier = look->tier;
	const struct maglev *maglev = tier->table;
	const struct seat *first = NULL, *other;
	uint64_t hash = hash_spread(look->wish->key);

	if (!maglev)
		return look_allows(look, tier->seats) ? tier->seats : NULL;

	for (int i = 0; i < HASHES; i++, hash = hash_spread(hash + 1)) {
		uint64_t slot = (uint64_t)((unsigned __int128)hash * SLOTS >> 64);
		const struct seat *seat = &tier->seats[maglev->slots[slot]];

		if (seat == first || !look_allows(look, seat))
			continue;
		if (!is_loaded(look, seat))
			return seat;
		if (!first)
			first = seat;
	}
	other = rendezvous(look);
	return other ? other : first;
}

const struct way source_hash = {.name = "source_hash", .prepare = prepare, .propose = propose};
