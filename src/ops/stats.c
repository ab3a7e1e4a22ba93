#include "ops/stats.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
	const char *name, *help;
	size_t offset;
} counters[] = {
#define X(name, help) {#name, help, offsetof(struct stats, name)},
	STATS_COUNTERS(X)
#undef X
};
static_assert(array_size(counters) == STATS_COUNT, "every counter has its row");

void stats_add(struct stats *target, const struct stats *source)
{
#define X(name, help) stats_count(target, name, stats_read(source, name));
	STATS_COUNTERS(X)
#undef X
}

const char *stats_name(unsigned index)
{
	assert(index < STATS_COUNT);
	return counters[index].name;
}

const char *stats_help(unsigned index)
{
	assert(index < STATS_COUNT);
	return counters[index].help;
}

uint64_t stats_value(const struct stats *stats, unsigned index)
{
	assert(index < STATS_COUNT);
	const void *counter = (const unsigned char *)stats + counters[index].offset;
	return atomic_load_explicit((const _Atomic uint64_t *)counter, memory_order_relaxed);
}

void stats_count_index(struct stats *stats, unsigned index, uint64_t amount)
{
	assert(index < STATS_COUNT);
	_Atomic uint64_t *counter = (void *)((unsigned char *)stats + counters[index].offset);
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
			      memory_order_relaxed);
}

const char *stats_format_line(const struct stats *stats, char *line, size_t size)
{
	size_t used = 0;

	assert(size > 0);
	line[0] = 0;
	for (unsigned i = 0; i < STATS_COUNT && used < size; i++) {
		int n = snprintf(line + used, size - used, "%s%s=%" PRIu64, i ? " " : "",
				 counters[i].name, stats_value(stats, i));
		used += n > 0 ? (size_t)n : 0;
	}
	return line;
}
