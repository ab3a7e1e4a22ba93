/*
 * What is known of a server by checks: whether it is down, and, when it comes to be up again or
 * joins, that it starts slowly: it has a tenth of its weight and of its limit, and a tenth more
 * after each tenth of the time.  What else is said of it, and what wins, is standing.h's.
 */
#ifndef POOL_VITALS_H
#define POOL_VITALS_H

#include "base/compiler.h"

#define VITALS_STEPS 10

/* All zeroes: it is well, as far as anybody knows. */
struct vitals {
	bool down;
	uint64_t changed_ms; /* when its check last made it something else; 0: never */
	uint64_t starts_ms;  /* slowly, since then; 0: it does not */
	uint32_t slow_ms;    /* ... for so long */
};

/* Start slowly from now on; 0 ms: at once. */
void vitals_start(struct vitals *vitals, uint32_t slow_ms, uint64_t now_ms);
/* How many of VITALS_STEPS it has now: all, but for one that starts. */
uint32_t vitals_step(const struct vitals *vitals, uint64_t now_ms);
/* When it has the next one; UINT64_MAX: it has all, for good. */
uint64_t vitals_next_ms(const struct vitals *vitals, uint64_t now_ms);

/* What it has now of a limit, at least 1; 0 is none. */
uint32_t vitals_limit(const struct vitals *vitals, uint32_t limit, uint64_t now_ms);

/*
 * Whether of the weight of all that only checks may be against so little is up that the checks are
 * not to be believed: by panic = last_resort, off, N %.
 */
bool vitals_panic(uint32_t panic, uint32_t up, uint32_t able);

#endif
