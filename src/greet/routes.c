#include "greet/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/hash.h"
#include "greet/client_hello.h"
#include "greet/route.h"

#define NOTHING UINT32_MAX

/* The routes that say the same of the name, by their numbers. */
struct ways {
	uint32_t plain; /* whatever is offered */
	uint32_t links; /* each for a protocol */
};

struct link {
	uint32_t route, next;
	uint32_t alpn_at, alpn_length; /* in texts */
};

/* The routes whose name is this one; in one piece, since each other place is a cache line. */
struct node {
	struct ways exact;      /* a.example */
	struct ways with_below; /* .example, of itself */
	struct ways below;      /* *.example and .example */
	uint32_t length;
	char name[];
};

/* By its hash; a name that is not there is mostly known by this alone. */
struct slot {
	uint32_t hash, node; /* where it is in nodes; NOTHING: free */
};

struct routes {
	struct slot *slots;
	size_t slot_count; /* a power of two, half of them free */
	char *nodes;
	size_t nodes_size, node_count;
	struct link *links;
	uint32_t link_count;
	char *texts;
	size_t text_size;
	struct ways any_name, anybody;
	uint32_t count;
};

static const struct ways no_ways = {ROUTES_NONE, NOTHING};

struct routes *routes_new(void)
{
	struct routes *routes = calloc(1, sizeof(*routes));

	if (routes)
		routes->any_name = routes->anybody = no_ways;
	return routes;
}

void routes_free(struct routes *routes)
{
	if (!routes)
		return;
	free(routes->slots);
	free(routes->nodes);
	free(routes->links);
	free(routes->texts);
	free(routes);
}

