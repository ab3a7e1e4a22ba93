#include "config/routing.h"

#include "base/grow.h"
#include "config/route_line.h"
#include "config/suggest.h"
#include "greet/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void routing_done(struct config_section *section)
{
	free(section->routes);
	free(section->reaches);
	section->routes = NULL;
	section->reaches = NULL;
	section->route_count = section->reach_count = 0;
}

/* ---- Pools by name --------------------------------------------------------------------------- */

static bool is_named(const struct config_section *section, const struct route *route)
{
	return strlen(section->name) == route->pool_length &&
	       !memcmp(section->name, route->pool, route->pool_length);
}

static const struct config_section *find_pool(const struct config *config,
					      const struct config_section *proxy,
					      const struct route *route)
{
	for (size_t i = 0; i < config->pool_count; i++)
		if (is_named(&config->pools[i], route))
			return &config->pools[i];
	return proxy->server_count && is_named(proxy, route) ? proxy : NULL;
}

/* A proxy whose servers are its own, and which is called so. */
static const struct config_section *find_namesake(const struct config *config,
						  const struct route *route)
{
	for (size_t i = 0; i < config->section_count; i++)
		if (config->sections[i].kind == CONFIG_PROXY && config->sections[i].server_count &&
		    is_named(&config->sections[i], route))
			return &config->sections[i];
	return NULL;
}

/* Where it stands, and as what. */
struct place {
	const struct config_section *section;
	const struct config_origin *origin;
	const char *key;
};

static void complain_of_pool(struct loader *loader, const struct place *place,
			     const struct route *route)
{
	const struct config *config = loader->config;
	const struct config_section *namesake = find_namesake(config, route);
	int shown = route->pool_length < 60 ? (int)route->pool_length : 60;
	char name[VALUE_NAME_MAX + 1] = "";
	struct suggest suggest;

	if (route->pool_length < sizeof(name))
		memcpy(name, route->pool, route->pool_length);
	suggest_begin(&suggest, name);
	for (size_t i = 0; i < config->pool_count; i++)
		suggest_offer(&suggest, config->pools[i].name);
	suggest_offer(&suggest, "reject");
	suggest_offer(&suggest, "drop");
	if (suggest.best)
		loader_complain(loader, place->origin->file, place->origin->line,
				place->section->title, place->key,
				"there is no [pool %.*s]; did you mean %s?", shown, route->pool,
				suggest.best);
	else if (namesake)
		loader_complain(loader, place->origin->file, place->origin->line,
				place->section->title, place->key,
				"there is no [pool %.*s], and the servers of %s are its own; move "
				"them into a [pool] that both name",
				shown, route->pool, namesake->title);
	else
		loader_complain(loader, place->origin->file, place->origin->line,
				place->section->title, place->key,
				"there is no [pool %.*s]; write that section, and its server lines",
				shown, route->pool);
}

/* The pool, which is told where there is none; true: it is known where they go. */
static bool lead(struct loader *loader, const struct place *place, struct config_route *route)
{
	if (route->route.end != ROUTE_TO_POOL)
		return true;
	route->pool = find_pool(loader->config, place->section, &route->route);
	if (!route->pool)
		complain_of_pool(loader, place, &route->route);
	return route->pool;
}

/* ---- Routes ---------------------------------------------------------------------------------- */

static bool is_route(const struct config_line *line)
{
	return schema_keys[line->key].group == GROUP_ROUTES;
}

/* It was right when it was read. */
static void read_line(const struct config_line *line, struct route *ret_route)
{
	char why[VALUE_WHY_MAX];
	bool by_name = schema_keys[line->key].check == route_line_check_sni;
	int r = by_name ? route_parse_sni(line->text, ret_route, why, sizeof(why))
			: route_parse_alpn(line->text, ret_route, why, sizeof(why));

	assert(r == 0);
}

static void complain_of_clash(struct loader *loader, const struct config_section *section,
			      const struct config_line *line, const struct config_line *first)
{
	loader_complain(loader, line->origin.file, line->origin.line, section->title,
			schema_keys[line->key].name,
			"\"%.100s\" is for the same clients as \"%.100s\" at %s:%u; one of the two "
			"has to go",
			line->text, first->text, loader->config->files[first->origin.file],
			first->origin.line);
}

static int add_route(struct loader *loader, struct config_section *section,
		     const struct config_line *line, struct routes *table)
{
	struct config_route *route = &section->routes[section->route_count];
	const struct place place = {section, &line->origin, schema_keys[line->key].name};
	uint32_t clash;
	int r;

	*route = (struct config_route){.line = line};
	read_line(line, &route->route);
	section->route_count++;
	lead(loader, &place, route);
	r = routes_add(table, &route->route, &clash);
	if (r == -EEXIST)
		complain_of_clash(loader, section, line, section->routes[clash].line);
	return r == -EEXIST ? 0 : r;
}

static int read_routes(struct loader *loader, struct config_section *section)
{
	struct routes *table = routes_new();
	size_t count = 0;
	int r = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < section->line_count; i++)
		count += is_route(&section->lines[i]);
	section->routes = calloc(count + 1, sizeof(*section->routes));
	if (!section->routes)
		r = -ENOMEM;
	for (size_t i = 0; i < section->line_count && r == 0; i++)
		if (is_route(&section->lines[i]))
			r = add_route(loader, section, &section->lines[i], table);
	routes_free(table);
	return r;
}

static void read_nameless(struct loader *loader, struct config_section *section)
{
	const struct place place = {section, config_origin(loader->config, section, "no_sni"),
				    "no_sni"};
	char why[VALUE_WHY_MAX];

	section->nameless = (struct config_route){.route.end = ROUTE_REJECT};
	if (!section->no_sni)
		return;
	if (route_parse_end(section->no_sni, &section->nameless.route, why, sizeof(why)) < 0)
		loader_complain(loader, place.origin->file, place.origin->line, section->title,
				"no_sni", "%s", why);
	else
		lead(loader, &place, &section->nameless);
}

/* ---- Where it goes --------------------------------------------------------------------------- */

static int reach(struct config_section *section, const struct config_section *pool)
{
	const struct config_section **reaches;

	for (size_t i = 0; i < section->reach_count; i++)
		if (section->reaches[i] == pool)
			return 0;
	reaches = grow((void *)section->reaches, section->reach_count, 1, sizeof(*reaches));
	if (!reaches)
		return -ENOMEM;
	section->reaches = reaches;
	reaches[section->reach_count++] = pool;
	return 0;
}

static int find_reaches(const struct config *config, struct config_section *section)
{
	const struct config_section *last = NULL;
	int r = config_has_servers(section) ? reach(section, config_pool(config, section)) : 0;

	for (size_t i = 0; i < section->route_count && r == 0; i++) {
		const struct config_section *pool = section->routes[i].pool;

		if (pool && pool != last)
			r = reach(section, pool);
		last = pool;
	}
	if (r == 0 && section->nameless.pool && section->route_count)
		r = reach(section, section->nameless.pool);
	return r;
}

void loader_route(struct loader *loader)
{
	struct config *config = loader->config;

	for (size_t i = 0; i < config->section_count && !loader->failed; i++) {
		struct config_section *section = &config->sections[i];
		int r;

		if (section->kind != CONFIG_PROXY)
			continue;
		r = read_routes(loader, section);
		if (r == 0) {
			read_nameless(loader, section);
			r = find_reaches(config, section);
		}
		if (r < 0)
			loader->failed = r;
	}
}
