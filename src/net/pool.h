/*
 * The receive buffers of one worker: a provided-buffer ring and what stands
 * behind it.
 *
 *        kernel's ring (fill level "target")        spare (last in, first out)
 *   +----------------------------------------+     +--------------+
 *   | id | id | id |                         | <-- | id | id | .. |
 *   +----------------------------------------+     +--------------+
 *        | a receive completes                            ^
 *        v                                                | pool_give
 *     a lane's queue ---- sent ---------------------------+
 *
 * A buffer is in exactly one of three places: with the kernel, in a lane's
 * queue, or spare; pool_close() asserts that all came home.  Only as many lie
 * with the kernel as traffic has needed, because its ring is first in, first
 * out: every buffer in it is touched in turn, so a short ring keeps a small
 * working set warm in the cache, and memory never used is never resident.
 *
 * The last eighth never lies with the kernel, where any receive takes it and a
 * sink that does not read may keep it for ever.  It is for lane_feed.c.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "ring/ring.h"

#define POOL_NONE        0xffff /* no buffer */
#define POOL_BUFFERS_MAX 32768  /* the kernel's, of a ring of provided buffers */

/* What a buffer in a queue holds. */
struct chunk {
	uint32_t offset; /* of the first byte not yet sent */
	uint32_t length; /* bytes not yet sent */
	uint16_t next;   /* in the queue or the spare list, or POOL_NONE */
};

struct pool {
	struct ring_buffers buffers;
	unsigned char *memory;
	struct chunk *chunks;
	uint32_t buffer_size; /* bytes */
	uint32_t count;       /* buffers in all */
	uint32_t target;      /* how many should lie with the kernel */
	uint32_t spare_count;
	uint32_t reserve; /* of these are not for the kernel */
	uint32_t holders; /* lanes whose queue is not empty */
	uint16_t spare;
	bool unpublished;
};

/*
 * Take memory bytes (rounded down to whole buffers of buffer_size, at least 4
 * and at most POOL_BUFFERS_MAX of them) and register them with ring as buffer group 0.
 * -ENOMEM, or what the registration said; the pool is empty then.
 */
int pool_open(struct pool *pool, struct ring *ring, uint64_t memory,
	      uint32_t buffer_size) must_check;
/* Before ring_close(); every buffer must be home. */
void pool_close(struct pool *pool);
/* Before ring_leave(): the kernel and lanes that were cut may still have some of them. */
void pool_leave(struct pool *pool);

static inline unsigned char *pool_memory(const struct pool *pool, uint16_t id)
{
	return pool->memory + (size_t)id * pool->buffer_size;
}

/* Buffers neither with the kernel nor spare. */
static inline uint32_t pool_held(const struct pool *pool)
{
	return pool->count - pool->spare_count - ring_buffers_available(&pool->buffers);
}

/* Buffers that can still be received into. */
static inline uint32_t pool_free(const struct pool *pool)
{
	return pool->spare_count + ring_buffers_available(&pool->buffers);
}

/* Nothing is left but the reserve. */
static inline bool pool_is_short(const struct pool *pool)
{
	return pool_free(pool) <= pool->reserve;
}

/* A spare buffer; there is one. */
uint16_t pool_take(struct pool *pool);

/* A buffer comes home. */
void pool_give(struct pool *pool, uint16_t id);

/* Once per turn, before submitting: fill up the kernel's ring and publish it. */
void pool_refill(struct pool *pool);

/* A receive found no buffer: keep more with the kernel from now on. */
void pool_ran_dry(struct pool *pool);

#endif
