#include "session/tenancy.h"

#include <stdlib.h>

static bool make_branch(struct branch *branch, uint32_t worker)
{
	const struct pool *pool = &branch->section->pool;

	branch->reaches = calloc(pool->room + 1, sizeof(*branch->reaches));
	for (uint32_t i = 0; branch->reaches && i < pool->room; i++)
		reach_init(&branch->reaches[i], branch);
	for (uint32_t i = 0; branch->reaches && i < pool->count; i++)
		reach_meet(&branch->reaches[i], worker);
	branch->cell = account_cell(branch->section->account, worker);
	/* Workers begin at different servers, or each first connection meets the same. */
	branch->cursor = worker;
	return branch->reaches;
}

struct tenancy *tenancy_make(struct edition *edition, uint32_t worker)
{
	struct tenancy *tenancy = calloc(1, sizeof(*tenancy));
	bool made;

	if (!tenancy)
		return NULL;
	tenancy->edition = edition;
	tenancy->branches = calloc(edition->section_count + 1, sizeof(*tenancy->branches));
	made = tenancy->branches;
	for (uint32_t i = 0; i < edition->section_count && made; i++) {
		tenancy->branches[i].section = &edition->sections[i];
		tenancy->branches[i].tenancy = tenancy;
		made = make_branch(&tenancy->branches[i], worker);
	}
	if (made)
		return tenancy;
	tenancy_free(tenancy);
	return NULL;
}

void tenancy_free(struct tenancy *tenancy)
{
	if (!tenancy)
		return;
	for (uint32_t i = 0; tenancy->branches && i < tenancy->edition->section_count; i++)
		free(tenancy->branches[i].reaches);
	free(tenancy->branches);
	free(tenancy);
}
