/*
 * Submitting and waiting: what an event loop turns on.
 *
 * The plain case is in line, system call and all: see syscall.h for what a return
 * costs after one.  A deadline, a polling thread, entries that the kernel did not
 * take and work it left behind are for the functions in submit.c.
 */
#ifndef RING_WAIT_H
#define RING_WAIT_H

#include "ring/cqe.h"
#include "ring/syscall.h"

struct ring_wait {
	uint32_t submitted; /* entries the kernel took */
	uint32_t ready;     /* completions that can be read now */
	int error;
};

/* Let the kernel see the entries handed out; part of every submit. */
static inline void ring_publish(struct ring *ring)
{
	if (ring->sq_published != ring->sq_tail) {
		ring->sq_published = ring->sq_tail;
		__atomic_store_n(ring->sq_ktail, ring->sq_tail, __ATOMIC_RELEASE);
	}
}

/* ring_submit_wait() with the signals of mask (8 bytes, the kernel's sigset) blocked, not ours. */
struct ring_wait ring_submit_wait_mask(struct ring *ring, uint32_t min_complete,
				       uint64_t deadline_ns, uint32_t min_wait_us,
				       const uint64_t *mask);

/*
 * The same without submitting: entries that are handed out stay ours, filled or not.  For
 * who fills an entry bit by bit, or keeps some back.  With SQPOLL the polling thread goes on
 * with what it has been shown before.
 */
struct ring_wait ring_await(struct ring *ring, uint32_t min_complete, uint64_t deadline_ns,
			    uint32_t min_wait_us);

/* What is left to do when the plain system call gave r and did not do it all. */
struct ring_wait ring_wait_rest(struct ring *ring, uint32_t min_complete, uint32_t first_entry,
				int r);

/*
 * Submit, then wait until min_complete completions can be read or the deadline
 * (absolute, nanoseconds of CLOCK_MONOTONIC, RING_NEVER, RING_NOW) has passed.
 * After it everything that is ready can be read: a ring with deferred work has
 * run all of it, not only the 20 items the kernel runs in one go.  min_wait_us,
 * where the kernel has RING_MIN_WAIT: once something is there, wait so long for
 * more, and then be content with less than min_complete.
 *
 * error: 0      min_complete are ready (or, with RING_NOW, what there is)
 *        -ETIME the deadline passed first
 *        -EINTR a signal came first; the deadline is absolute: call again.  Also where the
 *               kernel does not say why it came back: it had taken entries in the same
 *               call, or some completions are there, fewer than min_complete (a timeout
 *               that fires ends a wait for more; so does a signal)
 *        -EAGAIN, -EBUSY, -ENOMEM  not all entries taken, for lack of memory: reap, call again
 *        -EBADR completions were lost, see ring_lost()
 *        others are final: -EBADF, -ENXIO, -EOWNERDEAD (the polling thread died),
 *        -EBADFD (R_DISABLED), -EEXIST (not the issuer's thread)
 */
static inline __attribute__((always_inline)) struct ring_wait
ring_submit_wait(struct ring *ring, uint32_t min_complete, uint64_t deadline_ns,
		 uint32_t min_wait_us)
{
	struct ring_wait result = {0};
	uint32_t first = ring->sq_head;
	int r;

	if (!ring->plain || deadline_ns != RING_NEVER || min_wait_us ||
	    ring_cq_ready(ring) >= min_complete)
		return ring_submit_wait_mask(ring, min_complete, deadline_ns, min_wait_us, NULL);
	ring_cq_release(ring);
	ring_publish(ring);
	r = ring_syscall_enter(ring->enter_fd, ring->sq_tail - first, min_complete,
			       IORING_ENTER_GETEVENTS | ring->enter_flags, NULL, 0);
	ring->sq_head = __atomic_load_n(ring->sq_khead, __ATOMIC_ACQUIRE);
	result.submitted = ring->sq_head - first;
	result.ready = ring_cq_ready(ring);
	if (unlikely(r < 0 || ring->sq_head != ring->sq_tail || result.ready < min_complete ||
		     __atomic_load_n(ring->sq_kflags, __ATOMIC_RELAXED) &
			     (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)))
		return ring_wait_rest(ring, min_complete, first, r);
	return result;
}

#endif
