/*
 * Where a client goes by the name and the protocols it asks for: a table of routes.
 *
 *   a.b.example   asks for   a.b.example      the name itself
 *                            *.b.example   \  the longest suffix
 *                            *.example     /
 *                            *, and protocols alone
 *
 * The most particular one that applies is taken, in whatever order they were added.  Of those
 * that say the same of the name, one for a protocol that the client offers goes before one for
 * all, and of several the one whose protocol the client names first.  A protocol alone, for
 * clients with a name and without, stands between `* alpn=` and `*`.
 *
 * One look-up hashes the name once, from its end, so that each suffix's hash is there on the way.
 */
#ifndef GREET_ROUTES_H
#define GREET_ROUTES_H

#include "base/compiler.h"

struct client_hello;
struct route;
struct routes;

#define ROUTES_NONE UINT32_MAX

/* NULL without memory. */
struct routes *routes_new(void) must_check;
void routes_free(struct routes *routes);

/*
 * Add a route, whose number is how many were added before it.  0; -EEXIST when an earlier one is
 * for the same clients, with its number in ret_clash; or -ENOMEM.  One that clashes has its
 * number too, and is never found.
 */
int routes_add(struct routes *routes, const struct route *route, uint32_t *ret_clash) must_check;
uint32_t routes_count(const struct routes *routes);

/* The number of the route for it, or ROUTES_NONE. */
uint32_t routes_find(const struct routes *routes, const struct client_hello *hello);

#endif
