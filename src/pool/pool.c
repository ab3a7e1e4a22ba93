#include "pool/pool.h"

#include "pool/passive.h"
#include "pool/roster.h"
#include "pool/server.h"
#include "pool/standing.h"

#include "base/clock.h"
#include "base/grow.h"
#include "config/config.h"
#include "config/endpoint.h"
#include "config/send_proxy.h"

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
	for (uint32_t i = 0; i < pool->count; i++) {
		member_own_line(&pool->members[i], NULL);
		servers_put(pool->members[i].server);
	}
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

void member_own_line(struct member *member, struct config_endpoint *line)
{
	if (member->added) {
		endpoint_done(member->added);
		free(member->added);
	}
	member->added = line;
}

struct server *pool_remove(struct pool *pool, uint32_t index)
{
	struct server *server = pool->members[index].server;

	member_own_line(&pool->members[index], NULL);
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

void pool_count(struct pool *pool)
{
	uint32_t panic = pool->config ? pool->config->settings.panic : CONFIG_PANIC_LAST_RESORT;

	uint32_t up = 0, able = 0;

	pool->up = pool->able = 0;
	for (uint32_t i = 0; i < pool->count; i++) {
		struct standing standing = standing_of(&pool->members[i]);

		pool->up += standing.takes;
		pool->able += standing.able;
		up += standing.takes ? standing.weight : 0;
		able += standing.able ? standing.weight : 0;
	}
	pool->panic = vitals_panic(panic, up, able);
	if (pool->count && (pool->in_force || pool->members[0].server->users == 1))
		atomic_store_explicit(&pool->members[0].server->passive->takers,
				      pool->panic ? pool->able : pool->up, memory_order_relaxed);
}

/* Weights are in tenths where anybody starts slowly: a tenth of 1 is none. */
static uint32_t scale_of(const struct pool *pool, uint64_t now_ms)
{
	for (uint32_t i = 0; i < pool->count; i++)
		if (vitals_step(&pool->members[i].server->vitals, now_ms) < VITALS_STEPS)
			return 1;
	return VITALS_STEPS;
}

static struct roster_entry entry_of(const struct member *member, uint32_t scale, uint64_t now_ms)
{
	const struct standing standing = standing_of(member);
	uint32_t step = vitals_step(&member->server->vitals, now_ms);

	return (struct roster_entry){
		.server = member->server,
		.weight = standing.able ? standing.weight * step / scale : 0,
		.tier = member->tier,
		.takes = standing.takes,
	};
}

uint32_t pool_header(const struct pool *pool, const struct config_endpoint *line)
{
	uint32_t version = pool->config ? send_proxy_of(pool->config, line) : CONFIG_SEND_PROXY_OFF;
	char why[VALUE_WHY_MAX];
	unsigned fields = 0;

	if (version != CONFIG_SEND_PROXY_V2)
		return version;
	(void)!send_proxy_parse(&fields, pool->config->settings.send_proxy_tlv, why);
	return version | fields << POOL_HEADER_FIELDS;
}

/*
 * What workers look at in the server itself.  A reading that is not adopted yet, and may never
 * be, changes nothing of servers there are.
 */
static void tell_workers(const struct pool *pool, const struct member *member, uint64_t now_ms)
{
	struct server *server = member->server;
	uint32_t limit = vitals_limit(&server->vitals, standing_of(member).limit, now_ms);

	if (!pool->in_force && server->users > 1)
		return;
	atomic_store_explicit(&server->limit, limit, memory_order_relaxed);
	if (member->place)
		atomic_store_explicit(&server->place, member->place, memory_order_relaxed);
	if (!member->line)
		return;
	atomic_store_explicit(&server->header, pool_header(pool, member->line),
			      memory_order_relaxed);
	atomic_store_explicit(&server->way, member->way, memory_order_release);
	atomic_store_explicit(&server->fails, member->line->max_fails, memory_order_relaxed);
	atomic_store_explicit(&server->within_ms, member->line->fail_timeout_ms,
			      memory_order_relaxed);
}

void pool_in_force(struct pool *pool)
{
	pool->in_force = true;
	for (uint32_t i = 0; i < pool->count; i++)
		tell_workers(pool, &pool->members[i], clock_now_ms());
	pool_count(pool);
}

void pool_replaced(struct pool *pool)
{
	pool->in_force = false;
}

int pool_publish(struct pool *pool, const struct roster **ret_old)
{
	struct roster_entry *entries = calloc(pool->count + 1, sizeof(*entries));
	struct roster_rule rule = {
		.balance = pool->config ? balances[pool->config->settings.balance]
					: BALANCE_ROUND_ROBIN,
		.waits = pool->config && pool->config->settings.queue,
	};
	uint64_t now_ms = clock_now_ms();
	uint32_t scale = scale_of(pool, now_ms);
	struct roster *roster = NULL;

	pool_count(pool);
	rule.panic = pool->panic;
	for (uint32_t i = 0; entries && i < pool->count; i++) {
		tell_workers(pool, &pool->members[i], now_ms);
		entries[i] = entry_of(&pool->members[i], scale, now_ms);
	}
	if (entries)
		roster = roster_make(&rule, entries, pool->count);
	free(entries);
	if (!roster)
		return -ENOMEM;
	pool->stale = false;
	*ret_old = atomic_exchange_explicit(&pool->roster, roster, memory_order_acq_rel);
	return 0;
}
