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

static void take6(void *owner, const struct span *span)
{
	struct ranges *ranges = owner;

	ranges->first6[ranges->count6] = span->first;
	ranges->last6[ranges->count6] = span->last;
	ranges->rule6[ranges->count6++] = (uint16_t)span->rule;
}

/* Room for what flattening may make of so many; what is not touched costs nothing. */
static int make_room(void **first, void **last, uint16_t **rule, size_t spans, size_t size)
{
	size_t room = 2 * spans + 1;

	*first = calloc(room, size);
	*last = calloc(room, size);
	*rule = calloc(room, sizeof(**rule));
	return *first && *last && *rule ? 0 : -ENOMEM;
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

static int make4(struct ranges *ranges, struct spans *spans)
{
	void *first, *last;
	int r = make_room(&first, &last, &ranges->rule4, spans->count, sizeof(*ranges->first4));

	ranges->first4 = first;
	ranges->last4 = last;
	if (r == 0)
		r = spans_flatten(spans, take4, ranges);
	spans_done(spans);
	if (r < 0)
		return r;
	ranges->first4 = cut(ranges->first4, ranges->count4, sizeof(*ranges->first4));
	ranges->last4 = cut(ranges->last4, ranges->count4, sizeof(*ranges->last4));
	ranges->rule4 = cut(ranges->rule4, ranges->count4, sizeof(*ranges->rule4));
	return index4(ranges);
}

static int make6(struct ranges *ranges, struct spans *spans)
{
	void *first, *last;
	int r = make_room(&first, &last, &ranges->rule6, spans->count, sizeof(*ranges->first6));

	ranges->first6 = first;
	ranges->last6 = last;
	if (r == 0)
		r = spans_flatten(spans, take6, ranges);
	spans_done(spans);
	if (r < 0)
		return r;
	ranges->first6 = cut(ranges->first6, ranges->count6, sizeof(*ranges->first6));
	ranges->last6 = cut(ranges->last6, ranges->count6, sizeof(*ranges->last6));
	ranges->rule6 = cut(ranges->rule6, ranges->count6, sizeof(*ranges->rule6));
	return index6(ranges);
}

int ranges_make(struct ranges *ranges, struct spans *v4, struct spans *v6)
{
	int r;

	*ranges = (struct ranges){0};
	r = make4(ranges, v4);
	if (r == 0)
		r = make6(ranges, v6);
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
	free(ranges->last6);
	free(ranges->rule6);
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
	if (from == 0 || cidr_is_less(ranges->last6[from - 1], address))
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
	size_t each6 = 2 * sizeof(*ranges->first6) + sizeof(*ranges->rule6);

	return ranges->count4 * each4 + ranges->count6 * each6 + steps * sizeof(*ranges->index6) +
	       (ranges->index4 ? (BLOCKS + 1) * sizeof(*ranges->index4) : 0);
}
