/*
 * A turn's flushes: who has little does not wait for all who have much.
 *
 * What is moved in a turn -- by splice(2) at once, by sends when they are submitted --
 * is moved before the worker looks at anything else.  So the lanes that move much
 * together move engine.turn_bytes in a turn, or one of them its piece where that is
 * more; those left over are the first of the next turn, which looks for completions
 * without waiting.  And within a turn all that move little come first: what a small
 * message waits for is one turn's bytes, however many lanes are bulk.
 *
 *   marked     B B s B B s B B          (s: little, B: much)
 *   this turn  s s B B                  as many as turn_bytes are for
 *   next turn  s B B                    s has come since, and did not wait for all B
 *   the next   B B
 *
 * Receives need no bound of their own: one is armed when what it brings can be sent,
 * so in the long run no more of them are than sends.
 */
#ifndef NET_TURN_H
#define NET_TURN_H

struct worker;

/* Flush the lanes that lane_mark() has marked; what marks itself meanwhile is for the next turn. */
void turn_flush(struct worker *worker);

#endif
