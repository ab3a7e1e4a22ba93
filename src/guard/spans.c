#include "guard/spans.h"

#include "base/grow.h"

#include <errno.h>

int spans_add(struct spans *spans, const struct span *span)
{
	if (unlikely(spans->count == spans->room)) {
		size_t room = spans->room ? 2 * spans->room : 16;
		struct span *grown = reallocarray(spans->at, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		spans->at = grown;
		spans->room = room;
	}
	spans->at[spans->count++] = *span;
	return 0;
}

void spans_done(struct spans *spans)
{
	free(spans->at);
	*spans = (struct spans){0};
}

static struct cidr_number behind(struct cidr_number number)
{
	number.high += ++number.low == 0;
	return number;
}

static struct cidr_number before(struct cidr_number number)
{
	number.high -= number.low-- == 0;
	return number;
}

static bool is_same(struct cidr_number a, struct cidr_number b)
{
	return a.high == b.high && a.low == b.low;
}

/* ---- Those that are open --------------------------------------------------------------------- */

/* A heap: the first rule of all is at its top. */
struct open {
	const struct span **at;
	size_t count;
};

static int push(struct open *open, const struct span *span)
{
	const struct span **grown = grow(open->at, open->count, 1, sizeof(*open->at));
	size_t i = open->count;

	if (!grown)
		return -ENOMEM;
	open->at = grown;
	open->count++;
	for (; i > 0 && grown[(i - 1) / 2]->rule > span->rule; i = (i - 1) / 2)
		grown[i] = grown[(i - 1) / 2];
	grown[i] = span;
	return 0;
}

static void pop(struct open *open)
{
	const struct span *moved = open->at[--open->count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < open->count; i = child) {
		if (child + 1 < open->count && open->at[child + 1]->rule < open->at[child]->rule)
			child++;
		if (open->at[child]->rule >= moved->rule)
			break;
		open->at[i] = open->at[child];
	}
	open->at[i] = moved;
}

/* ---- The sweep ------------------------------------------------------------------------------- */

struct sweep {
	const struct span *next, *end; /* not reached yet */
	struct open open;
	struct span last; /* not given away yet: it may go on */
	bool has_last;
	span_taker *take;
	void *owner;
};

static void emit(struct sweep *sweep, const struct span *span)
{
	struct span *last = &sweep->last;

	if (sweep->has_last && last->rule == span->rule &&
	    is_same(behind(last->last), span->first)) {
		last->last = span->last;
		return;
	}
	if (sweep->has_last)
		sweep->take(sweep->owner, last);
	*last = *span;
	sweep->has_last = true;
}

/* What begins there is open, and nothing is on top that has ended before. */
static int open_at(struct sweep *sweep, struct cidr_number at)
{
	for (; sweep->next < sweep->end && !cidr_is_less(at, sweep->next->first); sweep->next++)
		if (push(&sweep->open, sweep->next) < 0)
			return -ENOMEM;
	while (sweep->open.count && cidr_is_less(sweep->open.at[0]->last, at))
		pop(&sweep->open);
	return 0;
}

/* From there as far as nothing changes; false: there is nothing behind it. */
static bool go_on(struct sweep *sweep, struct cidr_number *at)
{
	const struct span *top;
	struct cidr_number last;

	if (!sweep->open.count) {
		if (sweep->next == sweep->end)
			return false;
		*at = sweep->next->first;
		return true;
	}
	top = sweep->open.at[0];
	last = top->last;
	if (sweep->next < sweep->end && !cidr_is_less(last, sweep->next->first))
		last = before(sweep->next->first);
	emit(sweep, &(struct span){*at, last, top->rule});
	*at = behind(last);
	return at->high || at->low; /* else it was the last address that there is */
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (cidr_is_less(one->first, other->first))
		return -1;
	return cidr_is_less(other->first, one->first);
}

static bool is_sorted(const struct spans *spans)
{
	for (size_t i = 1; i < spans->count; i++)
		if (cidr_is_less(spans->at[i].first, spans->at[i - 1].first))
			return false;
	return true;
}

#define HEAPS 65536u
#define FEW   1024 /* that are sorted as they are */

/* The upper bits of how far it is behind the least, as many as tell all of them apart best. */
struct heaping {
	struct cidr_number least;
	unsigned shift;
};

static struct cidr_number distance(struct cidr_number from, struct cidr_number to)
{
	return (struct cidr_number){to.high - from.high - (to.low < from.low), to.low - from.low};
}

static uint32_t heap_of(const struct heaping *heaping, struct cidr_number number)
{
	struct cidr_number far = distance(heaping->least, number);

	if (heaping->shift >= 64)
		return (uint32_t)(far.high >> (heaping->shift - 64));
	if (heaping->shift > 0)
		return (uint32_t)(far.high << (64 - heaping->shift) | far.low >> heaping->shift);
	return (uint32_t)far.low;
}

static struct heaping heaping_for(const struct spans *spans)
{
	struct cidr_number least = spans->at[0].first, most = least, far;
	unsigned bits;

	for (size_t i = 1; i < spans->count; i++) {
		least = cidr_is_less(spans->at[i].first, least) ? spans->at[i].first : least;
		most = cidr_is_less(most, spans->at[i].first) ? spans->at[i].first : most;
	}
	far = distance(least, most);
	bits = far.high  ? 128 - (unsigned)__builtin_clzll(far.high)
	       : far.low ? 64 - (unsigned)__builtin_clzll(far.low)
			 : 0;
	return (struct heaping){least, bits > 16 ? bits - 16 : 0};
}

/* Into heaps first, which are small, and then each: a tenth of what one great sorting takes. */
static int sort_heaps(struct spans *spans, uint32_t *begins)
{
	struct heaping heaping = heaping_for(spans);
	struct span *sorted = calloc(spans->count, sizeof(*sorted));
	uint32_t from = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < spans->count; i++)
		begins[heap_of(&heaping, spans->at[i].first) + 1]++;
	for (uint32_t heap = 0; heap < HEAPS; heap++)
		begins[heap + 1] += begins[heap];
	for (size_t i = 0; i < spans->count; i++)
		sorted[begins[heap_of(&heaping, spans->at[i].first)]++] = spans->at[i];
	/* each begins now where it ended */
	for (uint32_t heap = 0; heap < HEAPS; from = begins[heap++])
		if (begins[heap] - from > 1)
			qsort(&sorted[from], begins[heap] - from, sizeof(*sorted), compare);
	free(spans->at);
	spans->at = sorted;
	spans->room = spans->count;
	return 0;
}

static int sort(struct spans *spans)
{
	uint32_t *begins;
	int r;

	if (is_sorted(spans))
		return 0;
	if (spans->count < FEW) {
		qsort(spans->at, spans->count, sizeof(*spans->at), compare);
		return 0;
	}
	begins = calloc(HEAPS + 1, sizeof(*begins));
	r = begins ? sort_heaps(spans, begins) : -ENOMEM;
	free(begins);
	return r;
}

/* ---- All of it ------------------------------------------------------------------------------- */

int spans_flatten(struct spans *spans, span_taker *take, void *owner)
{
	struct sweep sweep = {.take = take, .owner = owner};
	struct cidr_number at;
	int r;

	if (!spans->count)
		return 0;
	r = sort(spans);
	if (r < 0)
		return r;
	sweep.next = spans->at;
	sweep.end = spans->at + spans->count;
	at = spans->at[0].first;
	do
		r = open_at(&sweep, at);
	while (r == 0 && go_on(&sweep, &at));
	if (r == 0)
		take(owner, &sweep.last);
	free(sweep.open.at);
	return r;
}
