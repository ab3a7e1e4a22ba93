/*
 * What all workers share: set up by the main thread before they start and
 * never written afterwards, but for the count of connections and the hops.
 */
#ifndef NET_ENGINE_H
#define NET_ENGINE_H

#include "config/config.h"
#include "net/hop.h"
#include "net/section.h"
#include "ring/ring.h"

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
	uint32_t pipes_max;     /* of one worker */
	uint64_t buffer_memory; /* bytes, of one worker */
	uint32_t buffer_size;   /* bytes, of one buffer */
	uint32_t coalesce_us;   /* how long completions may wait for others; 0: not at all */
	uint32_t turn_bytes;    /* that the lanes of a worker may move in a turn: turn.h */
	bool sqpoll;
	int wake_fd; /* an eventfd: a worker has changed its state */

	struct hops hops;
	_Atomic uint32_t connections; /* touched twice in a connection's life */
};

#endif
