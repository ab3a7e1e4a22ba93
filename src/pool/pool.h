/*
 * A pool: the servers that connections of a section go to, or of several sections that name
 * it.
 *
 *     members    all there are, whatever becomes of them: the main thread's own list
 *        |
 *        +--> a roster    those that take connections now, as workers see them: never changed,
 *                         but replaced by another one (roster.h)
 *
 * Each reading of the configuration has pools of its own; their servers (server.h) outlive it.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/compiler.h"

#include <stdatomic.h>

struct account;
struct config_endpoint;
struct config_section;
struct queue;
struct roster;
struct server;
struct way;

struct member {
	struct server *server;
	uint32_t weight;   /* as configured; 0: it takes no new connections */
	uint32_t tier;     /* 0 is the first that is used */
	uint32_t limit;    /* as configured: connections it may have; 0: any number */
	bool disabled;     /* likewise: it takes none, whatever its weight */
	bool removed;      /* by an operator: gone_ms is since when */
	const char *place; /* "FILE:LINE" of that (servers_place()); NULL: its server knows */
	struct way *way;   /* where its connections set out from; NULL: anywhere: departure.h */
	const struct config_endpoint *line; /* that it comes from; NULL: of another edition */
	struct config_endpoint *added; /* ... which an operator has said, and it is the member's */
	uint64_t gone_ms; /* its line's name stands for others since then; 0: it does not */
	uint64_t idle_ms; /* ... and nobody has been connected to it since then; 0: somebody is */
};

struct pool {
	const struct config_section *config; /* where its servers are written */
	struct account *account;             /* of its name: the same in every edition */
	struct queue *queue;                 /* likewise: of those who wait for a place */
	_Atomic(const struct roster *) roster;
	_Atomic uint32_t hidden; /* names of servers that have had no answer yet */

	/* The main thread's. */
	struct member *members;
	uint32_t count;
	uint32_t up, able; /* members that take connections; that would, but for their checks */
	bool panic;        /* so few that checks are not believed */
	bool stale;        /* what its servers are has changed since its roster was made */
	bool in_force;     /* it is what counts for servers that another reading names as well */
};

/*
 * What a server of that line is told of its clients before their bytes: 0, or which version of a
 * PROXY header, and which of send_proxy_tlv (config/send_proxy.h) << POOL_HEADER_FIELDS.
 */
#define POOL_HEADER_FIELDS 8
uint32_t pool_header(const struct pool *pool, const struct config_endpoint *line);

/* An empty one, with an empty roster.  -ENOMEM. */
int pool_open(struct pool *pool, const struct config_section *config) must_check;
/* Whoever reads it is gone; its servers are put back. */
void pool_close(struct pool *pool);

/* One more, which is the pool's from now on; no roster has it yet.  -ENOMEM: and it is not. */
int pool_add(struct pool *pool, const struct member *member) must_check;

/* Its line is another, which is the member's own; NULL: that of the configuration. */
void member_own_line(struct member *member, struct config_endpoint *line);

/* That member is none any more, and its server whoever's calls this.  No roster may have it. */
struct server *pool_remove(struct pool *pool, uint32_t index);

/* Count who is up, and whether that is a panic. */
void pool_count(struct pool *pool);

/* For a worker: who takes connections now.  Not to be kept from one turn to the next. */
static inline const struct roster *pool_roster(const struct pool *pool)
{
	return atomic_load_explicit(&pool->roster, memory_order_acquire);
}

/* Its reading is the one of the day: servers have the limits that it says.  Or it was. */
void pool_in_force(struct pool *pool);
void pool_replaced(struct pool *pool);

/*
 * From now on workers see another roster, of its members as they are: of those that take
 * connections, or, where too few do (panic), of those too that only their checks are against.
 * *ret_old is the one before, to be freed when every worker has passed a turn; -ENOMEM: all is as
 * before.
 */
int pool_publish(struct pool *pool, const struct roster **ret_old) must_check;

#endif
