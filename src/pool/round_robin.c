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
 * down when the roster is made.  Of a weight w in a cycle of W, turn k is due between k W/w
 * and (k + 1) W/w: of those whose turn may come, the one takes it who must first.  So at no
 * time has anybody had a turn more, or less, than its part.  And who has no more than half of
 * all is not taken twice in a row, not even from one cycle to the next, which smooth
 * weighted round robin as nginx has it does: of 2, 1 and 1 it makes "abca".
 *
 * That takes seats times turns; where it is too much, the cycle is that of a step near the
 * golden ratio of its length and prime to it: so it comes to each place once, and never soon
 * again to a place nearby.
 */
#include "pool/look.h"

#include <errno.h>
#include <stdlib.h>

/* Seats times turns: some milliseconds of the main thread. */
#define WRITTEN_MAX (UINT64_C(1) << 22)

struct cycle {
	uint64_t length;
	uint64_t step;    /* 0: it is written down */
	uint64_t turns;   /* of which so many are */
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

/* A seat, while the cycle is written down. */
struct due {
	uint64_t weight;
	uint64_t had;      /* turns */
	uint64_t from, to; /* the next one's */
};

static void set_due(struct due *due, uint64_t length)
{
	due->from = UINT64_MAX; /* it has had them all */
	if (due->had >= due->weight)
		return;
	due->from = due->had * length / due->weight;
	due->to = ((due->had + 1) * length + due->weight - 1) / due->weight;
}

static bool is_sooner(const struct due *due, const struct due *than)
{
	return !than || due->to < than->to || (due->to == than->to && due->weight > than->weight);
}

/* Whose turn it is: not the last one's, unless it must be. */
static struct due *next_due(struct due *dues, uint32_t count, struct due *last,
			    const struct cycle *cycle)
{
	bool may_repeat = last && 2 * last->weight > cycle->length;
	struct due *best = NULL;

	for (struct due *due = dues; due < dues + count; due++)
		if (due->from <= cycle->turns && (due != last || may_repeat) &&
		    is_sooner(due, best))
			best = due;
	return best ? best : last;
}

static void write_down(const struct tier *tier, struct cycle *cycle, struct due *dues)
{
	struct due *last = NULL;

	while (cycle->turns < cycle->length) {
		last = next_due(dues, tier->count, last, cycle);
		cycle->order[cycle->turns++] = (uint32_t)(last - dues);
		last->had++;
		set_due(last, cycle->length);
	}
}

static int prepare_written(struct tier *tier, uint64_t length, uint64_t unit)
{
	struct cycle *cycle = malloc(sizeof(*cycle) + length * sizeof(cycle->order[0]));
	struct due *dues = calloc(tier->count, sizeof(*dues));

	tier->table = cycle;
	if (cycle && dues) {
		*cycle = (struct cycle){.length = length};
		for (uint32_t i = 0; i < tier->count; i++) {
			dues[i].weight = tier->seats[i].weight / unit;
			set_due(&dues[i], length);
		}
		write_down(tier, cycle, dues);
	}
	free(dues);
	return cycle && dues ? 0 : -ENOMEM;
}

/* Where seats end in a cycle with a step. */
static uint64_t *ends_of(struct cycle *cycle)
{
	return (uint64_t *)(void *)cycle->order;
}

/*
 * How unevenly steps of that size come to be spread over the length, at worst: the largest
 * number of their continued fraction.  The golden ratio's are all 1.  Endless where a step is
 * not prime to the length.
 */
static uint64_t roughness(uint64_t step, uint64_t length)
{
	uint64_t most = 0;

	while (step > 0) {
		uint64_t rest = length % step;

		if (length / step > most)
			most = length / step;
		length = step;
		step = rest;
	}
	return length == 1 ? most : UINT64_MAX;
}

static uint64_t good_step(uint64_t length)
{
	uint64_t golden = (uint64_t)((unsigned __int128)length * 0x9e3779b97f4a7c15u >> 64);
	uint64_t best = golden;

	for (uint64_t step = golden; step < golden + 1000 && step < length; step++)
		if (roughness(step, length) < roughness(best, length))
			best = step;
	return best;
}

static int prepare_stepped(struct tier *tier, uint64_t length, uint64_t unit)
{
	struct cycle *cycle = malloc(sizeof(*cycle) + tier->count * sizeof(uint64_t));
	uint64_t end = 0;

	tier->table = cycle;
	if (!cycle)
		return -ENOMEM;
	*cycle = (struct cycle){.length = length, .step = good_step(length)};
	for (uint32_t i = 0; i < tier->count; i++)
		ends_of(cycle)[i] = end += tier->seats[i].weight / unit;
	return 0;
}

static int prepare(struct tier *tier)
{
	uint64_t unit = tier->seats[0].weight, length = 0;

	for (uint32_t i = 0; i < tier->count; i++) {
		unit = common(tier->seats[i].weight, unit);
		length += tier->seats[i].weight;
	}
	assert(unit > 0); /* each has a weight */
	length /= unit;
	assert(length <= UINT32_MAX); /* or places would not be reckoned in 64 bits */
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
