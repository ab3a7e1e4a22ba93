#include "session/tenancy.h"

#include "guard/acl.h"

#include <stdlib.h>

static struct refused *ruled_out_of(const struct section *section)
{
	return calloc(acl_rule_count(section->acl) + 1, sizeof(struct refused));
}

struct tenancy *tenancy_make(struct edition *edition, uint32_t worker)
{
	struct tenancy *tenancy = calloc(1, sizeof(*tenancy));

	if (!tenancy)
		return NULL;
	tenancy->edition = edition;
	tenancy->branches = calloc(edition->section_count + 1, sizeof(*tenancy->branches));
	tenancy->desks = calloc(edition->pool_count + 1, sizeof(*tenancy->desks));
	if (!tenancy->branches || !tenancy->desks) {
		tenancy_free(tenancy);
		return NULL;
	}
	for (uint32_t i = 0; i < edition->pool_count; i++) {
		struct desk *desk = &tenancy->desks[i];

		desk->pool = &edition->pools[i];
		desk->cell = account_cell(desk->pool->account, worker);
		desk->line = &desk->pool->queue->lines[worker];
		picker_init(&desk->picker, worker);
	}
	for (uint32_t i = 0; i < edition->section_count; i++) {
		struct section *section = &edition->sections[i];

		tenancy->branches[i] = (struct branch){
			.section = section,
			.tenancy = tenancy,
			.cell = account_cell(section->account, worker),
			.desk = section->pool ? &tenancy->desks[section->pool - edition->pools]
					      : NULL,
		};
		if (section->acl && !(tenancy->branches[i].ruled_out = ruled_out_of(section))) {
			tenancy_free(tenancy);
			return NULL;
		}
	}
	return tenancy;
}

void tenancy_free(struct tenancy *tenancy)
{
	if (!tenancy)
		return;
	for (uint32_t i = 0; tenancy->branches && i < tenancy->edition->section_count; i++)
		free(tenancy->branches[i].ruled_out);
	free(tenancy->branches);
	free(tenancy->desks);
	free(tenancy);
}
