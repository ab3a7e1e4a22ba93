#include "pool/pool.h"

#include "pool/roster.h"
#include "pool/server.h"
#include "pool/standing.h"

#include "base/grow.h"
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

struct server *pool_remove(struct pool *pool, uint32_t index)
{
	struct server *server = pool->members[index].server;

	/* The others stay in their order: turns are taken by it. */
	memmove(&pool->members[index], &pool->members[index + 1],
		(--pool->count - index) * sizeof(*pool->members));
	return server;
}

static const uint8_t balances[] = {
	[CONFIG_BALANCE_ROUND_ROBIN] = BALANCE_ROUND_ROBIN,
	[CONFIG_BALANCE_LEAST_CONN] = BALANCE_LEAST_CONN,
	[CONFIG_BALANCE_RANDOM_TWO] = BALANCE_RANDOM_TWO,
	[CONFIG_BALANCE_SOURCE_HASH] = BALANCE_SOURCE_HASH,
	[CONFIG_BALANCE_LEAST_TIME] = BALANCE_LEAST_TIME,
};
static_assert(array_size(balances) == CONFIG_BALANCE_COUNT, "every word has its way");

int pool_publish(struct pool *pool, const struct roster **ret_old)
{
	struct roster_entry *entries = calloc(pool->count + 1, sizeof(*entries));
	const struct roster_rule rule = {
		.balance = pool->config ? balances[pool->config->settings.balance]
					: BALANCE_ROUND_ROBIN,
		.waits = pool->config && pool->config->settings.queue,
	};
	struct roster *roster = NULL;

	for (uint32_t i = 0; entries && i < pool->count; i++) {
		const struct member *member = &pool->members[i];
		const struct standing standing = standing_of(member);

		atomic_store_explicit(&member->server->limit, standing.limit, memory_order_relaxed);
		entries[i] = (struct roster_entry){
			.server = member->server,
			.weight = standing.takes ? standing.weight : 0,
			.tier = member->tier,
			.takes = standing.takes,
		};
	}
	if (entries)
		roster = roster_make(&rule, entries, pool->count);
	free(entries);
	if (!roster)
		return -ENOMEM;
	*ret_old = atomic_exchange_explicit(&pool->roster, roster, memory_order_acq_rel);
	return 0;
}
