/* What the tests of the ring module share: open one or fail, skip by name. */
#ifndef TESTS_SUPPORT_RING_TESTS_H
#define TESTS_SUPPORT_RING_TESTS_H

#include "ring/ring.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define DEFERRED                                                                                   \
	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG)

/* A test's function is its name and "_fn". */
#define say_with(word, ...)                                                                        \
	(printf("%s %.*s: ", word, (int)sizeof(__func__) - 4, __func__), printf(__VA_ARGS__),      \
	 putchar('\n'), fflush(stdout))

/* Say that this part of a test is left out. */
#define say_skipped(...) say_with("SKIP", __VA_ARGS__)

/* End a test that this kernel cannot run, visibly: with the colon it is counted (tests/run.sh). */
#define skip(reason)                                                                               \
	do {                                                                                       \
		say_with("SKIP:", "%s", reason);                                                   \
		return;                                                                            \
	} while (0)

#define need(ring, feature)                                                                        \
	do {                                                                                       \
		if (!ring_has(ring, feature)) {                                                    \
			ring_close(ring);                                                          \
			skip(ring_feature_name(feature));                                          \
		}                                                                                  \
	} while (0)

static inline void open_ring(struct ring *ring, uint32_t entries, uint32_t wanted)
{
	struct ring_error error = {0};
	int r = ring_open(ring,
			  &(struct ring_options){.entries = entries,
						 .wanted = wanted | IORING_SETUP_SUBMIT_ALL},
			  &error);

	ck_assert_msg(r == 0, "%s: %d: %s", error.what, r, error.text);
}

static inline uint64_t now_ns(void)
{
	return ring_kernel.now(NULL, CLOCK_MONOTONIC);
}

static inline uint64_t in_ms(uint64_t ms)
{
	return now_ns() + ms * 1000000;
}

/* An entry, certainly. */
static inline struct io_uring_sqe *entry(struct ring *ring)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);

	ck_assert_ptr_nonnull(sqe);
	return sqe;
}

static inline void put_nops(struct ring *ring, unsigned count, uint64_t first_tag)
{
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = entry(ring);
		ring_prep_nop(sqe);
		ring_sqe_tag(sqe, first_tag + i);
	}
}

/* Submit what is prepared and take the next completion. */
static inline struct io_uring_cqe one(struct ring *ring)
{
	struct io_uring_cqe cqe = {0};
	struct ring_wait wait = ring_submit_wait(ring, 1, in_ms(5000), 0);

	ck_assert_msg(wait.error == 0, "waiting: %d", wait.error);
	ck_assert_uint_eq(ring_reap(ring, &cqe, 1), 1);
	return cqe;
}

/* The result of the one request prepared. */
static inline int result(struct ring *ring)
{
	return one(ring).res;
}

#endif
