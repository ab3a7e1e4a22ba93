#include "guard/clients.h"

#include "base/hash.h"

#include <errno.h>
#include <sys/mman.h>

#define HOME   4u          /* entries: two cache lines */
#define PROBES (2u * HOME) /* entries that a client may have */
#define NOBODY PROBES
#define FOUND  (PROBES + 1)

/*
 * A word: 43 bits of a name, COMING, and 20 bits of a count.  0 is an empty entry.
 *
 * COMING: the entry is claimed for that name, and nobody is counted in it before it is sure
 * that no other one has the name, too.  In place of the count there is a number then that no
 * other claim has, so that what was found out of one is not done to the next.
 */
#define COUNT_MASK ((UINT64_C(1) << 20) - 1)
#define COMING     (UINT64_C(1) << 20)
#define NAME_MASK  (~(COMING | COUNT_MASK))
#define EMPTY      UINT64_C(0)

static_assert(CLIENTS_MOST < COUNT_MASK, "a count has room in a word");

struct clients_entry {
	_Alignas(32) _Atomic uint64_t word;
	_Atomic uint64_t turn_ns; /* the client's next one, which may be past; see TENANT */
	_Atomic uint32_t stamp;   /* when it was last used, in seconds */
};
static_assert(sizeof(struct clients_entry) == 32, "two of them in a cache line");

/*
 * Turns are multiples of 16 ns, and their lowest bits those of the number of the claim by which
 * the client came: a late thread that is to wipe out the last client's turn leaves this one's.
 */
#define TENANT UINT64_C(15)

/* A client, as one call looks for it. */
struct wanted {
	struct clients_entry *homes[2];
	uint64_t name; /* as it is in a word */
	uint32_t now_s;
};

void clients_set_rate(struct clients_limits *limits, uint32_t count, uint32_t period_ms)
{
	uint64_t every_ns = count ? (period_ms * UINT64_C(1000000) + count - 1) / count : 0;

	limits->every_ns = (every_ns + TENANT) & ~TENANT;
	limits->ahead_ns = count ? limits->every_ns * (count - 1) : 0;
}

int clients_open(struct clients *clients, uint64_t memory, const struct siphash_key *key)
{
	uint64_t homes = memory / (HOME * sizeof(struct clients_entry));
	void *room = mmap(NULL, homes * HOME * sizeof(struct clients_entry), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert(homes >= 2 && homes < UINT32_MAX / HOME);
	*clients = (struct clients){.homes = (uint32_t)homes, .key = *key};
	if (room == MAP_FAILED)
		return -ENOMEM;
	clients->entries = room;
	return 0;
}

void clients_close(struct clients *clients)
{
	if (clients->entries)
		munmap(clients->entries,
		       (size_t)clients->homes * HOME * sizeof(struct clients_entry));
	clients->entries = NULL;
}

uint32_t clients_capacity(const struct clients *clients)
{
	return clients->homes * HOME;
}

uint64_t clients_sum(const struct clients *clients)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; clients->entries && i < clients_capacity(clients); i++) {
		uint64_t word = atomic_load(&clients->entries[i].word);

		sum += word & COMING ? 0 : word & COUNT_MASK;
	}
	return sum;
}

/* ---- Names ------------------------------------------------------------------------------------
 */

/* The first bits of an address. */
static struct cidr_number network_of(struct cidr_number address, unsigned bits)
{
	uint64_t all = UINT64_MAX;

	if (bits < 128)
		address.low &= bits > 64 ? all << (128 - bits) : 0;
	if (bits < 64)
		address.high &= bits > 0 ? all << (64 - bits) : 0;
	return address;
}

/* A number below `most`, by 32 bits of a hash. */
static uint32_t among(uint32_t most, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * most >> 32);
}

static struct wanted look_for(const struct clients *clients, uint32_t account,
			      struct cidr_number client, const struct clients_limits *limits,
			      uint64_t now_ns)
{
	unsigned bits = cidr_is_v4(client) ? 96u + limits->prefix_v4 : limits->prefix_v6;
	struct {
		struct cidr_number network;
		uint32_t account, bits;
	} text = {network_of(client, bits), account, bits};
	uint64_t hash, name;
	uint32_t first, second;

	static_assert(sizeof(text) == 24, "no padding is part of a name");
	hash = siphash(&clients->key, &text, sizeof(text));
	name = hash & NAME_MASK;
	first = among(clients->homes, (uint32_t)hash);
	second = among(clients->homes, (uint32_t)(hash_spread(hash) >> 32));
	if (second == first)
		second = (first + 1) % clients->homes;
	return (struct wanted){
		.homes = {&clients->entries[(size_t)first * HOME],
			  &clients->entries[(size_t)second * HOME]},
		.name = name ? name : NAME_MASK,
		.now_s = (uint32_t)(now_ns / 1000000000u),
	};
}

