/*
 * Being full is a state with a name, not an event: one line in the log when it
 * begins, with the remedy, and one when it ends, however often it is met
 * between.  It has ended when it was not met for a second -- whoever is refused
 * something tries again much sooner -- or a daemon at its limit would write two
 * lines for each connection that makes room for the next.  One that comes back
 * soon after its end must be gone for twice as long before it ends again, up to a
 * minute: a day of overload is some lines, not some thousand.
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
	CONDITION_SUBMISSIONS, /* the submission queue is full */
	CONDITION_COMPLETIONS, /* the completion queue is full */
	CONDITION_COUNT,
};

struct conditions {
	struct {
		uint64_t met;      /* times, since it began; 0: not in force */
		uint64_t since_ms; /* of the first time */
		uint64_t last_ms;  /* of the last time */
		uint64_t ended_ms; /* when it last ended; 0: never */
		uint32_t patience_ms;
	} of[CONDITION_COUNT];
};

/* It is met (error: a negative errno, or 0). */
void condition_enter(struct worker *worker, enum condition condition, int error);
/* For the worker's timer: end what was not met for long enough. */
void condition_settle(struct worker *worker);

#endif
