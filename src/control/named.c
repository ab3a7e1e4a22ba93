#include "control/named.h"

#include <stdio.h>
#include <string.h>

#define TIER_MAX       255 /* of those that are no backups */
#define NAME_MAX_SHOWN ((size_t)2 * ADDRESS_TEXT_MAX)

/* ---- What becomes of a record ---------------------------------------------------------------- */

/* How many priorities of the set come before that one. */
static uint32_t rank_of(const struct name_set *set, uint16_t priority)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		uint16_t other = set->records[i].priority;
		bool is_first = other < priority;

		for (uint32_t j = 0; j < i && is_first; j++)
			is_first = set->records[j].priority != other;
		rank += is_first;
	}
	return rank;
}

/* Those of the other family are backups where one comes first. */
static bool is_second(const struct resolution *answer, const struct name_record *record)
{
	uint32_t family = answer->section->settings.family;

	return family == (record->is_v6 ? CONFIG_FAMILY_IPV4_FIRST : CONFIG_FAMILY_IPV6_FIRST);
}

static uint32_t tier_of(const struct resolution *answer, const struct name_record *record)
{
	const struct config_endpoint *line = answer->endpoint;
	uint32_t first = is_second(answer, record) ? CONFIG_PRIORITY_BACKUP : line->priority;
	uint32_t tier = first;

	if (line->address.is_service)
		tier += rank_of(&answer->set, record->priority);
	return first < CONFIG_PRIORITY_BACKUP && tier > TIER_MAX ? TIER_MAX : tier;
}

/* A line's own weight is that of each of its servers, and a factor for those of a service. */
static uint32_t weight_of(const struct resolution *answer, const struct name_record *record)
{
	const struct config_endpoint *line = answer->endpoint;
	uint32_t weight = line->weight * record->weight;

	return weight > CONFIG_WEIGHT_MAX ? CONFIG_WEIGHT_MAX : weight;
}

/* "10.0.3.8:5432", or "pg-10.0.3.8:5432". */
static void name_of(const struct config_endpoint *line, const struct address *address,
		    char name[NAME_MAX_SHOWN])
{
	char number[ADDRESS_TEXT_MAX];

	snprintf(name, NAME_MAX_SHOWN, "%s%s%s", line->name ? line->name : "",
		 line->name ? "-" : "", address_format(address, number, sizeof(number)));
}

/* In messages it has the name that it comes from. */
static int add(struct pool *pool, const struct pool_means *means, const struct resolution *answer,
	       const struct name_record *record, const struct address *address)
{
	const struct config_endpoint *line = answer->endpoint;
	char name[NAME_MAX_SHOWN], text[2 * NAME_MAX_SHOWN];

	name_of(line, address, name);
	if (line->name)
		snprintf(text, sizeof(text), "%s (%s)", name, line->text);
	else
		snprintf(text, sizeof(text), "%s (%s)", line->text, name);
	return enlist(pool, means,
		      &(struct enlisted){
			      .line = line,
			      .address = address,
			      .name = name,
			      .text = text,
			      .weight = weight_of(answer, record),
			      .tier = tier_of(answer, record),
		      });
}

/* ---- The line's members ---------------------------------------------------------------------- */

/* The one that is there, by whatever name, or was there by that. */
static struct member *find(struct pool *pool, const struct address *address, const char *name)
{
	for (uint32_t i = 0; i < pool->count; i++) {
		struct member *member = &pool->members[i];

		if (address_is_same(&member->server->address, address) &&
		    (!member->gone_ms || strcmp(member->server->name, name) == 0))
			return member;
	}
	return NULL;
}

/* A line of its own says more of a server than a name that stands for it, too. */
static bool has_own_line(const struct pool *pool, const struct address *address)
{
	for (size_t i = 0; i < pool->config->server_count; i++)
		if (address_is_same(&pool->config->servers[i].address, address))
			return true;
	return false;
}

static bool is_of(const struct member *member, const struct resolution *answer)
{
	return member->line == answer->endpoint;
}

static int update(struct pool *pool, const struct pool_means *means,
		  const struct resolution *answer, const struct name_record *record)
{
	char name[NAME_MAX_SHOWN];
	struct address address;
	struct member *member;

	name_record_address(record, &address);
	name_of(answer->endpoint, &address, name);
	member = find(pool, &address, name);
	if (!member && has_own_line(pool, &address))
		return 0;
	if (!member)
		return add(pool, means, answer, record, &address);
	/* What another line has, it has from there. */
	if (!is_of(member, answer) && !member->gone_ms)
		return 0;
	member->line = answer->endpoint;
	member->weight = weight_of(answer, record);
	member->tier = tier_of(answer, record);
	member->limit = answer->endpoint->max_connections;
	member->disabled = answer->endpoint->disabled;
	member->gone_ms = member->idle_ms = 0;
	member->removed = false;
	return 0;
}

int named_update(struct pool *pool, const struct pool_means *means, const struct resolution *answer,
		 uint64_t now_ms)
{
	uint32_t known = pool->count;
	int r = 0;

	/* Gone, all of them, but for those that are found. */
	for (uint32_t i = 0; i < known; i++)
		if (is_of(&pool->members[i], answer) && !pool->members[i].gone_ms)
			pool->members[i].gone_ms = now_ms ? now_ms : 1;
	for (uint32_t i = 0; i < answer->set.count && r == 0; i++)
		r = update(pool, means, answer, &answer->set.records[i]);
	return r;
}

uint32_t named_count(const struct pool *pool)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pool->count; i++)
		count += !pool->members[i].gone_ms;
	return count;
}

/* ---- Another edition ------------------------------------------------------------------------- */

/* What is written as an address is gone with its line, and its pool with its edition. */
static bool is_named(const struct member *member)
{
	return !member->line || member->line->address.kind == ADDRESS_NAME;
}

bool named_any(const struct pool *pool)
{
	for (uint32_t i = 0; i < pool->count; i++)
		if (is_named(&pool->members[i]))
			return true;
	return false;
}

void named_inherit(struct pool *pool, const struct pool *before)
{
	for (uint32_t i = 0; i < before->count; i++) {
		struct member member = before->members[i];

		if (!is_named(&member) || find(pool, &member.server->address, member.server->name))
			continue;
		member.line = NULL;
		member.added = NULL;
		member.gone_ms = member.gone_ms ? member.gone_ms : 1;
		member.server->users++;
		if (pool_add(pool, &member) < 0)
			servers_put(member.server);
	}
}