static struct clients_entry *entry_at(const struct wanted *wanted, unsigned probe)
{
	return &wanted->homes[probe / HOME][probe % HOME];
}

/* Who claims is seen by whoever claims after him: these are in one order for all threads. */
static uint64_t word_at(const struct wanted *wanted, unsigned probe)
{
	return atomic_load(&entry_at(wanted, probe)->word);
}

static bool swap(struct clients_entry *entry, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong(&entry->word, &from, to);
}

/* The first probe that finds the name, or NOBODY. */
static unsigned find(const struct wanted *wanted, uint64_t *ret_word)
{
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t word = word_at(wanted, i);

		if ((word & NAME_MASK) == wanted->name) {
			*ret_word = word;
			return i;
		}
	}
	return NOBODY;
}

/* ---- Who is new -------------------------------------------------------------------------------
 */

/* How readily it is given away: 0 not at all, UINT32_MAX at once. */
static uint32_t spare(const struct wanted *wanted, unsigned probe, uint64_t word)
{
	uint32_t age, stamp;

	if (word == EMPTY)
		return UINT32_MAX;
	if (word & (COMING | COUNT_MASK))
		return 0;
	stamp = atomic_load_explicit(&entry_at(wanted, probe)->stamp, memory_order_relaxed);
	age = wanted->now_s > stamp ? wanted->now_s - stamp : 0;
	return age < UINT32_MAX - 2 ? age + 1 : UINT32_MAX - 1;
}

/*
 * Of two homes that would do, the one where fewer are counted in: so both fill alike.  FOUND:
 * another thread has brought the name meanwhile, and what is under it is not to be given away.
 */
static unsigned choose(const struct wanted *wanted, uint64_t *ret_word)
{
	uint32_t most[2] = {0, 0}, busy[2] = {0, 0};
	unsigned best[2] = {NOBODY, NOBODY}, home;
	uint64_t words[2] = {0};

	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t word = word_at(wanted, i);
		uint32_t readily = spare(wanted, i, word);

		if ((word & NAME_MASK) == wanted->name)
			return FOUND;
		home = i / HOME;
		busy[home] += readily == 0;
		if (readily <= most[home])
			continue;
		most[home] = readily;
		best[home] = i;
		words[home] = word;
	}
	home = most[0] != most[1] ? most[1] > most[0] : busy[1] < busy[0];
	*ret_word = words[home];
	return best[home];
}

/* Take an entry for the name, if it has none.  False: there is none to be had. */
static bool claim(struct clients *clients, const struct wanted *wanted)
{
	uint64_t before, number;
	unsigned probe = choose(wanted, &before);

	if (probe >= NOBODY)
		return probe == FOUND;
	number = atomic_fetch_add_explicit(&clients->claims, 1, memory_order_relaxed) & COUNT_MASK;
	if (!swap(entry_at(wanted, probe), before, wanted->name | COMING | number))
		return true; /* it will be looked for again */
	if (before == EMPTY)
		atomic_fetch_add_explicit(&clients->used, 1, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&clients->evicted, 1, memory_order_relaxed);
	return true;
}

/* Whether it was still that claim. */
static bool take_back(struct clients *clients, struct clients_entry *entry, uint64_t claim)
{
	if (!swap(entry, claim, EMPTY))
		return false;
	atomic_fetch_sub_explicit(&clients->used, 1, memory_order_relaxed);
	return true;
}

/*
 * A claim becomes an entry if no other one has the name, and of two claims the first in the
 * order of probes; or it is taken back.  Whoever finds a claim settles it, its owner or
 * another: nobody waits for a thread that does not run.
 *
 * Two who claimed at once cannot both overlook the other: each has claimed before it looks.
 */
