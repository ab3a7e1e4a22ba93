/*
 * Drawing lots among a tier's seats, each with its weight's part of the chances, in the time
 * of a binary search, or none where all weights are the same.  Nobody else but the ways of
 * balancing that draw includes this.
 */
#ifndef POOL_DRAW_H
#define POOL_DRAW_H

#include "pool/look.h"

/* A way's: prepare. */
int draw_prepare(struct tier *tier) must_check;

/* Two who are allowed, or one and NULL where there is no other, or NULL twice. */
void draw_two(struct look *look, const struct seat *ret_seats[2]);

#endif
