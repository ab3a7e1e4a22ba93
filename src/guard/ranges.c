#include "guard/ranges.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCKS 65536u /* of as many addresses each */
#define FEW    256    /* for which an index would be the most of it */

/* ---- Making ---------------------------------------------------------------------------------- */

static void take4(void *owner, const struct span *span)
{
	struct ranges *ranges = owner;

	ranges->first4[ranges->count4] = (uint32_t)span->first.low;
	ranges->last4[ranges->count4] = (uint32_t)span->last.low;
	ranges->rule4[ranges->count4++] = (uint16_t)span->rule;
}

/* How many bits are free in a network; RANGES_ODD where it is none. */
static uint8_t free_bits(const struct span *span)
{
	uint64_t high = span->first.high ^ span->last.high, low = span->first.low ^ span->last.low;
	bool is_mask = high ? low == UINT64_MAX && !(high & (high + 1)) : !(low & (low + 1));

	if (!is_mask || span->first.high & high || span->first.low & low)
		return RANGES_ODD;
	return (uint8_t)(__builtin_popcountll(high) + __builtin_popcountll(low));
}

static void take6(void *owner, const struct span *span)
{
	struct ranges *ranges = owner;
	uint8_t bits = free_bits(span);

	if (bits == RANGES_ODD) {
		ranges->odd[ranges->odd_count] = ranges->count6;
		ranges->odd_last[ranges->odd_count++] = span->last;
	}
	ranges->first6[ranges->count6] = span->first;
	ranges->bits6[ranges->count6] = bits;
	ranges->rule6[ranges->count6++] = (uint16_t)span->rule;
}

/* To what there is. */
static void *cut(void *array, size_t count, size_t size)
{
	void *less = realloc(array, count ? count * size : size);

	return less ? less : array;
}

static int index4(struct ranges *ranges)
{
	uint32_t at = 0;

	if (ranges->count4 < FEW)
		return 0;
	ranges->index4 = calloc(BLOCKS + 1, sizeof(*ranges->index4));
	if (!ranges->index4)
		return -ENOMEM;
	for (uint32_t block = 0; block <= BLOCKS; block++) {
		while (at < ranges->count4 && ranges->first4[at] >> 16 < block)
			at++;
		ranges->index4[block] = at;
	}
	return 0;
}

static int index6(struct ranges *ranges)
{
	size_t count = (ranges->count6 + RANGES_STEP - 1) / RANGES_STEP;

	ranges->index6 = calloc(count + 1, sizeof(*ranges->index6));
	if (!ranges->index6)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		ranges->index6[i] = ranges->first6[i * RANGES_STEP].high;
	return 0;
}

/* Room for what flattening may make of so many; what is not touched costs nothing. */
#define ROOM(spans, array) ((array) = calloc(2 * (spans)->count + 1, sizeof(*(array))))
#define CUT(array, count)  ((array) = cut(array, count, sizeof(*(array))))

static int make4(struct ranges *ranges, struct spans *spans)
{
	if (!ROOM(spans, ranges->first4) || !ROOM(spans, ranges->last4) ||
	    !ROOM(spans, ranges->rule4) || spans_flatten(spans, take4, ranges) < 0)
		return -ENOMEM;
	CUT(ranges->first4, ranges->count4);
	CUT(ranges->last4, ranges->count4);
	CUT(ranges->rule4, ranges->count4);
	return index4(ranges);
}

static int make6(struct ranges *ranges, struct spans *spans)
{
	if (!ROOM(spans, ranges->first6) || !ROOM(spans, ranges->bits6) ||
	    !ROOM(spans, ranges->rule6) || !ROOM(spans, ranges->odd) ||
	    !ROOM(spans, ranges->odd_last) || spans_flatten(spans, take6, ranges) < 0)
		return -ENOMEM;
	CUT(ranges->first6, ranges->count6);
	CUT(ranges->bits6, ranges->count6);
	CUT(ranges->rule6, ranges->count6);
	CUT(ranges->odd, ranges->odd_count);
	CUT(ranges->odd_last, ranges->odd_count);
	return index6(ranges);
}

