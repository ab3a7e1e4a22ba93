/*
 * A server by what somebody calls it, "web" and "app1"; or, where that is not one server, what
 * there is instead, in words.
 */
#ifndef CONTROL_FIND_SERVER_H
#define CONTROL_FIND_SERVER_H

#include "session/edition.h"

#define FIND_SERVER_WHY_MAX  200
#define FIND_SERVER_HINT_MAX 300

struct found_server {
	const struct pool *pool;
	const struct member *member; /* NULL: as the code says */
	const char *code;            /* "no_such_pool", "no_such_server", "ambiguous" */
	char why[FIND_SERVER_WHY_MAX];
	char hint[FIND_SERVER_HINT_MAX];
};

/*
 * Of those that are not gone, and else of those that are, the one of that name in its pool; else
 * its address; else what its name begins with, before "-ADDRESS", where a host name has a name in
 * the configuration.
 */
bool find_server(const struct edition *edition, const char *pool, const char *name,
		 struct found_server *ret_found);
/* A pool by its name; NULL: there is none, and the rest of *ret_found says so. */
const struct pool *find_pool(const struct edition *edition, const char *name,
			     struct found_server *ret_found);

#endif
