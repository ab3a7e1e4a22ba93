/*
 * Chains of sections, and those that come back.
 *
 *      client -> [proxy a] -> [proxy b] -> [proxy a] -> ...      a loop: one client
 *                                                                takes every descriptor
 *      client -> [proxy a] -> [proxy b] -> [echo]                a chain that ends
 *
 * Most loops are refused when the configuration is read.  What can be seen only
 * here: a name or an address that leads back later than that, and listening
 * sockets that were passed to us.
 *
 * A connection from a section to a listener of ours is a hop, and is noted in one
 * table of all workers: by both its ends, which section made it, and by which hop
 * that section's own client had come.  A section that accepts a connection finds
 * the hop by the same two ends and follows the chain back; if the section itself
 * is in it, the connection has come back.  On unix sockets the connecting end is
 * given a name for that, since it has none.
 *
 * Only servers that can be one of our listeners (the same port or path, or a name that
 * is answered after the start) are noted, and only while there are hops is anything
 * looked for.  What is not seen: a chain through somebody else's proxy, or through
 * addresses that a firewall rewrites; it ends at max_connections.  So may one that is
 * found a lap late: the table has room for many hops, not for all.
 */
#ifndef SESSION_HOP_H
#define SESSION_HOP_H

#include "base/compiler.h"
#include "base/endpoint.h"

#include <stdatomic.h>

struct edition;
struct engine;
struct section;
struct session;

/* One hop; a free one has no key. */
struct hop {
	_Atomic uint64_t key;
	_Atomic uint64_t previous; /* the key of the hop before, or 0 */
	_Atomic uint32_t section;
};

/* Of all workers; no table where no section can lead to another. */
struct hops {
	_Atomic(struct hop *) table; /* made by the main thread, and then it stays */
	_Atomic uint32_t count;
};

/*
 * Before any worker has the edition: which of its servers may be where which of its sections
 * listens.  First none is, but for those that are known later, if there are some (`more`):
 * they may be anywhere.
 */
void hop_prepare(struct edition *edition, bool more);
void hop_prepare_listener(struct edition *edition, struct section *section, int fd);
/* ... and then the table, if there is to be one.  -ENOMEM. */
int hop_open(struct engine *engine, const struct edition *edition) must_check;
void hop_done(struct engine *engine);

/* The session's connection to its server goes from one end to the other. */
void hop_note(struct session *session, const struct endpoint *from, const struct endpoint *to);
/* Before a connect to a unix socket: name this end, and note it. */
void hop_name(struct session *session, int fd);

/* The session's connection to its server is closed. */
void hop_forget(struct session *session);

/* Whether a client of the section may be a connection of ours now; and whether that one is. */
bool hop_may_come(const struct engine *engine, const struct section *section);
bool hop_is_own(struct engine *engine, const struct section *section, int client_fd);

/* Whether the session's client is a connection of ours that had passed this section before. */
bool hop_comes_back(struct session *session);

#endif
