#include "pool/draw.h"

#include <errno.h>
#include <stdlib.h>

/* Who is drawn may not be allowed: rather than guess on, all are looked at. */
#define GUESSES 4

struct urn {
	uint64_t total;
	uint64_t ends[]; /* of each seat's lots */
};

int draw_prepare(struct tier *tier)
{
	bool same = true;
	struct urn *urn;

	for (uint32_t i = 1; i < tier->count && same; i++)
		same = tier->seats[i].weight == tier->seats[0].weight;
	if (same)
		return 0;
	urn = tier->table = malloc(sizeof(*urn) + tier->count * sizeof(urn->ends[0]));
	if (!urn)
		return -ENOMEM;
	urn->total = 0;
	for (uint32_t i = 0; i < tier->count; i++)
		urn->ends[i] = urn->total += tier->seats[i].weight;
	return 0;
}

/* Whose lot that is: the first that ends behind it. */
static uint32_t owner(const struct urn *urn, uint32_t count, uint64_t lot)
{
	uint32_t low = 0, high = count - 1;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (urn->ends[middle] > lot)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Anybody but one, which may be NULL: its lots are passed over.  Somebody is left. */
static const struct seat *draw(struct look *look, const struct seat *but)
{
	const struct tier *tier = look->tier;
	const struct urn *urn = tier->table;
	uint64_t lot;

	if (!urn) {
		lot = look_below(look, tier->count - (but != NULL));
		return &tier->seats[but && lot >= (uint64_t)(but - tier->seats) ? lot + 1 : lot];
	}
	lot = look_below(look, urn->total - (but ? but->weight : 0));
	if (but && lot >= urn->ends[but - tier->seats] - but->weight)
		lot += but->weight;
	return &tier->seats[owner(urn, tier->count, lot)];
}

static const struct seat *draw_allowed(struct look *look, const struct seat *but)
{
	if (but && look->tier->count == 1)
		return NULL;
	for (int i = 0; i < GUESSES; i++) {
		const struct seat *seat = draw(look, but);

		if (look_allows(look, seat))
			return seat;
	}
	return look_draw_all(look, but);
}

void draw_two(struct look *look, const struct seat *ret_seats[2])
{
	ret_seats[0] = draw_allowed(look, NULL);
	ret_seats[1] = ret_seats[0] ? draw_allowed(look, ret_seats[0]) : NULL;
}
