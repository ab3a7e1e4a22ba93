/*
 * The receive buffers of one worker: a provided-buffer ring and what stands
 * behind it.
 *
 *        kernel's ring (fill level "target")        spare (last in, first out)
 *   +----------------------------------------+     +--------------+
 *   | id | id | id |                         | <-- | id | id | .. |
 *   +----------------------------------------+     +--------------+
 *        | a receive completes                            ^
 *        v                                                | stock_give
 *     a lane's queue ---- sent ---------------------------+
 *
 * A buffer is in exactly one of three places: with the kernel, in a lane's
 * queue, or spare; stock_close() asserts that all came home.  Only as many lie
 * with the kernel as traffic has needed, because its ring is first in, first
 * out: every buffer in it is touched in turn, so a short ring keeps a small
 * working set warm in the cache, and memory never used is never resident.
 *
 * The last eighth never lies with the kernel, where any receive takes it and a
 * sink that does not read may keep it for ever.  It is for feed.c.
 */
#ifndef LOOP_STOCK_H
#define LOOP_STOCK_H

#include "ring/ring.h"

#define STOCK_NONE        0xffff /* no buffer */
#define STOCK_BUFFERS_MAX 32768  /* the kernel's, of a ring of provided buffers */

/* What a buffer in a queue holds. */
struct chunk {
	uint32_t offset; /* of the first byte not yet sent */
	uint32_t length; /* bytes not yet sent */
	uint16_t next;   /* in the queue or the spare list, or STOCK_NONE */
};

struct stock {
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
 * and at most STOCK_BUFFERS_MAX of them) and register them with ring as buffer group 0.
 * -ENOMEM, or what the registration said; the stock is empty then.
 */
int stock_open(struct stock *stock, struct ring *ring, uint64_t memory,
	       uint32_t buffer_size) must_check;
/* Before ring_close(); every buffer must be home. */
void stock_close(struct stock *stock);
/* Before ring_leave(): the kernel and lanes that were cut may still have some of them. */
void stock_leave(struct stock *stock);

static inline unsigned char *stock_memory(const struct stock *stock, uint16_t id)
{
	return stock->memory + (size_t)id * stock->buffer_size;
}

/* Buffers neither with the kernel nor spare. */
static inline uint32_t stock_held(const struct stock *stock)
{
	return stock->count - stock->spare_count - ring_buffers_available(&stock->buffers);
}

/* Buffers that can still be received into. */
static inline uint32_t stock_free(const struct stock *stock)
{
	return stock->spare_count + ring_buffers_available(&stock->buffers);
}

/* Nothing is left but the reserve. */
static inline bool stock_is_short(const struct stock *stock)
{
	return stock_free(stock) <= stock->reserve;
}

/* A spare buffer; there is one. */
uint16_t stock_take(struct stock *stock);

/* A buffer comes home. */
void stock_give(struct stock *stock, uint16_t id);

/* The buffers of a completion that nobody wants come home. */
void stock_return(struct stock *stock, const struct io_uring_cqe *done);

/* Once per turn, before submitting: fill up the kernel's ring and publish it. */
void stock_refill(struct stock *stock);

/* A receive found no buffer: keep more with the kernel from now on. */
void stock_ran_dry(struct stock *stock);

#endif
