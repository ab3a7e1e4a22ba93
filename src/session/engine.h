/*
 * What all workers share, whatever the configuration of the day: set up by the main thread
 * before they start and never written afterwards, but for the counts of connections, the
 * hops, the clients and an operator's word.
 */
#ifndef SESSION_ENGINE_H
#define SESSION_ENGINE_H

#include "guard/clients.h"
#include "loop/loop.h"
#include "ring/ring.h"
#include "session/hop.h"

#include <stdatomic.h>

/* Half a millisecond.  With half of it, 8 bulk streams cost 3 % more CPU. */
#define ENGINE_TURN_BYTES (2u << 20)

/*
 * A connection that one section of ours makes to another has a place there besides, over
 * connections_max, or those that have all places could wait for each other: so many times
 * as many connections there can be then.
 */
#define ENGINE_HOPS_TIMES 2u

/* A worker's bell, for the others: bell.h. */
struct bell {
	_Alignas(64) _Atomic uint32_t state; /* BELL_RUNG and so on */
	_Atomic int ring_fd;
};
enum { BELL_RUNG = 1, BELL_GONE = 2 };

struct engine {
	struct ring_capabilities capabilities;
	uint32_t worker_count;
	uint32_t sessions_max;            /* that there is memory for; hops are over it */
	_Atomic uint32_t connections_max; /* of the edition of the day: no more than that */
	struct loop_sizes sizes;          /* of one worker */
	bool sqpoll;
	uint32_t sq_idle_ms;
	uint64_t run;       /* by chance: other processes have another */
	int wake_fd;        /* an eventfd: a worker has changed its state */
	struct bell *bells; /* of each worker; NULL: they do not call each other */

	struct hops hops;
	struct clients clients;
	_Atomic uint32_t connections; /* touched twice in a connection's life, as those below */
	_Atomic uint32_t shared;      /* in places that are kept for nobody: place.h */
	_Atomic uint32_t over;        /* hops, over connections_max */
	_Atomic bool drained;         /* by an operator: no new ones are taken, of no section */
	_Atomic bool news;            /* of servers, for the main thread */
};

#endif
