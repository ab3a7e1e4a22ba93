/*
 * Throttling: as many bytes as download_rate or upload_rate lets through, and no more.
 *
 * A lane with a rate has a time at which all that it has taken was due.  Each byte moves
 * it on by what a byte takes at that rate.  Where it is less than half of AHEAD in front of
 * the clock, the lane takes what brings it to AHEAD; else it waits, until the time has come.
 *
 *        now - BEHIND            now    + AHEAD / 2   + AHEAD
 *   ----------|-------------------|----------|-----------|------>
 *    no less  '- due: take, up to AHEAD -----'-- due: wait
 *
 * What it does not take it leaves to its source's window.  So it is woken once for what
 * AHEAD is worth, in however many packets that comes, by the worker's wheel; who sends less
 * than its rate is never waited for; and who is woken late, or was silent, catches up with
 * what BEHIND is worth, and no more: in all an eighth of a second's bytes at once.
 *
 * A lane counts what it takes from its source.  A service says bytes of its own: it has no
 * second lane, so LANE_DOWN has the throttle of its words.
 *
 * A lane without a rate pays a branch for that, where it takes bytes and where it asks.
 */
#ifndef LANE_THROTTLE_H
#define LANE_THROTTLE_H

#include "base/wheel.h"

struct lane;
struct loop;

#define THROTTLE_AHEAD_NS  (25ull * 1000000)
#define THROTTLE_BEHIND_NS (100ull * 1000000)
#define THROTTLE_LEAST     512u /* bytes: fewer at once are not worth a turn */

/* Of a lane; all zero: it has none. */
struct throttle {
	struct wheel_timer timer; /* TIMER_THROTTLE, while the lane waits */
	uint64_t due_ns;
	uint32_t rate; /* bytes a second */
};

/* For the owner: so many bytes a second from now on; 0: as many as there are. */
void throttle_begin(struct lane *lane, uint32_t rate);
/* ... and no more of it is to come. */
void throttle_end(struct lane *lane);

/* Bytes that it may take now.  0: it waits, and is marked when it may. */
uint32_t throttle_room(struct lane *lane);
/* It took them. */
void throttle_took(struct lane *lane, uint32_t bytes);

static inline bool throttle_waits(const struct throttle *throttle)
{
	return wheel_is_set(&throttle->timer);
}

/* Whether it has taken what its rate lets through by now: it has no more, or waits. */
bool throttle_holds(const struct lane *lane);

/* For the worker: the lane's timer fired. */
void throttle_expired(struct lane *lane);

#endif
