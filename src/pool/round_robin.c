/*
 * One after the other, each as often as its weight, and smoothly: of 5, 1 and 1 the first is
 * not taken five times in a row.
 *
 * Whose turn it is is each worker's own.  A worker goes round a cycle as long as the sum of
 * the weights, without what they all are a multiple of, so in each cycle everybody has had
 * exactly its turns.  Who may not be taken loses the turn, and those left follow each other
 * as before, so their shares are those of their weights.
 *
 * Where all weights are the same the cycle is the seats themselves.  Otherwise it is written
 * down when the roster is made, as smooth weighted round robin gives it: everybody gains its
 * weight at each turn, and who has most is taken and pays the sum.  That takes
 * seats times turns; where that is too much, the cycle is that of a step near the golden
 * ratio of its length and prime to it: so it comes to each place once, and never soon again
 * to a place nearby.
 */
#include "pool/look.h"

#include <errno.h>
#include <stdlib.h>

/* Seats times turns: some milliseconds of the main thread. */
#define WRITTEN_MAX (UINT64_C(1) << 22)

struct cycle {
	uint64_t length;
	uint64_t step;    /* 0: it is written down */
	uint32_t order[]; /* the places of seats; with a step, their ends are behind it */
};

static uint64_t common(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Smooth weighted round robin; `has` is zeroes, one for each seat. */
static void write_down(const struct tier *tier, struct cycle *cycle, uint64_t unit, int64_t *has)
{
	for (uint64_t turn = 0; turn < cycle->length; turn++) {
		uint32_t most = 0;

		for (uint32_t i = 0; i < tier->count; i++) {
			has[i] += (int64_t)(tier->seats[i].weight / unit);
			if (has[i] > has[most])
				most = i;
		}
		has[most] -= (int64_t)cycle->length;
		cycle->order[turn] = most;
	}
}

static int prepare_written(struct tier *tier, uint64_t length, uint64_t unit)
{
	struct cycle *cycle = malloc(sizeof(*cycle) + length * sizeof(cycle->order[0]));
	int64_t *has = calloc(tier->count, sizeof(*has));

	tier->table = cycle;
	if (cycle && has) {
		*cycle = (struct cycle){.length = length};
		write_down(tier, cycle, unit, has);
	}
	free(has);
	return cycle && has ? 0 : -ENOMEM;
}

/* Where seats end in a cycle with a step. */
static uint64_t *ends_of(struct cycle *cycle)
{
	return (uint64_t *)(void *)cycle->order;
}

static int prepare_stepped(struct tier *tier, uint64_t length, uint64_t unit)
{
	struct cycle *cycle = malloc(sizeof(*cycle) + tier->count * sizeof(uint64_t));
	uint64_t end = 0;

	tier->table = cycle;
	if (!cycle)
		return -ENOMEM;
	*cycle = (struct cycle){.length = length, .step = length / 1000 * 618};
	while (common(cycle->step, length) != 1)
		cycle->step++;
	for (uint32_t i = 0; i < tier->count; i++)
		ends_of(cycle)[i] = end += tier->seats[i].weight / unit;
	return 0;
}

static int prepare(struct tier *tier)
{
	uint64_t unit = 0, length = 0;

	for (uint32_t i = 0; i < tier->count; i++) {
		unit = common(tier->seats[i].weight, unit);
		length += tier->seats[i].weight;
	}
	length /= unit;
	if (length == tier->count)
		return 0; /* all are the same */
	return length * tier->count <= WRITTEN_MAX ? prepare_written(tier, length, unit)
						   : prepare_stepped(tier, length, unit);
}

/* The seat of a place in a cycle with a step: the first that ends behind it. */
static uint32_t seat_at(struct cycle *cycle, uint32_t count, uint64_t place)
{
	uint32_t low = 0, high = count - 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ends_of(cycle)[middle] > place)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Whose turn it is, and the next place. */
static const struct seat *at_turn(const struct tier *tier, uint64_t length, uint64_t *place)
{
	struct cycle *cycle = tier->table;
	uint64_t here = *place, step = cycle && cycle->step ? cycle->step : 1;

	*place = here < length - step ? here + step : here - (length - step);
	if (!cycle)
		return &tier->seats[here];
	return &tier->seats[cycle->step ? seat_at(cycle, tier->count, here) : cycle->order[here]];
}

static const struct seat *propose(struct look *look)
{
	const struct tier *tier = look->tier;
	const struct cycle *cycle = tier->table;
	uint64_t length = cycle ? cycle->length : tier->count;
	/* Whose server has failed takes nobody's turn, and goes to any of the others alike. */
	bool again = look->wish->tried && look->wish->tried->count;
	uint64_t place = again ? look_below(look, length) : look_turn(look, length);
	uint64_t turns = length < 4 * (uint64_t)tier->count ? length : 4 * (uint64_t)tier->count;

	for (uint64_t i = 0; i < turns; i++) {
		const struct seat *seat = at_turn(tier, length, &place);

		if (!again)
			look->turn->place = place;
		if (look_allows(look, seat))
			return seat;
	}
	/* Who is left has seldom a turn; a whole cycle may be long. */
	return turns < length ? look_draw_all(look, NULL) : NULL;
}

const struct way round_robin = {.name = "round_robin", .prepare = prepare, .propose = propose};
