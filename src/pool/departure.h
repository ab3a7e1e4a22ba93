/*
 * Where connections to servers set out from: addresses of this machine, an interface, a mark.
 *
 * A departure is what the configuration says of that, and each saying is kept once, for good:
 * there are few.  A way is a departure on the way to one server, with a berth for each address
 * of its family, where the connections that come from there are counted: the kernel has a
 * range of ports for each pair of them, and that may be all in use.
 *
 *     departure  10.0.0.5, 10.0.0.6, mark 0x10
 *         ^
 *       way      to db1: berths  10.0.0.5 -> 26,012 open    10.0.0.6 -> 26,010 open
 *
 * Connections take the berths in turn, and where one has no port left, the next.  A server has
 * a way only where something is configured; the kernel's own choice costs nothing.
 */
#ifndef POOL_DEPARTURE_H
#define POOL_DEPARTURE_H

#include "base/address.h"
#include "config/source.h"

#include <net/if.h>
#include <stdatomic.h>

struct config_endpoint;
struct config_section;
struct server;
struct servers;

struct source {
	struct address address;
	char text[SOURCE_TEXT_MAX];
};

struct departure {
	struct departure *next; /* of all there are */
	uint32_t mark;          /* 0: none */
	char interface[IF_NAMESIZE];
	uint32_t count;
	struct source sources[]; /* none: the kernel chooses */
};

struct berth {
	const struct way *way;
	const struct source *source;
	_Atomic uint32_t open;      /* connections, of all workers */
	_Atomic bool scarce;        /* few ports are left, and that was said */
	_Atomic uint64_t scarce_ms; /* when something of that was last said, or 0 ... */
	_Atomic uint64_t lacks_ms;  /* ... and that none was left, or that there is no address */
};

struct way {
	struct way *next; /* that the server ever had */
	const struct departure *departure;
	const struct server *server;
	const _Atomic uint32_t *ports; /* that there are, for each berth */
	_Atomic uint32_t turn;
	uint32_t count;
	struct berth berths[];
};

/* ---- For the main thread --------------------------------------------------------------------- */

/* What is said of the servers of that line; NULL: nothing.  0 or -ENOMEM. */
int departure_get(struct servers *servers, const struct config_section *section,
		  const struct config_endpoint *line,
		  const struct departure **ret_departure) must_check;
void departures_done(struct servers *servers);

/* The server's, which it keeps; NULL for no departure.  0 or -ENOMEM. */
int way_get(struct servers *servers, struct server *server, const struct departure *departure,
	    struct way **ret_way) must_check;
void ways_done(struct server *server);

/* How many ports the kernel chooses from, as it says now; for what is counted. */
void departure_look(struct servers *servers);
/* How many are left there, as far as these connections go. */
uint32_t berth_free(const struct berth *berth);

/* ---- For workers ----------------------------------------------------------------------------- */

/* The one whose turn it is, and i behind it.  There is one. */
static inline struct berth *way_berth(struct way *way, uint32_t turn, uint32_t i)
{
	return &way->berths[(turn + i) % way->count];
}

/* A connection comes from there; it is given back once. */
void berth_take(struct berth *berth, uint64_t now_ms);
void berth_leave(struct berth *berth, uint64_t now_ms);
/* None could, by that errno: a port or the address is missing. */
void berth_lacks(struct berth *berth, int error, uint64_t now_ms);

#endif
