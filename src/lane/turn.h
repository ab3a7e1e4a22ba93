/*
 * A turn's flushes: who has little does not wait for all who have much.
 *
 * What is moved in a turn -- by splice(2) at once, by sends when they are submitted --
 * is moved before the worker looks at anything else.  So the lanes that move much
 * together move engine.sizes.turn_bytes in a turn, each byte that is copied counted as two, or
 * one of them its piece where that is more.  Those left over are the first of the next
 * turn, which looks for completions without waiting; and within a turn all that move
 * little come first.  What a small message waits for is then one turn's bytes, however
 * many lanes are bulk.
 *
 *   marked     B B s B B s B B          (s: little, B: much)
 *   this turn  s s B B                  as many as turn_bytes are for
 *   next turn  s B B                    s has come since, and did not wait for all B
 *   the next   B B
 *
 * Receives follow: one is armed when what it brings can be sent, so in the long run no
 * more of them are than sends.  But what waits for its turn in a buffer is cold when it
 * is sent.  So where lanes are left over each receives less at once, until all is sent soon
 * after it came.
 */
#ifndef LANE_TURN_H
#define LANE_TURN_H

#include <stdint.h>

struct loop;

/* Flush the lanes that lane_mark() has marked; what marks itself meanwhile is for the next turn. */
void turn_flush(struct loop *loop);

/* What one receive may bring, of a lane that may have budget bytes waiting. */
uint32_t turn_receive_most(const struct loop *loop, uint32_t budget);

#endif
