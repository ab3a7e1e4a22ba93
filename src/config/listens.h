/*
 * All listen lines of a configuration, to be found by where they listen: the first of those
 * that meet there, in file order.  By hash, so that many lines are looked at once each.
 */
#ifndef CONFIG_LISTENS_H
#define CONFIG_LISTENS_H

#include "config/config.h"

struct listens_entry;

struct listens {
	struct listens_entry *entries; /* an entry for each key of a line, in file order */
	uint32_t *first, *last;        /* by hash: entries, counted from 1 */
	uint32_t count, buckets;
};

/* With those of all sections, [control] and [metrics] behind the others.  0 or -ENOMEM. */
int listens_init(struct listens *listens, const struct config *config) must_check;
void listens_done(struct listens *listens);

/* The first line that listens where that one does, and its section; NULL: none does. */
const struct config_endpoint *listens_find(const struct listens *listens,
					   const struct config_endpoint *line,
					   const struct config_section **ret_section);

#endif
