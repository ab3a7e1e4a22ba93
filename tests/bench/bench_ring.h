/*
 * The same work done by two libraries; see bench_ring.c.  The two cannot share a
 * translation unit: both bring the kernel's structures.  ours.c and liburing.c
 * differ in nothing but the library, and are best read side by side.
 */
#ifndef TESTS_BENCH_BENCH_RING_H
#define TESTS_BENCH_BENCH_RING_H

#include <stdbool.h>
#include <stdint.h>

enum bench_mode { BENCH_DEFER, BENCH_COOP, BENCH_SQPOLL };

#define BENCH_ENTRIES     256
#define BENCH_BUFFERS     64
#define BENCH_BYTES       64
#define BENCH_GROUP       1
#define BENCH_IDLE_MS     4 /* a polling thread without work sleeps after so long */
#define BENCH_TAG_SEND    1000
#define BENCH_TAG_DISMISS 1001

/* What both work on: nothing of it is in use while it is the other's turn. */
struct bench_ground {
	enum bench_mode mode;
	unsigned looks;       /* ring_options.sq_looks: liburing has no such thing */
	unsigned polling_cpu; /* where a polling thread runs */
	int pair[2];
	char (*memory)[BENCH_BYTES];
};

struct bench_library {
	const char *name;
	/* false: not on this kernel */
	bool (*open)(const struct bench_ground *ground);
	/* count NOPs in batches, each batch waited for and read; returns the sum of tags */
	uint64_t (*nops)(uint64_t count, unsigned batch);
	/* count round trips of 64 bytes between two multishot receives, which it then ends */
	uint64_t (*pingpong)(uint64_t count);
	/* has the polling thread, if there is one, gone to sleep? */
	bool (*asleep)(void);
	void (*close)(void);
};

extern const struct bench_library bench_ours, bench_liburing;

#endif
