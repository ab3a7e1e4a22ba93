/*
 * Being full is a state with a name, not an event: one line in the log when it
 * begins, with the remedy, and one when it ends, however often it is met
 * between.  It has ended when it was not met for a second, or a daemon at its
 * limit would write two lines for each connection that makes room for the next.
 * One of each per worker.
 */
#ifndef NET_CONDITION_H
#define NET_CONDITION_H

#include "base/compiler.h"

struct worker;

enum condition {
	CONDITION_CONNECTIONS, /* max_connections, global or of a section */
	CONDITION_DESCRIPTORS, /* EMFILE, ENFILE */
	CONDITION_MEMORY,      /* ENOBUFS, ENOMEM from the kernel */
	CONDITION_PORTS,       /* EADDRNOTAVAIL: no local port to connect from */
	CONDITION_BUFFERS,     /* buffer_memory is all in use */
	CONDITION_ACCEPT,      /* accept fails for another reason */
	CONDITION_COUNT,
};

struct conditions {
	uint64_t since_ms[CONDITION_COUNT];
	uint64_t over_ms[CONDITION_COUNT]; /* since when it seems to be over; 0: it is not */
	uint64_t met[CONDITION_COUNT];     /* times, since it began; 0: not in force */
};

/* It is met (error: a negative errno, or 0). */
void condition_enter(struct worker *worker, enum condition condition, int error);
/* It seems to be over; nothing happens when it was not in force. */
void condition_leave(struct worker *worker, enum condition condition);
/* For the worker's timer: end what has been over for long enough. */
void condition_settle(struct worker *worker);

#endif
