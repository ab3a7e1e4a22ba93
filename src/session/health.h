/*
 * What one worker knows of one server: whether it lets itself be connected to,
 * and what its first exchange is like.
 *
 * A server that fails is one line in the log, and one when it is connected to
 * again and has not failed for a while: see spell.h.  One that flaps, or refuses
 * now and then because it is full, does both all the time, and is no line per
 * connection.
 */
#ifndef SESSION_HEALTH_H
#define SESSION_HEALTH_H

#include "base/list.h"
#include "loop/spell.h"
#include "session/handshake.h"
#include "session/shortage.h"

struct section;
struct sessions;

struct server_health {
	const struct section *section;
	uint32_t server; /* index into section.servers */
	struct handshake handshake;
	struct spell failing;
	uint32_t connected; /* times, while it is failing */
	bool answers;       /* it was connected to since it last failed */
	struct list link;   /* in worker.failing while it is failing */
	struct shortage_line ports, backlog;
	struct spell returning;     /* connections to it that came back: hop.h */
	struct list returning_link; /* in worker.returning meanwhile */
	bool is_here;               /* its address is one of this machine's ... */
	uint64_t look_ms;           /* ... which is to be looked at again then */
};

void health_init(struct server_health *health, const struct section *section, uint32_t server);

/* An attempt at the server failed (negative errno), by no fault of this machine. */
void health_failed(struct sessions *all, struct server_health *health, int error);

/* A connection has come back to its section, whose first server this is. */
void health_returned(struct sessions *all, struct server_health *health);

/* It is connected to, and was failing. */
void health_recovered(struct sessions *all, struct server_health *health);

static inline void health_connected(struct sessions *all, struct server_health *health)
{
	if (unlikely(health->failing.met))
		health_recovered(all, health);
}

/* For the worker's timer: say what is over. */
void health_settle(struct sessions *all);

#endif
