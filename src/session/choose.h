/*
 * Which server is tried next, and what the worker knows of it.
 */
#ifndef SESSION_CHOOSE_H
#define SESSION_CHOOSE_H

#include "base/compiler.h"

struct section;
struct server_health;
struct sessions;

/* The next in turn, by its index. */
uint32_t choose_next(struct sessions *all, const struct section *section);
struct server_health *choose_health(struct sessions *all, const struct section *section,
				    uint32_t server);

#endif
