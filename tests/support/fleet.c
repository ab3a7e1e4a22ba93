#include "support/fleet.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fleet *fleet_open(enum balance balance, uint32_t count, const uint32_t *weights)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));
	bool listed = weights != NULL;

	ck_assert(fleet && count <= FLEET_MAX);
	servers_init(&fleet->all, NULL);
	fleet->count = count;
	fleet->rule.balance = balance;
	fleet->random = 1;
	fleet->now_ms = 1000000;
	for (uint32_t i = 0; i < count; i++) {
		struct address address = {
			.u.in = {.sin_family = AF_INET, .sin_port = (in_port_t)i}};
		char name[16];

		snprintf(name, sizeof(name), "s%u", i);
		listed = listed && weights[i];
		fleet->entries[i] = (struct roster_entry){
			.server = servers_get(&fleet->all, "[pool p]", name, name, "f:1", &address),
			.weight = listed ? weights[i] : 1,
			.takes = true,
		};
		ck_assert_ptr_nonnull(fleet->entries[i].server);
		fleet->entries[i].server->passive = &fleet->passive;
	}
	fleet_roster(fleet);
	return fleet;
}

void fleet_close(struct fleet *fleet)
{
	roster_free(fleet->roster);
	for (uint32_t i = 0; i < fleet->count; i++) {
		ck_assert_uint_eq(fleet->entries[i].server->active, 0);
		servers_put(fleet->entries[i].server);
	}
	servers_done(&fleet->all);
	free(fleet);
}

void fleet_roster(struct fleet *fleet)
{
	roster_free(fleet->roster);
	fleet->roster = roster_make(&fleet->rule, fleet->entries, fleet->count);
	ck_assert_ptr_nonnull(fleet->roster);
	for (uint32_t i = 0; i < fleet->count; i++)
		fleet->places[fleet->entries[i].server->number] = i;
}

static uint64_t next_random(struct fleet *fleet)
{
	fleet->random ^= fleet->random << 13;
	fleet->random ^= fleet->random >> 7;
	fleet->random ^= fleet->random << 17;
	return fleet->random;
}

int fleet_choose(struct fleet *fleet, const struct tried *tried)
{
	struct wish wish = {
		.roster = fleet->roster,
		.picker = &fleet->picker,
		.tried = tried,
		.key = fleet->key,
		.random = next_random(fleet),
		.now_ms = fleet->now_ms,
	};
	struct server *server;
	enum choice choice = pool_choose(&wish, &server);

	if (choice != CHOICE_MADE)
		return choice == CHOICE_FULL ? -1 : -2;
	return (int)fleet->places[server->number];
}

int fleet_pick(struct fleet *fleet, const struct tried *tried)
{
	int index = fleet_choose(fleet, tried);

	if (index >= 0)
		server_release(fleet->entries[index].server);
	return index;
}

void fleet_count(struct fleet *fleet, uint32_t picks, uint32_t *ret_counts)
{
	memset(ret_counts, 0, fleet->count * sizeof(*ret_counts));
	for (uint32_t i = 0; i < picks; i++) {
		int index = fleet_pick(fleet, NULL);

		fleet->key++;
		ck_assert_int_ge(index, 0);
		ret_counts[index]++;
	}
}
