/*
 * Reading completions.
 *
 * The head we read by is private and the kernel's copy is stored once per batch,
 * by ring_reap(), at the end of ring_for_each_cqe(), by ring_cq_release(), and
 * before each wait.  A completion's memory is the kernel's again after that.
 */
#ifndef RING_CQE_H
#define RING_CQE_H

#include "ring/core.h"

/* Give the kernel back every entry stepped over. */
static inline void ring_cq_release(struct ring *ring)
{
	if (ring->cq_head != ring->cq_published) {
		ring->cq_published = ring->cq_head;
		__atomic_store_n(ring->cq_khead, ring->cq_head, __ATOMIC_RELEASE);
	}
}

/* The slot of an index, whatever is in it. */
static inline struct io_uring_cqe *ring_cqe_at(const struct ring *ring, uint32_t head)
{
	return &ring->cqes[(size_t)(head & ring->cq_mask) << ring->cqe_shift];
}

/* How many slots a completion takes. */
static inline uint32_t ring_cqe_slots(const struct ring *ring, const struct io_uring_cqe *cqe)
{
	return ring->cq_mixed && (cqe->flags & IORING_CQE_F_32) ? 2 : 1;
}

/* The first completion before end, behind any filler, or NULL. */
static inline struct io_uring_cqe *ring_cqe_before(struct ring *ring, uint32_t end)
{
	while (ring->cq_head != end) {
		struct io_uring_cqe *cqe = ring_cqe_at(ring, ring->cq_head);
		if (likely(!ring->cq_mixed || !(cqe->flags & IORING_CQE_F_SKIP)))
			return cqe;
		ring->cq_head++;
	}
	return NULL;
}

/* The next completion or NULL; it stays the next until ring_cqe_next().  No system call. */
static inline struct io_uring_cqe *ring_cqe_peek(struct ring *ring)
{
	return ring_cqe_before(ring, __atomic_load_n(ring->cq_ktail, __ATOMIC_ACQUIRE));
}

/* Step over a completion that ring_cqe_peek() gave. */
static inline void ring_cqe_next(struct ring *ring, const struct io_uring_cqe *cqe)
{
	ring->cq_head += ring_cqe_slots(ring, cqe);
}

/* The 16 bytes that follow a 32-byte completion. */
static inline const uint64_t *ring_cqe_extra(const struct io_uring_cqe *cqe)
{
	return (const uint64_t *)(cqe + 1);
}

/* The buffer a completion names; only if it has IORING_CQE_F_BUFFER. */
static inline uint16_t ring_cqe_buffer(const struct io_uring_cqe *cqe)
{
	return (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
}

/* Completions before end, a tail that was read once: filler and width do not count. */
static inline uint32_t ring_cq_count(const struct ring *ring, uint32_t end)
{
	uint32_t count = 0;

	if (likely(!ring->cq_mixed))
		return end - ring->cq_head;
	for (uint32_t head = ring->cq_head; head != end;) {
		const struct io_uring_cqe *cqe = ring_cqe_at(ring, head);
		count += !(cqe->flags & IORING_CQE_F_SKIP);
		head += ring_cqe_slots(ring, cqe);
	}
	return count;
}

/* Completions that can be read now. */
static inline uint32_t ring_cq_ready(const struct ring *ring)
{
	return ring_cq_count(ring, __atomic_load_n(ring->cq_ktail, __ATOMIC_ACQUIRE));
}

/* A walk over the completions there are at its start; see ring_for_each_cqe(). */
struct ring_walk {
	struct ring *ring;
	uint32_t end;
};

/* Begin at the first unread completion, to end at the last one there is. */
static inline struct ring_walk ring_walk_begin(struct ring *ring)
{
	return (struct ring_walk){ring, __atomic_load_n(ring->cq_ktail, __ATOMIC_ACQUIRE)};
}

/* Give back what was walked over. */
static inline void ring_walk_end(struct ring_walk *walk)
{
	ring_cq_release(walk->ring);
}

/* The next completion, now read, or NULL. */
static inline struct io_uring_cqe *ring_walk_next(struct ring_walk *walk)
{
	struct io_uring_cqe *cqe = ring_cqe_before(walk->ring, walk->end);

	if (cqe)
		ring_cqe_next(walk->ring, cqe);
	return cqe;
}

/*
 * for every completion that is there now: declare cqe, then write a block.
 *
 *	struct io_uring_cqe *cqe;
 *	ring_for_each_cqe(ring, cqe)
 *		handle(cqe);
 *
 * Later arrivals wait for the next walk, so it ends.  Leaving it by break, return
 * or goto is fine: the completion in hand counts as read, and the head is stored.
 * Do not wait on the ring inside: cqe would be the kernel's.
 */
#define ring_for_each_cqe(ring, cqe)                                                               \
	for (struct ring_walk ring_walk                                                            \
	     __attribute__((cleanup(ring_walk_end))) = ring_walk_begin(ring);                      \
	     ((cqe) = ring_walk_next(&ring_walk)) != NULL;)

/*
 * Look ahead without reading: the completion at *position, which begins as ring->cq_head, and
 * *position is behind it then; NULL: there are no more.  They all stay to be read.
 */
static inline const struct io_uring_cqe *ring_cqe_ahead(const struct ring *ring, uint32_t *position)
{
	uint32_t end = __atomic_load_n(ring->cq_ktail, __ATOMIC_ACQUIRE);

	while (*position != end) {
		const struct io_uring_cqe *cqe = ring_cqe_at(ring, *position);

		*position += ring_cqe_slots(ring, cqe);
		if (!ring->cq_mixed || !(cqe->flags & IORING_CQE_F_SKIP))
			return cqe;
	}
	return NULL;
}

/* ring_reap() on a queue of mixed or 32-byte entries. */
unsigned ring_reap_slowly(struct ring *ring, struct io_uring_cqe *completions, unsigned max);

/*
 * Copy out up to max completions, their first 16 bytes, and give the entries
 * back.  No system call; the number copied.
 */
static inline unsigned ring_reap(struct ring *ring, struct io_uring_cqe *completions, unsigned max)
{
	uint32_t head = ring->cq_head, count, mask = ring->cq_mask;
	const struct io_uring_cqe *cqes = ring->cqes;

	if (unlikely(ring->cq_mixed || ring->cqe_shift))
		return ring_reap_slowly(ring, completions, max);
	count = __atomic_load_n(ring->cq_ktail, __ATOMIC_ACQUIRE) - head;
	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++)
		completions[i] = cqes[(head + i) & mask];
	ring->cq_head = head + count;
	ring_cq_release(ring);
	return count;
}

/*
 * Completions the kernel could not keep since the last call; 0 in a healthy
 * process.  A queue that was merely full loses nothing: the kernel keeps the rest
 * and ring_submit_wait() brings it in.
 */
uint32_t ring_lost(struct ring *ring);

/* Is the kernel keeping completions that found the queue full? */
static inline bool ring_cq_overflowed(const struct ring *ring)
{
	return __atomic_load_n(ring->sq_kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW;
}

#endif
