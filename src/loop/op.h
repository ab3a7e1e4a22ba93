/*
 * An operation's tag: what travels to the kernel and back in user_data.
 *
 *   63      56 55      48 47              24 23               0
 *  [  kind    |  lane    |   generation     |      slot        ]
 *
 * No pointer leaves the process.  A completion is matched to its session by
 * slot and generation, so one that outlives its session finds nobody, and a
 * tag printed in hex can be read by eye.  For OP_ACCEPT and
 * OP_ACCEPT_CANCEL the slot is the listener's index, for OP_CONTROL it is nothing.
 */
#ifndef LOOP_OP_H
#define LOOP_OP_H

#include "base/compiler.h"
#include "base/slab.h"

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
	OP_CONTROL,       /* a message from the main thread; the result is the command */
	OP_KIND_COUNT,
};
static_assert(OP_KIND_COUNT <= 16, "a session has 16 bits a lane to note them in");

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

#endif
