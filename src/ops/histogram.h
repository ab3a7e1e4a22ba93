/*
 * How long things take: counts by bucket, and their sum.
 *
 * A scale says where buckets end: base, and twice or four times the one before each,
 * so that a value finds its bucket by its highest bit, without a search.  The counts
 * are not cumulative; who shows them adds them up (control/exposition.h).
 *
 * As with the counters of ops/stats.h, each histogram has one writer, the thread that
 * owns it, and any number of readers, who see every number some time and none torn.
 * A count and the sum may be of two moments.
 */
#ifndef OPS_HISTOGRAM_H
#define OPS_HISTOGRAM_H

#include "base/compiler.h"

#include <stdatomic.h>

#define HISTOGRAM_BUCKETS_MAX 18

#define HISTOGRAM_NS UINT64_C(1000000000)
#define HISTOGRAM_MS UINT64_C(1000)

/*
 * units in a second, first bucket's end, log2 of the step, buckets; what for.  Lifetimes
 * are in milliseconds, since a sum of nanoseconds would be full after three weeks of
 * 10,000 connections.
 */
/* clang-format off */
#define HISTOGRAM_SCALES(X)                                                                        \
	X(CONNECT,    HISTOGRAM_NS, 250000, 1, 15)  /* 0.25 ms .. 4.096 s */                       \
	X(FIRST_BYTE, HISTOGRAM_NS, 500000, 1, 16)  /* 0.5 ms .. 16.384 s */                       \
	X(LIFETIME,   HISTOGRAM_MS, 10,     2, 13)  /* 10 ms .. 1.9 days */                        \
	X(RTT,        HISTOGRAM_NS, 100000, 1, 14)  /* 0.1 ms .. 0.8192 s */                       \
	X(LAG,        HISTOGRAM_NS, 10000,  1, 16)  /* 10 us .. 0.32768 s */
/* clang-format on */

struct histogram_scale {
	uint64_t units_per_second;
	uint64_t base; /* where the first bucket ends, in those units; it is in it */
	unsigned step; /* the next ends at 1: twice, 2: four times as much */
	unsigned buckets;
};

#define X(name, units, base, step, buckets)                                                        \
	static const struct histogram_scale HISTOGRAM_##name = {units, base, step, buckets};       \
	static_assert((step) == 1 || (step) == 2, "a step is 2 or 4");                             \
	static_assert((buckets) <= HISTOGRAM_BUCKETS_MAX, "there is room for all buckets");
HISTOGRAM_SCALES(X)
#undef X

/* All zeroes: nothing has been recorded. */
struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BUCKETS_MAX + 1]; /* the last that is used: beyond */
	_Atomic uint64_t sum;                               /* in units of its scale */
} __attribute__((aligned(64)));

/* In which bucket a value is; scale->buckets: beyond all of them. */
static inline unsigned histogram_bucket(const struct histogram_scale *scale, uint64_t value)
{
	uint64_t steps = (value - (value != 0)) / scale->base;
	unsigned bits = 63 - (unsigned)__builtin_clzll(steps << 1 | 1);
	unsigned bucket = (bits + scale->step - 1) >> (scale->step - 1);

	return bucket < scale->buckets ? bucket : scale->buckets;
}

/* From the owning thread; value below 2^63, in units of the scale, always the same one. */
static inline void histogram_record(struct histogram *histogram,
				    const struct histogram_scale *scale, uint64_t value)
{
	_Atomic uint64_t *count = &histogram->counts[histogram_bucket(scale, value)];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&histogram->sum,
			      atomic_load_explicit(&histogram->sum, memory_order_relaxed) + value,
			      memory_order_relaxed);
}

/* Where a bucket ends, in units of the scale. */
static inline uint64_t histogram_end(const struct histogram_scale *scale, unsigned bucket)
{
	return scale->base << bucket * scale->step;
}

/* Numbers of several histograms of one scale, added up; all zeroes at first. */
struct histogram_total {
	uint64_t counts[HISTOGRAM_BUCKETS_MAX + 1];
	uint64_t sum;
};

/* Add what another thread's histogram shows now to ours. */
void histogram_add(struct histogram_total *total, const struct histogram *histogram);
/* All counts together. */
uint64_t histogram_count(const struct histogram_total *total);

/*
 * The value that so much of all, 0..1, is not above: the end of the bucket in which it
 * is, in units of the scale; UINT64_MAX for one beyond all, 0 of nothing.
 */
uint64_t histogram_quantile(const struct histogram_total *total,
			    const struct histogram_scale *scale, double quantile);

#endif
