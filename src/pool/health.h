/*
 * How many checks in a row change what is believed of a server.
 *
 * One number says all of it: points, from 0 to rise + fall - 1.  A server is up when it has
 * at least rise of them.
 *
 *     down                        up
 *     0    1  ...  rise - 1   |   rise  ...  rise + fall - 1
 *     a good check: one more      a good check: as many as there are
 *     a failed one: none          a failed one: one less, and none when that is below rise
 *
 * So fall failed checks in a row take it down, rise good ones bring it up, and whatever comes
 * between begins the count again.  Before the first check nothing is known, and then the first
 * one decides alone.
 */
#ifndef POOL_HEALTH_H
#define POOL_HEALTH_H

#include "base/compiler.h"

struct health {
	uint32_t rise, fall; /* both at least 1 */
	uint32_t points;
	bool known; /* there was a check */
};

/* Of a server that has not been checked: it counts as up. */
void health_init(struct health *health, uint32_t rise, uint32_t fall);

/* Other numbers from now on: up stays up and down stays down, no further away than they allow. */
void health_limit(struct health *health, uint32_t rise, uint32_t fall);

static inline bool health_is_up(const struct health *health)
{
	return health->points >= health->rise;
}

/* Whether the last checks speak against what is believed: the next ones are to come soon. */
static inline bool health_is_changing(const struct health *health)
{
	return health->points != 0 && health->points != health->rise + health->fall - 1;
}

/* A check is over: whether the server is something else by that, or known for the first time. */
bool health_note(struct health *health, bool good);

/* "up", "up 2/3": two more failed checks and it is down; "down", "down 1/2": one of two good. */
#define HEALTH_WORDS_MAX 40
const char *health_words(const struct health *health, char text[HEALTH_WORDS_MAX]);

#endif
