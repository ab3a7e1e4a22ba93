/*
 * Places among the connections: max_connections of all sections together, that of each, and
 * what is kept for each of them.
 *
 *      max_connections = 1000, four sections
 *      +------+------+------+------+---------------------------------------------+
 *      |  a   |  b   |  c   |  d   |           whoever comes first               |
 *      +------+------+------+------+---------------------------------------------+
 *         25     25     25     25                      900
 *
 * A tenth of all places is kept for the sections, in equal parts, so that one which is flooded
 * does not take every place from the others.  A section takes those that are kept for it
 * first.  Exact, whatever worker a connection comes to: there are never more than
 * max_connections, and what is kept is always to be had.
 *
 * A connection of one section of ours to another may be over all that (engine.h).
 */
#ifndef SESSION_PLACE_H
#define SESSION_PLACE_H

#include "base/compiler.h"

struct edition;
struct engine;
struct section;

enum place {
	PLACE_NONE,       /* none of all */
	PLACE_NONE_OWN,   /* none of the section's max_connections */
	PLACE_NONE_SPARE, /* none but those that are kept for other sections */
	PLACE_KEPT,       /* taken: one that is kept for the section, ... */
	PLACE_SHARED,     /* ... one for whoever comes first, ... */
	PLACE_OVER,       /* ... or one of its own, over max_connections: a hop's */
};

static inline bool place_is_taken(enum place place)
{
	return place >= PLACE_KEPT;
}

/*
 * Before any worker has the edition: what is kept for its sections, where there can be so many
 * connections.
 */
void place_keep(struct edition *edition, uint32_t connections_max);

/* How many there are to be had for the section. */
uint32_t place_room(const struct engine *engine, const struct section *section);
/* One for that client, by its descriptor. */
enum place place_take(struct engine *engine, const struct section *section, int client_fd);
/* It is free again. */
void place_leave(struct engine *engine, const struct section *section, enum place place);

#endif
