#include "control/pools.h"

#include "pool/roster.h"
#include "session/measure.h"

#include "ops/ledger.h"
#include "ops/log.h"

#include <errno.h>
#include <stdio.h>

#define load(from)      atomic_load_explicit(from, memory_order_relaxed)
#define store(to, what) atomic_store_explicit(to, what, memory_order_relaxed)

/* What a server's line says of each server that it brings. */
static struct member member_of(const struct config_endpoint *line)
{
	return (struct member){
		.weight = line->disabled ? 0 : line->weight,
		.tier = line->priority,
		.limit = line->max_connections,
	};
}

/* A server that leads back is left out. */
static int add(struct pool *pool, const struct pool_means *means,
	       const struct config_endpoint *line, const struct address *address, const char *name,
	       const char *text)
{
	const struct config *config = means->config;
	char place[RESOLVE_PLACE_MAX], account[RESOLVE_PLACE_MAX + 2 * ADDRESS_TEXT_MAX];
	struct member member = member_of(line);
	int r = resolve_leads_on(means->resolver, pool->config, line, address);

	if (r <= 0)
		return r;
	snprintf(place, sizeof(place), "%s:%u", config->files[line->file], line->line);
	member.server =
		servers_get(means->servers, pool->config->title, name, text, place, address);
	if (!member.server)
		return log_no_memory("the servers");
	snprintf(account, sizeof(account), "%s %s", pool->config->title, name);
	/* One that another reading names has it, and workers read it. */
	if (!member.server->account)
		member.server->account = ledger_account(means->ledger, account);
	if (member.server->account && pool_add(pool, &member) == 0)
		return 0;
	servers_put(member.server);
	return log_no_memory("the servers");
}

static int add_line(struct pool *pool, const struct pool_means *means,
		    const struct config_endpoint *line)
{
	char text[2 * ADDRESS_TEXT_MAX + 4];

	if (!line->name)
		return add(pool, means, line, &line->address, line->text, line->text);
	snprintf(text, sizeof(text), "%s (%s)", line->name, line->text);
	return add(pool, means, line, &line->address, line->name, text);
}

/* Each address of a name is a server, called by that: "10.0.3.8:5432", or "pg-10.0.3.8:5432". */
static int add_found(struct pool *pool, const struct pool_means *means,
		     const struct resolution *answer)
{
	const struct config_endpoint *line = answer->endpoint;
	int r = 0;

	for (uint32_t i = 0; i < answer->count && r == 0; i++) {
		char number[ADDRESS_TEXT_MAX], name[2 * ADDRESS_TEXT_MAX];
		char text[4 * ADDRESS_TEXT_MAX];

		address_format(&answer->found[i], number, sizeof(number));
		snprintf(name, sizeof(name), "%s%s%s", line->name ? line->name : "",
			 line->name ? "-" : "", number);
		if (line->name)
			snprintf(text, sizeof(text), "%s (%s)", name, line->text);
		else
			snprintf(text, sizeof(text), "%s (%s)", line->text, number);
		r = add(pool, means, line, &answer->found[i], name, text);
	}
	return r;
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
	if (!pool->account || ledger_measure(means->ledger, pool->account, MEASURE_COUNT) < 0)
		return log_no_memory(source->title);
	for (size_t i = 0; i < source->server_count && r == 0; i++) {
		const struct config_endpoint *endpoint = &source->servers[i];
		const struct resolution *answer = resolver_answer(means->resolver, endpoint);

		if (endpoint->address.kind != ADDRESS_NAME)
			r = add_line(pool, means, endpoint);
		else if (answer)
			r = add_found(pool, means, answer);
		else
			hidden++;
	}
	store(&pool->hidden, hidden);
	return r < 0 ? r : publish(pool, NULL);
}

void pools_extend(struct pool *pool, const struct resolution *answer,
		  const struct pool_means *means, struct replaced *replaced)
{
	/* What is wrong has been logged, and some may be there. */
	(void)!add_found(pool, means, answer);
	(void)!publish(pool, replaced);
	store(&pool->hidden, load(&pool->hidden) - 1);
}
