#include "control/find_server.h"

#include "config/suggest.h"
#include "pool/pool.h"
#include "pool/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 60

static void __attribute__((format(printf, 3, 4)))
refuse(struct found_server *found, const char *code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(found->why, sizeof(found->why), format, arguments);
	va_end(arguments);
	found->code = code;
}

/* "there are web, mail": what begins the hint, and each name that is added to it. */
static void begin_list(struct found_server *found, const char *best)
{
	if (best)
		snprintf(found->hint, sizeof(found->hint), "did you mean %s?", best);
	else
		snprintf(found->hint, sizeof(found->hint), "there is none");
}

static void add_to_list(struct found_server *found, uint32_t index, const char *name)
{
	size_t used = index ? strlen(found->hint) : 0;

	snprintf(found->hint + used, sizeof(found->hint) - used, "%s%s",
		 index ? ", " : "there are ", name);
}

/* ---- Pools ----------------------------------------------------------------------------------- */

static void refuse_pool(struct found_server *found, const struct edition *edition, const char *name)
{
	struct suggest suggest;

	suggest_begin(&suggest, name);
	for (uint32_t i = 0; i < edition->pool_count; i++)
		suggest_offer(&suggest, edition->pools[i].config->name);
	refuse(found, "no_such_pool", "there is no pool called '%.*s'", SHOWN_MAX, name);
	begin_list(found, suggest.best);
	for (uint32_t i = 0; i < edition->pool_count && !suggest.best; i++)
		add_to_list(found, i, edition->pools[i].config->name);
}

const struct pool *find_pool(const struct edition *edition, const char *name,
			     struct found_server *ret_found)
{
	*ret_found = (struct found_server){0};
	for (uint32_t i = 0; i < edition->pool_count; i++)
		if (!strcmp(edition->pools[i].config->name, name))
			return ret_found->pool = &edition->pools[i];
	refuse_pool(ret_found, edition, name);
	return NULL;
}

/* ---- Servers --------------------------------------------------------------------------------- */

typedef bool is_called(const struct server *server, const char *name);

static bool by_name(const struct server *server, const char *name)
{
	return !strcmp(server->name, name);
}

static bool by_address(const struct server *server, const char *name)
{
	return !strcmp(server->address_text, name);
}

/* "pg" of "pg-10.0.3.8:5432". */
static bool by_beginning(const struct server *server, const char *name)
{
	size_t length = strlen(name);

	return length && !strncmp(server->name, name, length) && server->name[length] == '-' &&
	       !strcmp(server->name + length + 1, server->address_text);
}

/* How many there are; a server may be in a pool twice, by two names for its address. */
static uint32_t count_called(const struct pool *pool, bool gone, const char *name,
			     is_called *called, struct found_server *found)
{
	const struct server *last = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < pool->count; i++) {
		const struct member *member = &pool->members[i];

		if (!member->gone_ms != !gone || !called(member->server, name) ||
		    member->server == last)
			continue;
		last = member->server;
		found->member = member;
		add_to_list(found, count++, last->name);
	}
	return count;
}

static void refuse_server(struct found_server *found, const char *name)
{
	const struct pool *pool = found->pool;
	struct suggest suggest;

	suggest_begin(&suggest, name);
	for (uint32_t i = 0; i < pool->count; i++)
		suggest_offer(&suggest, pool->members[i].server->name);
	refuse(found, "no_such_server", "there is no server called '%.*s' in pool %s", SHOWN_MAX,
	       name, pool->config->name);
	begin_list(found, suggest.best);
	for (uint32_t i = 0; i < pool->count && !suggest.best; i++)
		add_to_list(found, i, pool->members[i].server->name);
}

bool find_server(const struct edition *edition, const char *pool, const char *name,
		 struct found_server *ret_found)
{
	static is_called *const ways[] = {by_name, by_address, by_beginning};
	uint32_t count = 0;

	if (!find_pool(edition, pool, ret_found))
		return false;
	for (int gone = 0; gone < 2 && count == 0; gone++)
		for (size_t i = 0; i < array_size(ways) && count == 0; i++)
			count = count_called(ret_found->pool, gone, name, ways[i], ret_found);
	if (count == 1) {
		ret_found->hint[0] = 0;
		return true;
	}
	ret_found->member = NULL;
	if (count)
		refuse(ret_found, "ambiguous", "'%.*s' is %u servers of pool %s", SHOWN_MAX, name,
		       count, pool);
	else
		refuse_server(ret_found, name);
	return false;
}
