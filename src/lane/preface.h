/*
 * A preface: bytes in memory of their own that go to the sink before the chunks.
 *
 *   [ ours | held ] [ chunk ] [ chunk ] ---> send
 *
 * Held are bytes of the source that came before there was a sink, moved out of the shared
 * buffers: who says half a greeting and falls silent keeps no buffer from anybody, but its
 * bytes, rounded up to 1 KiB.  Ours are words of our own that each server hears first; as
 * they are not the source's, they do not count as delivered.
 *
 * They wait for one turn, in which the client's first bytes have mostly come: then both go in
 * one send and one segment, and the server is woken once.  A client that is silent costs a
 * turn that does not sleep.
 *
 * It counts as the first chunk of the queue, and is gone when it has been consumed.
 */
#ifndef LANE_PREFACE_H
#define LANE_PREFACE_H

#include "base/compiler.h"

struct lane;

struct preface {
	uint32_t ours;   /* the first so many of what is left */
	uint32_t length; /* what is left, those included */
	uint32_t offset; /* where it begins */
	uint32_t size;   /* of bytes */
	bool fresh;      /* ours have just been said: they wait a turn for the source's */
	unsigned char bytes[];
};

/* Move all chunks into the preface, behind what is in it.  False: no memory, nothing has moved. */
bool preface_hold(struct lane *lane) must_check;

/*
 * Say these first, in place of what was to be said so; with count 0 nothing.  Nothing of
 * the queue may be on its way to the sink, or have got there.  False: no memory, and it is
 * as it was.
 */
bool preface_say(struct lane *lane, const void *words, uint32_t count) must_check;

/* For the lane, before it sends: whether to leave that for the next turn, this once. */
bool preface_waits(struct lane *lane);

/* For the lane: the first bytes have gone, up to count of them; how many. */
uint32_t preface_consume(struct lane *lane, uint32_t count);

#endif
