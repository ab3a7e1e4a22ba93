/*
 * Lines on their way from a thread that must not wait to the one that writes them.
 *
 * A ring of bytes with one producer and one consumer and no lock: a line is
 * copied in with its size in front and seen by the consumer when the tail has
 * passed it.  What does not fit is refused, so a reader that stands still costs
 * lines and never time.  Several producers take a lock of their own around
 * lines_put(), which never waits.
 */
#ifndef OPS_LINES_H
#define OPS_LINES_H

#include "base/compiler.h"

#include <stdatomic.h>

struct lines {
	char *bytes;
	uint32_t size; /* a power of two */
	/* The producer's.  Positions run on freely. */
	_Atomic uint32_t tail __attribute__((aligned(64)));
	_Atomic uint64_t accepted, dropped; /* lines */
	/* The consumer's. */
	_Atomic uint32_t head __attribute__((aligned(64)));
	_Atomic uint64_t taken; /* lines */
};

/* size is a power of two.  -ENOMEM. */
int lines_init(struct lines *lines, uint32_t size) must_check;
void lines_done(struct lines *lines);

/* False where there is no room for it, and it is counted as dropped. */
bool lines_put(struct lines *lines, const char *line, uint32_t size);

/* The next line into the room given: its size; 0 when there is none or the room is too small. */
uint32_t lines_take(struct lines *lines, char *into, size_t room);

/* Bytes in use, to either side; what the other side does meanwhile may not show. */
static inline uint32_t lines_used(const struct lines *lines)
{
	return atomic_load_explicit(&lines->tail, memory_order_acquire) -
	       atomic_load_explicit(&lines->head, memory_order_acquire);
}

/* Lines that the consumer has not taken, to either side. */
static inline uint64_t lines_pending(const struct lines *lines)
{
	uint64_t taken = atomic_load_explicit(&lines->taken, memory_order_relaxed);

	return atomic_load_explicit(&lines->accepted, memory_order_relaxed) - taken;
}

#endif
