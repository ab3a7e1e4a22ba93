/*
 * The one with the fewest connections for its weight, counted over all workers.
 *
 * What would be, were this connection its own, is compared: (active + 1) / weight.  By active
 * alone an empty server of weight 1 would be as good as one of weight 100.  Of equals, the
 * first behind the one that was chosen last: the first of all would be everybody's
 * favourite where connections are few.
 */
#include "pool/look.h"

static uint64_t load_of(const struct seat *seat)
{
	return UINT64_C(1) + atomic_load_explicit(&seat->server->active, memory_order_relaxed);
}

static const struct seat *propose(struct look *look)
{
	const struct tier *tier = look->tier;
	uint32_t at = (uint32_t)look_turn(look, tier->count);
	const struct seat *best = NULL;
	uint64_t least = 0;

	for (uint32_t i = 0; i < tier->count; i++, at = at + 1 < tier->count ? at + 1 : 0) {
		const struct seat *seat = &tier->seats[at];
		uint64_t load = load_of(seat);

		/* Few are better than all before: only they are looked at closely. */
		if ((best && load * best->weight >= least * seat->weight) ||
		    !look_allows(look, seat))
			continue;
		best = seat;
		least = load;
	}
	if (best)
		look->turn->place = (uint64_t)(best + 1 - tier->seats) % tier->count;
	return best;
}

const struct way least_conn = {.name = "least_conn", .propose = propose};
