/*
 * The routes of a proxy: its lines read, and the pools that they name found.
 *
 *   route_sni = *.example -> web   \                      [pool web]
 *   route_sni = a.example -> app    }  section->routes -> [pool app]
 *   no_sni    = web                /   section->reaches: web, app
 *
 * A pool is one of the [pool] sections, or the proxy itself where it has servers of its own.
 */
#ifndef CONFIG_ROUTING_H
#define CONFIG_ROUTING_H

#include "config/loader.h"

/* For every proxy, with whatever is wrong about it; before the other checks. */
void loader_route(struct loader *loader);
void routing_done(struct config_section *section);

/* Whether clients are asked for a ClientHello. */
static inline bool routing_asks(const struct config_section *section)
{
	return section->route_count > 0;
}

#endif