static void settle(struct clients *clients, const struct wanted *wanted, unsigned probe,
		   uint64_t claim)
{
	struct clients_entry *entry = entry_at(wanted, probe);
	uint64_t turn = atomic_load(&entry->turn_ns);

	/* What the last one left there; but not what this one has by now. */
	if (atomic_load(&entry->word) != claim ||
	    !atomic_compare_exchange_strong(&entry->turn_ns, &turn, claim & TENANT))
		return;
	atomic_store_explicit(&entry->stamp, wanted->now_s, memory_order_relaxed);
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t word = word_at(wanted, i);

		if (i == probe || (word & NAME_MASK) != wanted->name)
			continue;
		if (!(word & COMING) || i < probe) {
			(void)take_back(clients, entry, claim);
			return;
		}
		if (!take_back(clients, entry_at(wanted, i), word))
			return; /* it is one by now */
	}
	(void)swap(entry, claim, wanted->name);
}

/* ---- Coming and going -------------------------------------------------------------------------
 */

/* Count one more in the client's entry. */
static enum clients_verdict count(struct clients *clients, const struct wanted *wanted,
				  uint32_t most, struct clients_entry **ret_entry)
{
	for (;;) {
		uint64_t word;
		unsigned probe = find(wanted, &word);

		if (probe == NOBODY) {
			if (!claim(clients, wanted))
				return CLIENTS_UNKNOWN;
			continue;
		}
		if (word & COMING) {
			settle(clients, wanted, probe, word);
			continue;
		}
		*ret_entry = entry_at(wanted, probe);
		if (most && (word & COUNT_MASK) >= most)
			return CLIENTS_TOO_MANY;
		if ((word & COUNT_MASK) == COUNT_MASK)
			return CLIENTS_UNKNOWN;
		if (swap(*ret_entry, word, word + 1))
			return CLIENTS_COUNTED;
	}
}

static void uncount(struct clients_entry *entry)
{
	uint64_t word = atomic_fetch_sub(&entry->word, 1);

	assert(!(word & COMING) && (word & COUNT_MASK) > 0);
}

/* Whether it is in time; then the next turn is later. */
static bool is_its_turn(struct clients_entry *entry, const struct clients_limits *limits,
			uint64_t now_ns)
{
	uint64_t turn = atomic_load_explicit(&entry->turn_ns, memory_order_relaxed);
	uint64_t now = now_ns & ~TENANT, from, next;

	do {
		from = (turn & ~TENANT) > now ? turn & ~TENANT : now;
		if (from - now > limits->ahead_ns)
			return false;
		next = (from + limits->every_ns) | (turn & TENANT);
	} while (!atomic_compare_exchange_weak(&entry->turn_ns, &turn, next));
	return true;
}

/* An entry that is used again and again is written once a second for that. */
static void stamp(struct clients_entry *entry, uint32_t now_s)
{
	if (atomic_load_explicit(&entry->stamp, memory_order_relaxed) != now_s)
		atomic_store_explicit(&entry->stamp, now_s, memory_order_relaxed);
}

enum clients_verdict clients_enter(struct clients *clients, uint32_t account,
				   struct cidr_number client, const struct clients_limits *limits,
				   uint64_t now_ns, struct clients_place *ret_place)
{
	struct wanted wanted = look_for(clients, account, client, limits, now_ns);
	struct clients_entry *entry;
	enum clients_verdict verdict = count(clients, &wanted, limits->most, &entry);

	*ret_place = (struct clients_place){0};
	if (verdict == CLIENTS_UNKNOWN)
		return verdict;
	stamp(entry, wanted.now_s);
	if (verdict != CLIENTS_COUNTED)
		return verdict;
	/* While it is counted the entry is the client's, and so is the turn. */
	if (limits->every_ns && !is_its_turn(entry, limits, now_ns))
		verdict = CLIENTS_TOO_FAST;
	if (verdict != CLIENTS_COUNTED || !limits->most) {
		uncount(entry);
		return verdict;
	}
	*ret_place = (struct clients_place){
		.entry = (uint32_t)(entry - clients->entries) + 1,
		.name = (uint32_t)(wanted.name >> 32),
	};
	return verdict;
}

void clients_leave(struct clients *clients, struct clients_place *place)
{
	struct clients_entry *entry = &clients->entries[place->entry - 1];

	assert(place->entry > 0);
	/* Nobody else has got the entry: it is counted in. */
	assert((uint32_t)(atomic_load_explicit(&entry->word, memory_order_relaxed) >> 32) ==
	       place->name);
	uncount(entry);
	*place = (struct clients_place){0};
}
