#include "pool/look.h"

const struct seat *look_draw_all(struct look *look, const struct seat *but)
{
	const struct tier *tier = look->tier;
	const struct seat *found = NULL;
	uint64_t total = 0;

	/* Each takes the place of the one found before it by its share of all up to it. */
	for (uint32_t i = 0; i < tier->count; i++) {
		const struct seat *seat = &tier->seats[i];

		if (seat == but || !look_allows(look, seat))
			continue;
		total += seat->weight;
		if (look_below(look, total) < seat->weight)
			found = seat;
	}
	return found;
}
