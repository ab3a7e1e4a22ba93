/*
 * An edition: one reading of the configuration, brought to life.
 *
 * All workers share it, and once they have it nothing in it changes but what atomics say:
 * servers that are known late, and counts.  The main thread makes it and is the only one to
 * free it, when no worker has a tenancy (tenancy.h) of it any more.
 */
#ifndef SESSION_EDITION_H
#define SESSION_EDITION_H

#include "session/section.h"

struct edition {
	uint64_t number; /* from 1 */
	const struct config *config;
	struct section *sections;
	uint32_t section_count;
	uint32_t kept;      /* of all sections together: place.h */
	struct pool *pools; /* those of the configuration first, in its order */
	uint32_t pool_count;
	struct pool **by_account; /* all of them, in the order of where their accounts are */
};

/* The pool that counts there; NULL: there is none. */
struct pool *edition_pool_of(const struct edition *edition, const struct account *account);

/* The pool of the servers that are written there; there is one. */
static inline struct pool *edition_pool(const struct edition *edition,
					const struct config_section *source)
{
	if (source->kind == CONFIG_POOL)
		return &edition->pools[source - edition->config->pools];
	return edition->sections[source - edition->config->sections].pool;
}

#endif
