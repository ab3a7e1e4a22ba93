/*
 * The same work done by two libraries; see bench_ring.c.  The two cannot share a
 * translation unit: both bring the kernel's structures.
 */
#ifndef TESTS_BENCH_BENCH_RING_H
#define TESTS_BENCH_BENCH_RING_H

#include <stdbool.h>
#include <stdint.h>

enum bench_mode { BENCH_DEFER, BENCH_COOP, BENCH_SQPOLL, BENCH_MODE_COUNT };

struct bench_library {
	const char *name;
	/* false: not on this kernel */
	bool (*open)(enum bench_mode mode);
	/* count NOPs in batches, each batch waited for and read; returns the sum of tags */
	uint64_t (*nops)(uint64_t count, unsigned batch);
	/* count round trips of 64 bytes between two multishot receives */
	uint64_t (*pingpong)(uint64_t count);
	void (*close)(void);
};

extern const struct bench_library bench_liburing;

#define BENCH_ENTRIES  256
#define BENCH_BUFFERS  64
#define BENCH_BYTES    64
#define BENCH_GROUP    1
#define BENCH_TAG_SEND 1000

#endif
