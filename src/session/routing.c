#include "session/routing.h"

#include "config/config.h"
#include "greet/client_hello.h"
#include "greet/routes.h"
#include "session/edition.h"
#include "session/greeting.h"
#include "session/introduced.h"
#include "session/session.h"
#include "session/tenancy.h"

#include <errno.h>
#include <stdlib.h>

struct routing {
	struct routes *table;
	struct pool *nameless; /* NULL: they are refused */
	struct pool *pools[];  /* of each route, likewise */
};

static struct pool *pool_of(const struct edition *edition, const struct config_route *route)
{
	return route->pool ? edition_pool(edition, route->pool) : NULL;
}

int routing_give(struct section *section, const struct edition *edition)
{
	const struct config_section *config = section->config;
	struct routing *routing;
	uint32_t clash;
	int r = 0;

	if (!config->route_count)
		return 0;
	routing = calloc(1, sizeof(*routing) + config->route_count * sizeof(struct pool *));
	section->routing = routing;
	if (!routing || !(routing->table = routes_new()))
		return -ENOMEM;
	for (size_t i = 0; i < config->route_count && r == 0; i++) {
		routing->pools[i] = pool_of(edition, &config->routes[i]);
		r = routes_add(routing->table, &config->routes[i].route, &clash);
	}
	routing->nameless = pool_of(edition, &config->nameless);
	section->asks |= 1u << ASK_HELLO;
	if (config->preface == CONFIG_PREFACE_POSTGRES)
		section->asks |= 1u << ASK_PREFACE;
	return r;
}

void routing_take(struct section *section)
{
	if (!section->routing)
		return;
	routes_free(section->routing->table);
	free(section->routing);
	section->routing = NULL;
}

static enum routed lead(struct session *session, struct pool *pool, enum route_end end)
{
	if (!pool)
		return end == ROUTE_DROP ? ROUTED_DROPPED : ROUTED_REJECTED;
	session->desk = tenancy_desk(session->branch->tenancy, pool);
	return ROUTED;
}

enum routed routing_follow(struct session *session, const struct client_hello *hello)
{
	const struct section *section = session->branch->section;
	const struct config_section *config = section->config;
	const struct routing *routing = section->routing;
	uint32_t number = routes_find(routing->table, hello);
	enum routed routed;

	if (number != ROUTES_NONE) {
		if (session->introduced)
			session->introduced->route = config->routes[number].line;
		return lead(session, routing->pools[number], config->routes[number].route.end);
	}
	if (hello->name_length)
		return session->desk ? ROUTED : ROUTED_NOWHERE;
	routed = lead(session, routing->nameless, config->nameless.route.end);
	return routed == ROUTED_REJECTED ? ROUTED_NAMELESS : routed;
}
