/*
 * Lines of keys that may stand several times and whose order counts: allow and deny,
 * the addresses that connections come from, routes.  They are kept as they are written,
 * in the order of the files, whatever their keys; who uses them reads them by the same
 * function that has checked them here.
 *
 * Keys that are about one thing, allow and deny, are a group.  A section that says
 * something of a group has nothing of it from [defaults].
 */
#ifndef CONFIG_REPEATED_H
#define CONFIG_REPEATED_H

#include "config/loader.h"

/*
 * One more in the section that is being read; without a value, or with the word for none,
 * there are none of its group so far.
 */
void repeated_add(struct loader *loader, unsigned line, const struct schema_key *key,
		  const char *text);
/* What the section says nothing of it has from [defaults].  0 or -ENOMEM. */
int repeated_inherit(const struct config_section *defaults,
		     struct config_section *section) must_check;
void repeated_done(struct config_section *section);

#endif
