/* What the preloaded count_calls.c counts, and what a test reads. */
#ifndef TESTS_SUPPORT_COUNT_CALLS_H
#define TESTS_SUPPORT_COUNT_CALLS_H

#include <stdint.h>

enum call { CALL_ALLOCATE, CALL_FREE, CALL_LOCK, CALL_COUNT };

struct call_counts {
	uint64_t main[CALL_COUNT];   /* by the main thread */
	uint64_t others[CALL_COUNT]; /* by all other threads together */
};

#endif
