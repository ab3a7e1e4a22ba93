/*
 * Servers that are ejected by what connections to them come to: nobody is sent there for a
 * while, and then one connection, to see.
 *
 * In a server is one word of it, until when it is ejected.  Its time over, whoever changes
 * that word first is the one who tries, and all others go on elsewhere until it is known
 * what came of that, or the one who tries has been silent for too long.
 */
#ifndef POOL_PASSIVE_H
#define POOL_PASSIVE_H

#include "pool/server.h"

#define PASSIVE_PROBE_MS 30000 /* what becomes of a connection is known by then, or is not told */

/* It is not to be chosen: ejected, or somebody is trying it. */
static inline bool passive_ejects(const struct server *server, uint64_t now_ms)
{
	return atomic_load_explicit(&server->ejected_until_ms, memory_order_relaxed) > now_ms;
}

/*
 * Somebody goes there.  False: its time is over, and another was the first to try it.
 */
static inline bool passive_admits(struct server *server, uint64_t now_ms)
{
	uint64_t until = atomic_load_explicit(&server->ejected_until_ms, memory_order_relaxed);

	if (likely(until == 0))
		return true;
	return until <= now_ms &&
	       atomic_compare_exchange_strong_explicit(&server->ejected_until_ms, &until,
						       now_ms + PASSIVE_PROBE_MS,
						       memory_order_relaxed, memory_order_relaxed);
}

#endif