uint32_t routes_count(const struct routes *routes)
{
	return routes->count;
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* A hash that goes from a name's end to its beginning. */
static inline uint32_t hash_before(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 16777619u;
}

static struct node *node_at(const struct routes *routes, uint32_t at)
{
	return (struct node *)(void *)(routes->nodes + at);
}

/* Where it is in nodes, or NOTHING. */
static uint32_t find_node(const struct routes *routes, uint32_t hash, const char *name,
			  size_t length)
{
	size_t mask = routes->slot_count - 1;
	const struct slot *slot;

	for (size_t at = hash & mask; (slot = &routes->slots[at])->node != NOTHING;
	     at = (at + 1) & mask) {
		const struct node *node = node_at(routes, slot->node);

		if (slot->hash == hash && node->length == length &&
		    !memcmp(node->name, name, length))
			return slot->node;
	}
	return NOTHING;
}

static uint32_t find_link(const struct routes *routes, uint32_t first, const void *alpn,
			  size_t length)
{
	for (uint32_t at = first; at != NOTHING; at = routes->links[at].next) {
		const struct link *link = &routes->links[at];

		if (link->alpn_length == length &&
		    !memcmp(routes->texts + link->alpn_at, alpn, length))
			return link->route;
	}
	return ROUTES_NONE;
}

/* By the first protocol of the client's that there is a route for. */
static uint32_t match_alpn(const struct routes *routes, const struct ways *ways,
			   const struct client_hello *hello)
{
	uint32_t route = ROUTES_NONE;

	for (size_t at = 0;
	     ways->links != NOTHING && route == ROUTES_NONE && at < hello->alpn_length;
	     at += 1 + (size_t)hello->alpn[at])
		route = find_link(routes, ways->links, hello->alpn + at + 1, hello->alpn[at]);
	return route;
}

static uint32_t match(const struct routes *routes, const struct ways *ways,
		      const struct client_hello *hello)
{
	uint32_t route = match_alpn(routes, ways, hello);

	return route != ROUTES_NONE ? route : ways->plain;
}

static uint32_t match_node(const struct routes *routes, const struct node *node, bool whole,
			   const struct client_hello *hello)
{
	uint32_t route;

	if (!whole)
		return match(routes, &node->below, hello);
	route = match(routes, &node->exact, hello);
	return route != ROUTES_NONE ? route : match(routes, &node->with_below, hello);
}

/* From the shortest suffix to the name itself, which goes before what was found on the way. */
static uint32_t find_name(const struct routes *routes, const struct client_hello *hello)
{
	uint32_t hash = HASH_BEGIN, best = ROUTES_NONE;

	if (!routes->node_count)
		return best;
	for (size_t at = hello->name_length; at-- > 0;) {
		uint32_t node, route;

		hash = hash_before(hash, hello->name[at]);
		if (at && hello->name[at - 1] != '.')
			continue;
		node = find_node(routes, hash, hello->name + at, hello->name_length - at);
		if (node == NOTHING)
			continue;
		route = match_node(routes, node_at(routes, node), !at, hello);
		if (route != ROUTES_NONE)
			best = route;
	}
	return best;
}

uint32_t routes_find(const struct routes *routes, const struct client_hello *hello)
{
	const struct ways *any_name = hello->name_length ? &routes->any_name : &no_ways;
	uint32_t route = find_name(routes, hello);

	if (route == ROUTES_NONE)
		route = match_alpn(routes, any_name, hello);
	if (route == ROUTES_NONE)
		route = match_alpn(routes, &routes->anybody, hello);
	return route != ROUTES_NONE ? route : any_name->plain;
}

/* ---- Making ---------------------------------------------------------------------------------- */

static int keep_text(struct routes *routes, const char *text, size_t length, uint32_t *ret_at)
{
	char *texts;

	if (routes->text_size + length > UINT32_MAX)
		return -ENOMEM;
	texts = grow(routes->texts, routes->text_size, length, 1);
	if (!texts && length)
		return -ENOMEM;
	if (length)
		memcpy(texts + routes->text_size, text, length);
	routes->texts = texts;
	*ret_at = (uint32_t)routes->text_size;
	routes->text_size += length;
	return 0;
}

static void place(struct slot *slots, size_t count, struct slot slot)
{
	size_t at = slot.hash & (count - 1);

	while (slots[at].node != NOTHING)
		at = (at + 1) & (count - 1);
	slots[at] = slot;
}

/* Room for one node more, with as many slots free as taken. */
static int make_room(struct routes *routes)
{
	size_t count = routes->slot_count ? routes->slot_count * 2 : 16;
	struct slot *slots;

	if ((routes->node_count + 1) * 2ul <= routes->slot_count)
		return 0;
	slots = reallocarray(NULL, count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots, 0xff, count * sizeof(*slots));
	for (size_t i = 0; i < routes->slot_count; i++)
		if (routes->slots[i].node != NOTHING)
			place(slots, count, routes->slots[i]);
	free(routes->slots);
	routes->slots = slots;
	routes->slot_count = count;
	return 0;
}

/* The node of that name, in lower case, which is new where there was none. */
static int get_node(struct routes *routes, const char *name, size_t length, struct node **ret_node)
{
	size_t size = (sizeof(struct node) + length + 7) / 8 * 8;
	uint32_t hash = HASH_BEGIN, there;
	struct node *node;
	char *nodes;
	int r = make_room(routes);

	if (r < 0)
		return r;
	for (size_t i = length; i-- > 0;)
		hash = hash_before(hash, name[i]);
	there = find_node(routes, hash, name, length);
	if (there != NOTHING) {
		*ret_node = node_at(routes, there);
		return 0;
	}
	if (routes->nodes_size + size > UINT32_MAX)
		return -ENOMEM;
	nodes = grow(routes->nodes, routes->nodes_size, size, 1);
	if (!nodes)
		return -ENOMEM;
	routes->nodes = nodes;
	there = (uint32_t)routes->nodes_size;
	node = node_at(routes, there);
	*node = (struct node){no_ways, no_ways, no_ways, (uint32_t)length};
	memcpy(node->name, name, length);
	place(routes->slots, routes->slot_count, (struct slot){hash, there});
	routes->nodes_size += size;
	routes->node_count++;
	*ret_node = node;
	return 0;
}

/* Before the others for protocols, whose order says nothing. */
static int link_alpn(struct routes *routes, struct ways *ways, const struct route *route)
{
	struct link *links = grow(routes->links, routes->link_count, 1, sizeof(*links));
	uint32_t alpn_at;
	int r;

	if (!links)
		return -ENOMEM;
	routes->links = links;
	r = keep_text(routes, route->alpn, route->alpn_length, &alpn_at);
	if (r < 0)
		return r;
	links[routes->link_count] = (struct link){
		.route = routes->count,
		.next = ways->links,
		.alpn_at = alpn_at,
		.alpn_length = (uint32_t)route->alpn_length,
	};
	ways->links = routes->link_count++;
	return 0;
}

static int add_way(struct routes *routes, struct ways *ways, const struct route *route,
		   uint32_t *ret_clash)
{
	uint32_t there = route->alpn
				 ? find_link(routes, ways->links, route->alpn, route->alpn_length)
				 : ways->plain;

	if (there != ROUTES_NONE) {
		*ret_clash = there;
		return -EEXIST;
	}
	if (route->alpn)
		return link_alpn(routes, ways, route);
	ways->plain = routes->count;
	return 0;
}

static int add_named(struct routes *routes, const struct route *route, uint32_t *ret_clash)
{
	char name[HELLO_NAME_MAX];
	struct node *node;
	int r;

	for (size_t i = 0; i < route->name_length; i++) {
		char c = route->name[i];

		name[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	r = get_node(routes, name, route->name_length, &node);
	if (r < 0)
		return r;
	if (route->kind == ROUTE_EXACT)
		return add_way(routes, &node->exact, route, ret_clash);
	r = add_way(routes, &node->below, route, ret_clash);
	if (r == 0 && route->kind == ROUTE_WITH_BELOW)
		r = add_way(routes, &node->with_below, route, ret_clash);
	return r;
}

int routes_add(struct routes *routes, const struct route *route, uint32_t *ret_clash)
{
	int r;

	assert(route->name_length <= HELLO_NAME_MAX);
	if (route->kind == ROUTE_ANY_NAME)
		r = add_way(routes, &routes->any_name, route, ret_clash);
	else if (route->kind == ROUTE_ANYBODY)
		r = add_way(routes, &routes->anybody, route, ret_clash);
	else
		r = add_named(routes, route, ret_clash);
	if (r == 0 || r == -EEXIST)
		routes->count++;
	return r;
}
