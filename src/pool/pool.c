#include "pool/pool.h"

#include "pool/roster.h"
#include "pool/server.h"

#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>

int pool_open(struct pool *pool, const struct config_section *config)
{
	const struct roster *none;

	*pool = (struct pool){.config = config};
	return pool_publish(pool, &none);
}

void pool_close(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++)
		servers_put(pool->members[i].server);
	free(pool->members);
	roster_free((struct roster *)pool_roster(pool));
	*pool = (struct pool){0};
}

int pool_add(struct pool *pool, const struct member *member)
{
	struct member *members = grow(pool->members, pool->count, 1, sizeof(*members));

	if (!members)
		return -ENOMEM;
	pool->members = members;
	members[pool->count++] = *member;
	return 0;
}

int pool_publish(struct pool *pool, const struct roster **ret_old)
{
	struct roster_entry *entries = calloc(pool->count + 1, sizeof(*entries));
	const struct roster_rule rule = {.balance = BALANCE_ROUND_ROBIN};
	struct roster *roster = NULL;

	for (uint32_t i = 0; entries && i < pool->count; i++)
		entries[i] = (struct roster_entry){
			.server = pool->members[i].server,
			.weight = pool->members[i].weight,
			.tier = pool->members[i].tier,
			.takes = pool->members[i].weight > 0,
		};
	if (entries)
		roster = roster_make(&rule, entries, pool->count);
	free(entries);
	if (!roster)
		return -ENOMEM;
	*ret_old = atomic_exchange_explicit(&pool->roster, roster, memory_order_acq_rel);
	return 0;
}
