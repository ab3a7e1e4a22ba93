#include "control/pools.h"

#include "base/clock.h"
#include "control/named.h"
#include "pool/roster.h"
#include "session/edition.h"
#include "session/measure.h"

#include "ops/ledger.h"
#include "ops/log.h"

#include <errno.h>
#include <stdio.h>

/* Who sees that no name is missing any more sees the roster that has its servers. */
#define store(to, what) atomic_store_explicit(to, what, memory_order_release)

static int add_line(struct pool *pool, const struct pool_means *means,
		    const struct config_endpoint *line)
{
	char text[2 * ADDRESS_TEXT_MAX + 4];

	snprintf(text, sizeof(text), "%s (%s)", line->name ? line->name : "", line->text);
	return enlist(pool, means,
		      &(struct enlisted){
			      .line = line,
			      .address = &line->address,
			      .name = line->name ? line->name : line->text,
			      .text = line->name ? text : line->text,
			      .weight = line->weight,
			      .tier = line->priority,
		      });
}

static int publish(struct pool *pool, struct replaced *replaced)
{
	const struct roster *old;

	if (pool_publish(pool, &old) < 0)
		return log_no_memory("the servers");
	replaced_add(replaced, old);
	return 0;
}

int pools_fill(struct pool *pool, const struct config_section *source,
	       const struct pool_means *means)
{
	uint32_t hidden = 0;
	int r = 0;

	if (pool_open(pool, source) < 0)
		return log_no_memory("the servers");
	pool->account = ledger_account(means->ledger, source->title);
	pool->queue = servers_queue(means->servers, source->title);
	if (!pool->account || !pool->queue ||
	    ledger_measure(means->ledger, pool->account, MEASURE_COUNT) < 0)
		return log_no_memory(source->title);
	for (size_t i = 0; i < source->server_count && r == 0; i++) {
		const struct config_endpoint *endpoint = &source->servers[i];
		const struct resolution *answer = resolver_answer(means->resolver, endpoint);

		if (endpoint->address.kind != ADDRESS_NAME)
			r = add_line(pool, means, endpoint);
		else if (answer)
			r = named_update(pool, means, answer, clock_now_ms());
		else
			hidden++;
	}
	store(&pool->hidden, hidden);
	return r < 0 ? r : publish(pool, NULL);
}

void pools_in_force(struct edition *edition)
{
	for (uint32_t i = 0; i < edition->pool_count; i++)
		pool_in_force(&edition->pools[i]);
}

void pools_replaced(struct edition *edition)
{
	for (uint32_t i = 0; i < edition->pool_count; i++)
		pool_replaced(&edition->pools[i]);
}

/* "name db.example: +10.0.3.9 -10.0.3.7 (ttl 30 s); pool postgres: 3 servers" */
static void tell_change(const struct pool *pool, const struct resolution *answer,
			const char *change)
{
	const char *name = pool->config->name;
	uint32_t count = named_count(pool);
	char why[NAMES_ERROR_MAX + 4] = "";

	if (answer->set.count == 0)
		snprintf(why, sizeof(why), " (%s)", answer->error);
	else if (answer->ttl_s != NAME_NO_TTL)
		snprintf(why, sizeof(why), " (ttl %u s)", answer->ttl_s);
	log_info("name %s: %s%s; %s %s: %u server%s", answer->endpoint->address.host, change, why,
		 pool->config->kind == CONFIG_POOL ? "pool" : "proxy",
		 name ? name : pool->config->title, count, count == 1 ? "" : "s");
}

/* Then what other names stand for: they may have what that one had.  Names without an answer. */
static uint32_t refresh_others(struct pool *pool, const struct resolution *answer,
			       const struct pool_means *means, uint64_t now_ms)
{
	uint32_t hidden = 0;

	for (size_t i = 0; i < pool->config->server_count; i++) {
		const struct config_endpoint *line = &pool->config->servers[i];
		const struct resolution *other = line->address.kind == ADDRESS_NAME
							 ? resolver_answer(means->resolver, line)
							 : NULL;

		hidden += line->address.kind == ADDRESS_NAME && !other;
		if (other && other != answer)
			(void)!named_update(pool, means, other, now_ms);
	}
	return hidden;
}

void pools_refresh(struct pool *pool, const struct resolution *answer, const char *change,
		   const struct pool_means *means, struct replaced *replaced)
{
	uint64_t now_ms = clock_now_ms();
	uint32_t hidden;

	/* What is wrong has been logged, and some may be there. */
	(void)!named_update(pool, means, answer, now_ms);
	hidden = refresh_others(pool, answer, means, now_ms);
	(void)!publish(pool, replaced);
	store(&pool->hidden, hidden);
	if (*change)
		tell_change(pool, answer, change);
}

void pools_inherit(const struct edition *edition, const struct edition *before)
{
	for (uint32_t i = 0; i < before->pool_count; i++) {
		struct pool *pool = named_any(&before->pools[i])
					    ? edition_pool_of(edition, before->pools[i].account)
					    : NULL;

		if (pool)
			named_inherit(pool, &before->pools[i]);
	}
}

int pools_restate(struct pool *pool, const struct server *server, struct replaced *replaced)
{
	for (uint32_t i = 0; i < pool->count; i++)
		if (pool->members[i].server == server)
			return publish(pool, replaced);
	return 0;
}
