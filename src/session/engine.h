/*
 * What all workers share: set up by the main thread before they start and
 * never written afterwards, but for the count of connections and the hops.
 */
#ifndef SESSION_ENGINE_H
#define SESSION_ENGINE_H

#include "config/config.h"
#include "loop/loop.h"
#include "ring/ring.h"
#include "session/hop.h"
#include "session/section.h"

#include <stdatomic.h>

/*
 * A listening socket of one worker.  The main thread fills it in, fd last, perhaps
 * when the worker is running; the worker takes fd and leaves -1.
 */
struct listening {
	_Atomic int fd;   /* -1: there is none (yet) */
	uint32_t section; /* index into engine.sections */
	char text[ADDRESS_TEXT_MAX];
};

/* Half a millisecond.  With half of it, 8 bulk streams cost 3 % more CPU. */
#define ENGINE_TURN_BYTES (2u << 20)

struct engine {
	const struct config *config;
	struct section *sections;
	uint32_t section_count;
	struct ring_capabilities capabilities;
	uint32_t worker_count;
	uint32_t connections_max;
	struct loop_sizes sizes; /* of one worker */
	bool sqpoll;
	int wake_fd; /* an eventfd: a worker has changed its state */

	struct hops hops;
	_Atomic uint32_t connections; /* touched twice in a connection's life */
};

#endif
