/* The part of loader.h that looks at servers: where they stand, who has them, and what they are. */
#include "config/loader.h"

#include "config/loops.h"
#include "config/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Where they stand ------------------------------------------------------------------------ */

static const struct config_section *find_pool(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (!strcmp(config->pools[i].name, name))
			return &config->pools[i];
	return NULL;
}

static const struct config_section *find_proxy(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->section_count; i++)
		if (config->sections[i].kind == CONFIG_PROXY &&
		    !strcmp(config->sections[i].name, name))
			return &config->sections[i];
	return NULL;
}

static void check_pool_name(struct loader *loader, const struct config_section *proxy)
{
	const struct config *config = loader->config;
	const struct config_section *namesake = find_proxy(config, proxy->pool);
	struct suggest suggest;

	suggest_begin(&suggest, proxy->pool);
	for (size_t i = 0; i < config->pool_count; i++)
		suggest_offer(&suggest, config->pools[i].name);
	if (suggest.best)
		report_key(loader->report, REPORT_MISTAKE, config, proxy, "pool",
			   "there is no [pool %.60s]; did you mean %s?", proxy->pool, suggest.best);
	else if (namesake && namesake->server_count)
		report_key(loader->report, REPORT_MISTAKE, config, proxy, "pool",
			   "there is no [pool %.60s], and the servers of %s are its own; move them "
			   "into a [pool] that both name",
			   proxy->pool, namesake->title);
	else
		report_key(loader->report, REPORT_MISTAKE, config, proxy, "pool",
			   "there is no [pool %.60s]; write that section, and its server lines",
			   proxy->pool);
}

/* What is about servers stands with them. */
static void check_misplaced(struct loader *loader, const struct config_section *proxy,
			    const struct config_section *pool)
{
	const struct config *config = loader->config;

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct config_origin *origin = &proxy->origins[i];

		if (schema_applies(&schema_keys[i], proxy) || !origin->line || origin->defaults)
			continue;
		loader_complain(loader, origin->file, origin->line, proxy->title,
				schema_keys[i].name,
				"is about servers, and these stand in %s at %s:%u; move the line "
				"there",
				pool->title, config->files[pool->file], pool->line);
	}
}

/* Right or wrong. */
static bool has_lines(const struct config_section *section, unsigned group)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (schema_keys[i].type == SCHEMA_LINE && schema_keys[i].group == group &&
		    section->origins[i].line)
			return true;
	return false;
}

/* The same where only routes lead to servers. */
static void check_routed(struct loader *loader, const struct config_section *proxy)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct config_origin *origin = &proxy->origins[i];

		if (!(schema_keys[i].where & IN_POOL) || !origin->line || origin->defaults ||
		    origin->refused)
			continue;
		loader_complain(loader, origin->file, origin->line, proxy->title,
				schema_keys[i].name,
				"is about servers, and this section has none of its own; move the "
				"line into the [pool] of the routes that it is for");
	}
}

static void check_source(struct loader *loader, const struct config_section *proxy)
{
	const struct config_section *pool =
		proxy->pool ? find_pool(loader->config, proxy->pool) : NULL;
	const struct schema_key *server = schema_find("server", IN_PROXY);

	if (pool)
		check_misplaced(loader, proxy, pool);
	else if (proxy->pool)
		check_pool_name(loader, proxy);
	else if (proxy->route_count && !proxy->server_count)
		check_routed(loader, proxy);
	else if (!proxy->origins[server - schema_keys].line && !proxy->server_count &&
		 !has_lines(proxy, GROUP_ROUTES))
		loader_complain(
			loader, proxy->file, proxy->line, proxy->title, NULL,
			"no server to connect to; write for example server = 127.0.0.1:9000");
}

static bool is_used(const struct config *config, const struct config_section *pool)
{
	for (size_t i = 0; i < config->section_count; i++)
		for (size_t j = 0; j < config->sections[i].reach_count; j++)
			if (config->sections[i].reaches[j] == pool)
				return true;
	return false;
}

static void check_pool(struct loader *loader, const struct config_section *pool)
{
	const struct config *config = loader->config;
	const struct config_section *proxy = find_proxy(config, pool->name);
	const struct schema_key *server = schema_find("server", IN_POOL);

	if (!pool->origins[server - schema_keys].line && !pool->server_count)
		loader_complain(loader, pool->file, pool->line, pool->title, NULL,
				"has no server; write for example server = 127.0.0.1:9000");
	if (proxy && !proxy->pool && proxy->server_count)
		loader_complain(
			loader, pool->file, pool->line, pool->title, NULL,
			"%s at %s:%u has servers of its own, which are a pool of that name; "
			"give one of the two another name",
			proxy->title, config->files[proxy->file], proxy->line);
	else if (!is_used(config, pool))
		report_add(loader->report, REPORT_WARNING, pool->file, pool->line,
			   "%s:%u: %s is used by no proxy; one that is to have these servers says "
			   "pool = %s",
			   config->files[pool->file], pool->line, pool->title, pool->name);
}

/* ---- What they are --------------------------------------------------------------------------- */

/* A server line, and what its server is called. */
struct named {
	const struct config_endpoint *line;
	char address[ADDRESS_TEXT_MAX];
};

static const char *name_of(const struct named *named)
{
	return named->line->name ? named->line->name : named->address;
}

static int by_line(const struct named *a, const struct named *b)
{
	return a->line < b->line ? -1 : a->line > b->line;
}

static int by_name(const void *a, const void *b)
{
	const struct named *one = *(const struct named *const *)a;
	const struct named *other = *(const struct named *const *)b;
	int order = strcmp(name_of(one), name_of(other));

	return order ? order : by_line(one, other);
}

