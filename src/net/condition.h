/*
 * Being full is a state with a name, not an event: one line in the log when it
 * begins, with the remedy, and one when it ends, however often it is met
 * between.  One of each per worker.
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
	uint64_t since_ms[CONDITION_COUNT]; /* 0: not in force */
	uint64_t met[CONDITION_COUNT];      /* times, since it began */
};

/* It is met (error: a negative errno, or 0). */
void condition_enter(struct worker *worker, enum condition condition, int error);
/* It is over; nothing happens when it was not in force. */
void condition_leave(struct worker *worker, enum condition condition);

#endif
