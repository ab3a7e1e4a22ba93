/*
 * accept_rate: no listener accepts faster.  Nobody is refused for it; who comes too fast waits
 * in the kernel's queue.
 *
 *      |.|.|.|.|.|.     each worker's part of the rate, evenly; what a pause has left over comes
 *                       at once for PACE_AHEAD_MS at most, so that late turns cost nothing
 *
 * Connections are accepted one at a time then, as a multishot accept would take what waits; and
 * a listener that is ahead of its time is not armed until its timer says so.  What is in the
 * queue of one that is closed for good is taken all the same, or it would be lost.
 */
#ifndef WORKER_PACE_H
#define WORKER_PACE_H

#include "base/compiler.h"

struct listener;
struct worker;

#define PACE_AHEAD_MS 20

bool pace_is_set(const struct listener *listener);
/* It has a pace: whether it must wait; its timer is set then. */
bool pace_waits(struct worker *worker, struct listener *listener);
/* It has a pace, and one more has been accepted. */
void pace_took(struct worker *worker, struct listener *listener);

#endif
