/*
 * Between copying and splicing: the steps of a lane from one to the other.
 */
#ifndef RELAY_SPLICE_H
#define RELAY_SPLICE_H

#include "net/strategy.h"

/* The strategy of a lane while it splices (splice.c). */
extern const struct strategy splice_pump;

/* From copying to splicing: nothing is queued, being received or being sent. */
void splice_begin(struct lane *lane);

/* From splicing to copying (auto.c): nothing is held, no poll for the source is in flight. */
void auto_calm(struct lane *lane);

/*
 * The same where splice(2) gets no further and a receive does; once something was
 * received, it may be bulk again.
 */
void auto_pass(struct lane *lane);

/* Whether a lane that moved so much in this turn is bulk no more; small counts such turns. */
bool auto_has_calmed(const struct lane *lane, uint64_t moved, uint8_t *small);

#endif
