/*
 * Clients that were reset as soon as they were accepted: of each only a count is kept, by
 * section and cause, and a record in the access log says how many they were.  There is one
 * REFUSED_EVERY_MS after the first of them at the earliest, however many there are: whoever is
 * turned away comes again.
 */
#ifndef SESSION_REFUSED_H
#define SESSION_REFUSED_H

#include "base/compiler.h"

struct branch;
struct sessions;

#define REFUSED_EVERY_MS 10000

/* Name in records, and the sentence for people.  In the order of uringproxy(8). */
#define REFUSALS(X)                                                                                \
	X(DRAINED, "drained", "it is drained by an operator")                                      \
	X(QUEUE_FULL, "queue-full", "no more could wait for a place among the connections")        \
	X(NO_PLACE, "no-place", "max_connections is reached, and they came from another section")

enum refused_cause {
#define X(name, text, sentence) REFUSED_##name,
	REFUSALS(X)
#undef X
		REFUSED_COUNT,
};

/* What no record has told of yet. */
struct refused {
	uint64_t count;
	uint64_t since_ms; /* when the first of them came */
};

/* One was. */
void refused_one(struct sessions *all, struct branch *branch, enum refused_cause cause);

/* For the worker's timer: tell of those for whom it is time. */
void refused_settle(struct sessions *all);
/* Nothing is under its edition any more: tell what is left. */
void refused_forget(struct sessions *all, struct branch *branch);
/* The same of all: the worker ends. */
void refused_end(struct sessions *all);

#endif
