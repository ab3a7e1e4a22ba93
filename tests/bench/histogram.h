/*
 * Latencies by their size: each power of two is cut into 64 equal steps, so a
 * percentile is off by less than 1.6 %.
 */
#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64

struct histogram {
	uint64_t total;
	uint64_t count[64 * HISTOGRAM_STEPS];
};

/* Values under 128 are exact: row 0 and 1 are the numbers themselves. */
static inline unsigned histogram_cell(uint64_t value)
{
	unsigned row = value < 2 * HISTOGRAM_STEPS ? 0 : 57 - (unsigned)__builtin_clzll(value);

	return row * HISTOGRAM_STEPS + (unsigned)(value >> row);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->count[histogram_cell(value)]++;
	histogram->total++;
}

/* The value that this part (0 to 1) of all values do not exceed; 0 when there are none. */
static inline uint64_t histogram_percentile(const struct histogram *histogram, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)histogram->total), seen = 0;

	if (wanted >= histogram->total && wanted > 0)
		wanted = histogram->total - 1;
	for (unsigned cell = 0; cell < 64 * HISTOGRAM_STEPS; cell++) {
		unsigned row = cell / HISTOGRAM_STEPS;

		seen += histogram->count[cell];
		if (seen > wanted)
			return row < 2 ? cell
				       : (uint64_t)(cell - (row - 1) * HISTOGRAM_STEPS)
						 << (row - 1);
	}
	return 0;
}

#endif
