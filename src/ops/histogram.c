#include "ops/histogram.h"

void histogram_add(struct histogram_total *total, const struct histogram *histogram)
{
	for (unsigned i = 0; i < array_size(total->counts); i++)
		total->counts[i] +=
			atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
	total->sum += atomic_load_explicit(&histogram->sum, memory_order_relaxed);
}

uint64_t histogram_count(const struct histogram_total *total)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < array_size(total->counts); i++)
		count += total->counts[i];
	return count;
}

uint64_t histogram_quantile(const struct histogram_total *total,
			    const struct histogram_scale *scale, double quantile)
{
	uint64_t count = histogram_count(total), seen = 0;

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < scale->buckets; i++) {
		seen += total->counts[i];
		if (seen && (double)seen >= quantile * (double)count)
			return histogram_end(scale, i);
	}
	return UINT64_MAX;
}