static int by_address(const void *a, const void *b)
{
	const struct named *one = *(const struct named *const *)a;
	const struct named *other = *(const struct named *const *)b;
	int order = strcmp(one->address, other->address);

	return order ? order : by_line(one, other);
}

static void check_same_name(struct loader *loader, const struct config_section *section,
			    const struct named *first, const struct named *second)
{
	const struct config_endpoint *line = second->line;
	const char *path = loader->config->files[first->line->file];

	if (!line->name && !first->line->name)
		loader_complain(loader, line->file, line->line, section->title, "server",
				"\"%.100s\" is there already, at %s:%u; for a bigger share write "
				"weight=2 there",
				line->text, path, first->line->line);
	else
		loader_complain(loader, line->file, line->line, section->title, "server",
				"\"%.60s\" is the name of \"%.100s\" at %s:%u, too; give one of "
				"the two another by name=",
				name_of(second), first->line->text, path, first->line->line);
}

static void check_same_address(struct loader *loader, const struct config_section *section,
			       const struct named *first, const struct named *second)
{
	const struct config_endpoint *line = second->line;
	const struct config *config = loader->config;

	report_add(
		loader->report, REPORT_WARNING, line->file, line->line,
		"%s:%u: %s server: \"%.100s\" is at %s:%u, too, by another name: each of the two "
		"has limits and failures of its own; for a bigger share write weight=2",
		config->files[line->file], line->line, section->title, line->text,
		config->files[first->line->file], first->line->line);
}

/* Those that meet are neighbours when they are sorted. */
static void compare_sorted(struct loader *loader, const struct config_section *section,
			   const struct named **order)
{
	size_t count = section->server_count;

	qsort(order, count, sizeof(*order), by_address);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(order[i - 1]->address, order[i]->address) &&
		    strcmp(name_of(order[i - 1]), name_of(order[i])) != 0)
			check_same_address(loader, section, order[i - 1], order[i]);
	qsort(order, count, sizeof(*order), by_name);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(name_of(order[i - 1]), name_of(order[i])))
			check_same_name(loader, section, order[i - 1], order[i]);
}

static void check_names(struct loader *loader, const struct config_section *section)
{
	size_t count = section->server_count;
	struct named *names = calloc(count + 1, sizeof(*names));
	const struct named **order = calloc(count + 1, sizeof(*order));

	for (size_t i = 0; names && order && i < count; i++) {
		names[i].line = &section->servers[i];
		address_format(&names[i].line->address, names[i].address, sizeof(names[i].address));
		order[i] = &names[i];
	}
	if (names && order)
		compare_sorted(loader, section, order);
	else
		loader->failed = -ENOMEM;
	free(names);
	free(order);
}

static void warn(struct loader *loader, const struct config_section *section, const char *what)
{
	report_add(loader->report, REPORT_WARNING, section->file, section->line, "%s:%u: %s %s",
		   loader->config->files[section->file], section->line, section->title, what);
}

/* Whether anybody is served, and by whom. */
static void check_shares(struct loader *loader, const struct config_section *section)
{
	size_t takes = 0, backups = 0, count = section->server_count;

	for (size_t i = 0; i < count; i++) {
		takes += section->servers[i].weight && !section->servers[i].disabled;
		backups += section->servers[i].priority == CONFIG_PRIORITY_BACKUP;
	}
	if (count && !takes)
		warn(loader, section,
		     "has no server that takes connections: each is disabled, or has weight=0");
	if (count && backups == count)
		warn(loader, section,
		     "has backups only: they are used as if they were none; take the word away");
}

/* ---- Who leads where ------------------------------------------------------------------------- */

/* A server that leads back would be connected to for each connection that it makes. */
static void check_loop(struct loader *loader, struct loops *loops, size_t section,
		       const struct config_section *pool, const struct config_endpoint *server)
{
	const struct config *config = loader->config;
	const struct config_section *proxy = &config->sections[section];
	const char *title = pool->title;
	struct loop_found found;
	int r = loops_connect(loops, section, &server->address, server, &found);

	if (r < 0)
		loader->failed = r;
	else if (r > 0 && !found.onward)
		loader_complain(loader, server->file, server->line, title, "server",
				"\"%.100s\" is where %s listens, at %s:%u: it would connect to "
				"itself without end",
				server->text, proxy != pool ? proxy->title : "this section",
				config->files[found.line->file], found.line->line);
	else if (r > 0)
		loader_complain(loader, server->file, server->line, title, "server",
				"\"%.100s\" is where %s listens, at %s:%u, and its server "
				"\"%.100s\" at %s:%u leads back here: connections would go round "
				"without end",
				server->text, config->sections[found.section].title,
				config->files[found.line->file], found.line->line,
				found.onward->text, config->files[found.onward->file],
				found.onward->line);
}

static void check_loops(struct loader *loader)
{
	const struct config *config = loader->config;
	struct loops loops;

	if (loops_init(&loops, config) < 0) {
		loader->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		for (size_t j = 0; j < section->reach_count; j++)
			for (size_t k = 0; k < section->reaches[j]->server_count; k++)
				check_loop(loader, &loops, i, section->reaches[j],
					   &section->reaches[j]->servers[k]);
	}
	loops_done(&loops);
}

void loader_check_servers(struct loader *loader)
{
	const struct config *config = loader->config;
	const struct config_section *section;

	for (size_t i = 0; i < config->section_count; i++)
		if (config->sections[i].kind == CONFIG_PROXY)
			check_source(loader, &config->sections[i]);
	for (size_t i = 0; i < config->pool_count; i++)
		check_pool(loader, &config->pools[i]);
	for (size_t i = 0; (section = config_section_at(config, i)); i++) {
		check_names(loader, section);
		check_shares(loader, section);
	}
	check_loops(loader);
}
