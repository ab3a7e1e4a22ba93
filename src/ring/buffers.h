/*
 * Provided buffers in a ring shared with the kernel (Linux 5.19).
 *
 * The application puts buffers in at the tail, the kernel takes them at the head,
 * in order, and names them in completions by id.  This module remembers what lies
 * at each position, so ids need not follow positions, buffers may differ in
 * length, and a completion that covers several (a bundle) can be walked.
 *
 *	struct ring_bundle bundle = ring_buffers_bundle(buffers, cqe);
 *	while (ring_bundle_next(&bundle, &id, &length))
 *		... length bytes in buffer id: yours until ring_buffers_add()
 *
 * A buffer that is already in the ring may not be added again: that is asserted.
 */
#ifndef RING_BUFFERS_H
#define RING_BUFFERS_H

#include "ring/core.h"

struct ring_buffers_slot {
	uint32_t length; /* what is left of it: with IOU_PBUF_RING_INC it shrinks */
	uint32_t offset; /* bytes of it already used */
	uint16_t id;
};

struct ring_buffers {
	struct io_uring_buf_ring *shared;
	struct ring_buffers_slot *slots; /* by position */
	uint32_t *places;                /* by id: position + 1, or 0: not in the ring */
	uint16_t tail;                   /* next position to fill */
	uint16_t published;              /* the tail the kernel knows */
	uint16_t mask;
	uint16_t group;
	uint16_t taken; /* buffers that completions gave back, modulo 65536 */
	bool registered;
	bool own_memory; /* it is the caller's */
	uint32_t min_left;
	uint32_t entries;
	uint32_t flags;
	size_t size;
	struct ring *ring;
};

/*
 * Register a ring of entries (a power of two, at most 32768) as group.  flags:
 * IOU_PBUF_RING_MMAP (6.4) and IOU_PBUF_RING_INC (6.12).  The ring must stay open
 * until ring_buffers_close().  -EEXIST: the group is taken.  Memory counts against
 * RLIMIT_MEMLOCK.
 */
int ring_buffers_open(struct ring_buffers *buffers, struct ring *ring, uint16_t group,
		      uint32_t entries, unsigned flags) must_check;

struct ring_buffers_options {
	uint16_t group;
	uint32_t entries; /* a power of two, at most 32768 */
	unsigned flags;   /* IOU_PBUF_RING_* */
	/* With IOU_PBUF_RING_INC: a buffer with less room than that is used up (7.0). */
	uint32_t min_left;
	void *memory; /* 16 bytes an entry, page-aligned, which outlive it; NULL: its own */
};
/* The same with more to say. */
int ring_buffers_open_with(struct ring_buffers *buffers, struct ring *ring,
			   const struct ring_buffers_options *options) must_check;

/* Before the ring is closed; safe twice and when it never opened. */
void ring_buffers_close(struct ring_buffers *buffers);

/* Ask the kernel for its head (6.8): what it has taken, modulo 65536. */
int ring_buffers_status(const struct ring_buffers *buffers, uint16_t *ret_head) must_check;

/* Buffers the kernel still holds, by the completions walked so far. */
static inline uint32_t ring_buffers_available(const struct ring_buffers *buffers)
{
	return (uint16_t)(buffers->published - buffers->taken);
}

/*
 * Hand a buffer over; the kernel does not see it before ring_buffers_publish().
 * No more than entries may be in the ring.
 */
static inline void ring_buffers_add(struct ring_buffers *buffers, void *address, uint32_t length,
				    uint16_t id)
{
	uint16_t position = buffers->tail & buffers->mask;
	struct io_uring_buf *entry = (struct io_uring_buf *)buffers->shared + position;

	assert(buffers->places[id] == 0);
	assert((uint16_t)(buffers->tail - buffers->taken) < buffers->entries);
	buffers->places[id] = position + 1U;
	buffers->slots[position] = (struct ring_buffers_slot){.length = length, .id = id};
	/* Not entry->resv: in entry 0 that is the tail. */
	entry->addr = (uint64_t)(uintptr_t)address;
	entry->len = length;
	entry->bid = id;
	buffers->tail++;
}

/* Let the kernel have what was added: one store for all. */
static inline void ring_buffers_publish(struct ring_buffers *buffers)
{
	if (buffers->published != buffers->tail) {
		buffers->published = buffers->tail;
		__atomic_store_n(&buffers->shared->tail, buffers->tail, __ATOMIC_RELEASE);
	}
}

/* Is the buffer in the ring, i.e. not ours? */
static inline bool ring_buffers_holds(const struct ring_buffers *buffers, uint16_t id)
{
	return buffers->places[id] != 0;
}

struct ring_bundle {
	struct ring_buffers *buffers;
	uint32_t left;     /* bytes not walked yet */
	uint16_t position; /* of the next buffer */
	bool first;        /* nothing walked yet */
	bool more;         /* the last one stays in the ring (IORING_CQE_F_BUF_MORE) */
	uint32_t offset;   /* where in its buffer the last piece began; 0 unless incremental */
	bool done;         /* the last piece's buffer is ours now */
};

/* The buffers of one completion; none if it names none.  Walk it to the end, always. */
static inline struct ring_bundle ring_buffers_bundle(struct ring_buffers *buffers,
						     const struct io_uring_cqe *cqe)
{
	struct ring_bundle bundle = {.buffers = buffers};

	if (cqe->flags & IORING_CQE_F_BUFFER) {
		uint32_t place = buffers->places[cqe->flags >> IORING_CQE_BUFFER_SHIFT];
		assert(place != 0); /* the kernel names only what we gave it */
		bundle.position = (uint16_t)(place - 1);
		bundle.left = cqe->res > 0 ? (uint32_t)cqe->res : 0;
		bundle.more = cqe->flags & IORING_CQE_F_BUF_MORE;
		bundle.first = true;
	}
	return bundle;
}

/* The next buffer and how many bytes it holds; false at the end. */
static inline bool ring_bundle_next(struct ring_bundle *bundle, uint16_t *ret_id,
				    uint32_t *ret_length)
{
	struct ring_buffers *buffers = bundle->buffers;
	struct ring_buffers_slot *slot;

	if (!bundle->first && bundle->left == 0)
		return false;
	bundle->first = false;
	slot = &buffers->slots[bundle->position & buffers->mask];
	*ret_length = bundle->left < slot->length ? bundle->left : slot->length;
	*ret_id = slot->id;
	bundle->left -= *ret_length;
	bundle->offset = slot->offset;
	bundle->done = !(bundle->more && bundle->left == 0);
	if (bundle->done) {
		buffers->places[slot->id] = 0;
		buffers->taken++;
	} else {
		slot->offset += *ret_length;
		slot->length -= *ret_length;
	}
	bundle->position++;
	return true;
}

/*
 * The one buffer of a completion that is no bundle, of a ring that is not
 * incremental: cqe->res bytes, yours until ring_buffers_add().  False if it names
 * none, as the last one of a receive.
 */
static inline bool ring_buffers_take(struct ring_buffers *buffers, const struct io_uring_cqe *cqe,
				     uint16_t *ret_id)
{
	struct ring_bundle bundle = ring_buffers_bundle(buffers, cqe);
	uint32_t length;

	return ring_bundle_next(&bundle, ret_id, &length);
}

#endif
