#include "guard/spans.h"

#include "base/grow.h"

#include <errno.h>

int spans_add(struct spans *spans, const struct span *span)
{
	struct span *grown = grow(spans->at, spans->count, 1, sizeof(*spans->at));

	if (!grown)
		return -ENOMEM;
	spans->at = grown;
	grown[spans->count++] = *span;
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

static int compare(const void *a, const void *b)
{
	const struct span *one = a, *other = b;

	if (cidr_is_less(one->first, other->first))
		return -1;
	return cidr_is_less(other->first, one->first);
}

static void sort(struct spans *spans)
{
	for (size_t i = 1; i < spans->count; i++)
		if (cidr_is_less(spans->at[i].first, spans->at[i - 1].first)) {
			qsort(spans->at, spans->count, sizeof(*spans->at), compare);
			return;
		}
}

int spans_flatten(struct spans *spans, span_taker *take, void *owner)
{
	struct sweep sweep = {.take = take, .owner = owner};
	struct cidr_number at;
	int r;

	if (!spans->count)
		return 0;
	sort(spans);
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