int ranges_make(struct ranges *ranges, struct spans *v4, struct spans *v6)
{
	int r;

	*ranges = (struct ranges){0};
	r = make4(ranges, v4);
	spans_done(v4);
	if (r == 0)
		r = make6(ranges, v6);
	spans_done(v6);
	if (r < 0)
		ranges_done(ranges);
	return r;
}

void ranges_done(struct ranges *ranges)
{
	free(ranges->first4);
	free(ranges->last4);
	free(ranges->rule4);
	free(ranges->index4);
	free(ranges->first6);
	free(ranges->bits6);
	free(ranges->rule6);
	free(ranges->odd);
	free(ranges->odd_last);
	free(ranges->index6);
	*ranges = (struct ranges){0};
}

/* ---- Looking up ------------------------------------------------------------------------------ */

static uint32_t find4(const struct ranges *ranges, uint32_t address)
{
	uint32_t from = 0, to = ranges->count4; /* how many begin at or before it */

	if (ranges->index4) {
		from = ranges->index4[address >> 16];
		to = ranges->index4[(address >> 16) + 1];
	}
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (ranges->first4[middle] <= address)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0 || ranges->last4[from - 1] < address)
		return RANGES_RULE_NONE;
	return ranges->rule4[from - 1];
}

/* How many of the steps have a lesser upper half, or (or_same) one that is not greater. */
static uint32_t steps_before(const struct ranges *ranges, uint64_t high, bool or_same)
{
	uint32_t from = 0, to = (ranges->count6 + RANGES_STEP - 1) / RANGES_STEP;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (ranges->index6[middle] < high || (or_same && ranges->index6[middle] == high))
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct cidr_number odd_last(const struct ranges *ranges, uint32_t index)
{
	uint32_t from = 0, to = ranges->odd_count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (ranges->odd[middle] < index)
			from = middle + 1;
		else
			to = middle;
	}
	return ranges->odd_last[from];
}

static struct cidr_number last_of(const struct ranges *ranges, uint32_t index)
{
	struct cidr_number first = ranges->first6[index];
	unsigned bits = ranges->bits6[index];

	if (bits == RANGES_ODD)
		return odd_last(ranges, index);
	if (bits >= 64)
		first.high |= bits == 128 ? UINT64_MAX : (UINT64_C(1) << (bits - 64)) - 1;
	first.low |= bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	return first;
}

static uint32_t find6(const struct ranges *ranges, struct cidr_number address)
{
	uint32_t from = steps_before(ranges, address.high, false);
	uint32_t to = steps_before(ranges, address.high, true) * RANGES_STEP;

	/* the first one that begins behind it is between these */
	from = from ? (from - 1) * RANGES_STEP : 0;
	to = to < ranges->count6 ? to : ranges->count6;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (!cidr_is_less(address, ranges->first6[middle]))
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0 || cidr_is_less(last_of(ranges, from - 1), address))
		return RANGES_RULE_NONE;
	return ranges->rule6[from - 1];
}

uint32_t ranges_find(const struct ranges *ranges, struct cidr_number address)
{
	return cidr_is_v4(address) ? find4(ranges, (uint32_t)address.low) : find6(ranges, address);
}

size_t ranges_memory(const struct ranges *ranges)
{
	size_t steps = (ranges->count6 + RANGES_STEP - 1) / RANGES_STEP;
	size_t each4 = 2 * sizeof(*ranges->first4) + sizeof(*ranges->rule4);
	size_t each6 = sizeof(*ranges->first6) + sizeof(*ranges->bits6) + sizeof(*ranges->rule6);
	size_t odd = sizeof(*ranges->odd) + sizeof(*ranges->odd_last);

	return ranges->count4 * each4 + ranges->count6 * each6 + ranges->odd_count * odd +
	       steps * sizeof(*ranges->index6) +
	       (ranges->index4 ? (BLOCKS + 1) * sizeof(*ranges->index4) : 0);
}
