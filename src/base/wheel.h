/*
 * A hierarchical timer wheel for one thread: setting, moving and clearing a
 * timer are constant time, and armed timers cost nothing until one is due.
 *
 * Time is written as digits of six bits.  A timer waits at the level of the
 * highest digit in which its expiry differs from the wheel's present, in the
 * slot that digit names:
 *
 *   level       0        1          2         3          4       far
 *   a slot is   1 ms     64 ms      4.1 s     4.4 min    4.7 h   -
 *   spans       64 ms    4.1 s      4.4 min   4.7 h      12.4 d  the rest
 *
 * So all higher digits are the present's own, a level's slots in use lie after
 * the present's digit, and the first used slot of the lowest used level is what
 * happens next: two bit operations, no wrap-around, no empty ticks to walk.
 * When a slot's time comes its timers are dealt out again, further down or as
 * due; each timer moves at most five times in its life.  Timers beyond the
 * span wait in one list that is looked through every 12.4 days.
 *
 * An idle timer need not move with every byte: let it fire, compare with the
 * time of the last byte, and set it again to what is left.
 *
 * Times are milliseconds of one clock that never goes back (clock_now_ms()).
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/compiler.h"
#include "base/list.h"

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS  64

/* All zeroes is a timer that is not set; the caller owns it and must not move it while set. */
struct wheel_timer {
	struct list link;
	uint64_t expires_ms; /* read it freely; wheel_set() alone writes it */
	uint32_t slot;       /* index into wheel.slots */
	uint32_t kind;       /* whose it is, in the caller's words; the wheel does not look at it */
};

struct wheel {
	uint64_t now_ms;                 /* everything up to here is in the list of due timers */
	uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot in use */
	struct list slots[WHEEL_LEVELS * WHEEL_SLOTS + 2]; /* then the far ones and the due ones */
};

/* An empty wheel whose present is now_ms. */
void wheel_init(struct wheel *wheel, uint64_t now_ms);

/* Arm the timer, or move it when it is armed.  A time already past is due at once. */
void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t expires_ms);

/* Disarm the timer; nothing happens when it is not armed. */
void wheel_clear(struct wheel *wheel, struct wheel_timer *timer);

static inline bool wheel_is_set(const struct wheel_timer *timer)
{
	return list_is_linked(&timer->link);
}

/*
 * When to call wheel_expire() next: never later than the earliest expiry, and
 * earlier only where timers must be dealt out again (then wheel_expire() gives
 * NULL and the next answer is a later one).  UINT64_MAX when nothing is armed.
 */
uint64_t wheel_next(const struct wheel *wheel);

/*
 * One timer that expired at or before now_ms, disarmed, or NULL when there is
 * no more.  Earlier ones come first.  Between calls any timer may be set or
 * cleared; one set to a time already past comes back before NULL does, so a
 * handler that wants to run again sets at least the next millisecond.
 */
struct wheel_timer *wheel_expire(struct wheel *wheel, uint64_t now_ms);

#endif
