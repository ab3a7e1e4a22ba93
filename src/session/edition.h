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
	struct pool *pools;
	uint32_t pool_count;
};

#endif
