/*
 * An operation's tag: what travels to the kernel and back in user_data.
 *
 *   63      56 55      48 47              24 23               0
 *  [  kind    |  lane    |   generation     |      slot        ]
 *
 * No pointer leaves the process.  A completion is matched to its session by
 * slot and generation, so one that outlives its session finds nobody, and a
 * tag printed in hex can be read by eye.  For OP_ACCEPT and
 * OP_ACCEPT_CANCEL they are a listener's, for OP_CONTROL nothing or a worker's.
 */
#ifndef LOOP_OP_H
#define LOOP_OP_H

#include "base/compiler.h"
#include "base/slab.h"
#include "ring/ring.h"

enum op_kind {
	OP_NONE, /* 0 is what a forgotten user_data looks like */
	OP_ACCEPT,
	OP_CONNECT, /* a poll that tells how a connect ended */
	OP_RECV,
	OP_SEND,
	OP_POLL_IN,  /* the source is readable, for strategies that move bytes themselves */
	OP_POLL_OUT, /* the sink is writable */
	OP_WATCH,    /* a poll for the reset of a side that has said its end */
	OP_CANCEL,
	OP_ACCEPT_CANCEL, /* slot: the listener whose accept it cancels */
	/*
	 * A bell: there is something in the inbox, or in a line (session/bell.h).  With the lane
	 * OP_LANE_RINGING it is one that this worker rings, and slot is whose.
	 */
	OP_CONTROL,
	OP_KIND_COUNT,
};

enum { OP_LANE_RINGING = 1 };
enum { OP_LANES = 2 }; /* directions that have operations of their own */

struct op_tag {
	uint32_t slot;
	uint32_t generation;
	uint8_t lane;
	uint8_t kind;
};

#define OP_SLOT_BITS 24
static_assert(OP_SLOT_BITS + SLAB_GENERATION_BITS + 8 + 8 == 64, "a tag fills user_data exactly");

static inline uint64_t op_pack(struct op_tag tag)
{
	assert(tag.kind > OP_NONE && tag.kind < OP_KIND_COUNT);
	assert(tag.slot < 1u << OP_SLOT_BITS);
	assert(tag.generation < 1u << SLAB_GENERATION_BITS);

	return (uint64_t)tag.kind << 56 | (uint64_t)tag.lane << 48 |
	       (uint64_t)tag.generation << 24 | tag.slot;
}

static inline struct op_tag op_unpack(uint64_t user_data)
{
	return (struct op_tag){
		.slot = user_data & 0xffffff,
		.generation = user_data >> 24 & 0xffffff,
		.lane = (uint8_t)(user_data >> 48),
		.kind = (uint8_t)(user_data >> 56),
	};
}

struct loop;

/*
 * What one connection has in the kernel.  Its slot is not free before all of that has
 * had its last completion.
 */
struct flight {
	uint32_t slot, generation;
	uint32_t in_flight;        /* operations without their last completion */
	uint32_t cancels;          /* ... of them cancels */
	uint32_t notices;          /* ... of them only a zero-copy notification */
	uint16_t flying[OP_LANES]; /* a bit for each kind that has its descriptor in use */
};
static_assert(OP_KIND_COUNT <= 16, "a flight has 16 bits a lane to note them in");

static inline struct op_tag op_tag_of(const struct flight *flight, unsigned lane, enum op_kind kind)
{
	return (struct op_tag){
		.slot = flight->slot,
		.generation = flight->generation,
		.lane = (uint8_t)lane,
		.kind = (uint8_t)kind,
	};
}

static inline bool op_flies(const struct flight *flight, unsigned lane, enum op_kind kind)
{
	return flight->flying[lane] & 1u << kind;
}

/* An operation of this connection: the entry gets its tag, and is counted. */
static inline void op_submit(struct flight *flight, unsigned lane, enum op_kind kind,
			     struct io_uring_sqe *sqe)
{
	ring_sqe_tag(sqe, op_pack(op_tag_of(flight, lane, kind)));
	flight->in_flight++;
	if (kind == OP_CANCEL)
		flight->cancels++;
	else
		flight->flying[lane] |= (uint16_t)(1u << kind);
}

/* A completion of it (its flags), perhaps not the last. */
static inline void op_landed(struct flight *flight, struct op_tag tag, uint32_t flags)
{
	bool more = flags & IORING_CQE_F_MORE;

	flight->in_flight -= !more;
	flight->cancels -= tag.kind == OP_CANCEL;
	/* Zero-copy sends are done with their descriptor before their last completion. */
	if (tag.kind == OP_SEND || !more)
		flight->flying[tag.lane] &= (uint16_t) ~(1u << tag.kind);
	if (tag.kind == OP_SEND && flags & IORING_CQE_F_NOTIF)
		flight->notices--;
	else if (tag.kind == OP_SEND && more)
		flight->notices++;
}

/*
 * Cancel the one operation of that kind; it still completes.  By its tag, for which the
 * kernel looks into one bucket: by descriptor it would walk through every operation that
 * is armed on the ring (6.1 to 6.18), 0.7 ms beside 9,000 connections.
 */
void op_cancel(struct loop *loop, struct flight *flight, unsigned lane, enum op_kind kind);

#endif
