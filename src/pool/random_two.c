/*
 * Of two that are drawn by their weights, the one with fewer connections for its weight.
 *
 * That is nearly as even as looking at all, for any number of servers, and those who look at
 * the same moment do not all see the same best one: one that has just come, and is empty,
 * is not sent everybody.  The two are different ones: of two servers, drawn twice, half of
 * the connections would have no choice.
 */
#include "pool/draw.h"

static uint64_t load_of(const struct seat *seat)
{
	return UINT64_C(1) + atomic_load_explicit(&seat->server->active, memory_order_relaxed);
}

static const struct seat *propose(struct look *look)
{
	const struct seat *seats[2];

	draw_two(look, seats);
	if (seats[1] && load_of(seats[1]) * seats[0]->weight < load_of(seats[0]) * seats[1]->weight)
		return seats[1];
	return seats[0];
}

const struct way random_two = {.name = "random_two", .prepare = draw_prepare, .propose = propose};
