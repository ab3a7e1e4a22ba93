/*
 * One ring for several threads: entries are submitted under a lock.
 *
 * A ring belongs to one thread; that is what makes it fast.  Who wants to hand over entries
 * from several puts them into memory of its own and submits them by ring_shared_submit().
 * The ring must not be SINGLE_ISSUER (-EEXIST from the kernel then).  Completions are for one
 * reader: it waits by ring_await(), which submits nothing, and reads as usual; if all submit
 * this way it needs no lock.
 *
 * Costs nothing to a ring that is not shared.
 */
#ifndef RING_SHARED_H
#define RING_SHARED_H

#include "ring/core.h"

#include <pthread.h>

struct ring_shared {
	struct ring *ring;
	pthread_mutex_t lock;
};

/* The ring is used through this from now on.  0, or a negative errno (-EINVAL: SINGLE_ISSUER). */
int ring_shared_open(struct ring_shared *shared, struct ring *ring) must_check;
/* Nobody submits any more; the ring stays open. */
void ring_shared_close(struct ring_shared *shared);

/*
 * Submit count entries of 64 bytes, copied, in their order and with nothing of another thread
 * between them, so that links hold.  The number that the kernel took, at least the first, or
 * a negative errno: none.  More than the ring has entries: -EINVAL.
 */
int ring_shared_submit(struct ring_shared *shared, const struct io_uring_sqe *entries,
		       unsigned count) must_check;

#endif
