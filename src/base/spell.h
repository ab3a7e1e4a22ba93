/*
 * A spell of trouble: how long something lasts that is met again and again, so
 * that the log gets a line when it begins and one when it ends, however often it
 * is met between.
 *
 * It is over when it was not met for its patience: a second at first, since
 * whoever is refused something tries again much sooner.  One that comes back
 * within a minute of its end gets twice the patience, up to a minute: whatever
 * comes and goes for a day is some lines, not some thousand.
 */
#ifndef BASE_SPELL_H
#define BASE_SPELL_H

#include "base/compiler.h"

#define SPELL_PATIENCE_FIRST_MS 1000

/* All zeroes is none. */
struct spell {
	uint64_t met;      /* times, since it began; 0: not in force */
	uint64_t since_ms; /* of the first time */
	uint64_t last_ms;  /* of the last time */
	uint64_t ended_ms; /* when it last ended; 0: never */
	uint32_t patience_ms;
};

/* It is met; whether it begins by that. */
bool spell_meet(struct spell *spell, uint64_t now_ms);

/* When one that is in force is over if it is not met again. */
static inline uint64_t spell_over_ms(const struct spell *spell)
{
	return spell->last_ms + spell->patience_ms;
}

/* From the first time it was met to the last. */
static inline uint64_t spell_lasted_ms(const struct spell *spell)
{
	return spell->last_ms - spell->since_ms;
}

void spell_end(struct spell *spell, uint64_t now_ms);

/*
 * The patience of one that begins now: of the last one that ended then (0: there was none)
 * and had that patience.
 */
uint32_t spell_patience(uint64_t ended_ms, uint32_t patience_ms, uint64_t now_ms);

#endif
