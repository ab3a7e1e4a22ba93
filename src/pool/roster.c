#include "pool/roster.h"

#include "pool/server.h"
#include "pool/ways.h"

#include <errno.h>
#include <stdlib.h>

static bool has_seat(const struct roster_rule *rule, const struct roster_entry *entry)
{
	return entry->weight > 0 && (entry->takes || rule->panic);
}

/* Entries that have a seat, and behind them nobody. */
struct sorting {
	const struct roster_entry **entries;
	uint32_t count, tiers;
};

static int by_tier(const void *left, const void *right)
{
	const struct roster_entry *a = *(const struct roster_entry *const *)left;
	const struct roster_entry *b = *(const struct roster_entry *const *)right;

	if (a->tier != b->tier)
		return a->tier < b->tier ? -1 : 1;
	return a < b ? -1 : a > b; /* as given */
}

static int sort(struct sorting *sorting, const struct roster_rule *rule,
		const struct roster_entry *entries, uint32_t count)
{
	*sorting = (struct sorting){.entries = calloc(count + 1, sizeof(*sorting->entries))};
	if (!sorting->entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		if (has_seat(rule, &entries[i]))
			sorting->entries[sorting->count++] = &entries[i];
	qsort(sorting->entries, sorting->count, sizeof(*sorting->entries), by_tier);
	for (uint32_t i = 0; i < sorting->count; i++)
		sorting->tiers +=
			i == 0 || sorting->entries[i]->tier != sorting->entries[i - 1]->tier;
	return 0;
}

/* The next of the tiers: `first`, and all that are of the same.  How many, or -ENOMEM. */
static int add_tier(struct roster *roster, const struct roster_entry **first, uint32_t left)
{
	struct tier *tier = &roster->tiers[roster->tier_count];

	while (tier->count < left && first[tier->count]->tier == first[0]->tier)
		tier->count++;
	tier->seats = calloc(tier->count, sizeof(*tier->seats));
	if (!tier->seats)
		return -ENOMEM;
	for (uint32_t i = 0; i < tier->count; i++)
		tier->seats[i] = (struct seat){.server = first[i]->server,
					       .weight = first[i]->weight,
					       .number = first[i]->server->number};
	roster->tier_count++;
	roster->count += tier->count;
	return (int)tier->count;
}

static int fill(struct roster *roster, const struct sorting *sorting)
{
	const struct way *way = way_of(roster->rule.balance);

	while (roster->count < sorting->count) {
		int r = add_tier(roster, sorting->entries + roster->count,
				 sorting->count - roster->count);

		if (r >= 0 && way->prepare)
			r = way->prepare(&roster->tiers[roster->tier_count - 1]);
		if (r < 0)
			return r;
	}
	return 0;
}

struct roster *roster_make(const struct roster_rule *rule, const struct roster_entry *entries,
			   uint32_t count)
{
	struct sorting sorting;
	struct roster *roster;

	if (sort(&sorting, rule, entries, count) < 0)
		return NULL;
	roster = calloc(1, sizeof(*roster) + sorting.tiers * sizeof(roster->tiers[0]));
	if (roster) {
		roster->rule = *rule;
		if (fill(roster, &sorting) < 0) {
			roster_free(roster);
			roster = NULL;
		}
	}
	free(sorting.entries);
	return roster;
}

void roster_free(struct roster *roster)
{
	if (!roster)
		return;
	for (uint32_t i = 0; i < roster->tier_count; i++) {
		free(roster->tiers[i].seats);
		free(roster->tiers[i].table);
	}
	free(roster);
}
