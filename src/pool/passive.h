/*
 * Servers that are ejected by what becomes of the connections that go there: nobody is sent
 * to one for a while, and then one connection, to see.
 *
 * It is ejected when so many have failed within so long, counted over all workers: a window
 * that slides, so failures that come now and then never add up to it.  Each time that the
 * one who tries fails, it stays out for twice as long.  Never more than half of the servers
 * that take connections are out, and so never the last; what is wrong with all of them is
 * rather the network, or us.
 *
 * In a server it is one word: until when, and whether somebody is trying it.  Whoever changes
 * that word is the one who tries, or who says that it is out, or that it is back: of
 * however many workers one.
 */
#ifndef POOL_PASSIVE_H
#define POOL_PASSIVE_H

#include "pool/server.h"

#define PASSIVE_LONGEST_MS 300000 /* nobody is out for longer, or for longer than fail_timeout */
#define PASSIVE_TRIAL_MS   60000  /* who has not said by then what became of it does not */

/* ---- In a pick ------------------------------------------------------------------------------- */

static inline uint64_t passive_word(const struct server *server)
{
	return atomic_load_explicit(&server->ejection, memory_order_relaxed);
}

/* Until when it is out, and whether somebody is trying it. */
static inline uint64_t passive_make(uint64_t until_ms, bool tried)
{
	return until_ms << 1 | tried;
}

/* It is not to be chosen. */
static inline bool passive_ejects(const struct server *server, uint64_t now_ms)
{
	return passive_word(server) >> 1 > now_ms;
}

/* Somebody goes there.  False: it was out until now, and another is the one who tries it. */
static inline bool passive_admits(struct server *server, uint64_t now_ms)
{
	uint64_t word = passive_word(server);

	if (likely(word == 0))
		return true;
	return word >> 1 <= now_ms &&
	       atomic_compare_exchange_strong_explicit(
		       &server->ejection, &word, passive_make(now_ms + PASSIVE_TRIAL_MS, true),
		       memory_order_relaxed, memory_order_relaxed);
}

/* ---- What became of it ----------------------------------------------------------------------- */

/* max_fails and fail_timeout. */
struct passive_rule {
	uint32_t fails; /* 0: nobody is ejected; above SERVER_FAILS_MAX as that */
	uint32_t within_ms;
};

/* A pool's. */
struct passive_pool {
	_Atomic uint32_t takers;  /* servers that take connections, but for being ejected */
	_Atomic uint32_t ejected; /* of those; nobody else writes it */
};

enum passive {
	PASSIVE_NOTHING,
	PASSIVE_EJECTED, /* by this */
	PASSIVE_LONGER,  /* who tried it failed: it stays out */
};

/* A connection to it has failed, by no fault of this machine.  *ret_out_ms: it is out for so long.
 */
enum passive passive_failed(struct server *server, const struct passive_rule *rule,
			    struct passive_pool *pool, uint64_t now_ms, uint32_t *ret_out_ms);

/* One was made, or its check says that it is well, or it leaves the pool.  Whether that has
 * ended an ejection. */
bool passive_ends(struct server *server, struct passive_pool *pool);

/* A connection to it has ended before it was known what comes of it: another may try. */
void passive_unknown(struct server *server, uint64_t now_ms);

/* It is ejected; with *ret_until_ms, and whether it is being tried. */
bool passive_is_out(const struct server *server, uint64_t *ret_until_ms, bool *ret_tried);

#endif
