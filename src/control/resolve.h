/*
 * Host names to addresses, once, at start.  A name with several addresses
 * becomes as many servers, in the resolver's order of preference.
 */
#ifndef CONTROL_RESOLVE_H
#define CONTROL_RESOLVE_H

#include "net/section.h"

/* Fill section->servers from its configuration.  What cannot be resolved is logged. */
int resolve_servers(struct section *section, const struct config *config) must_check;

/*
 * A name into the addresses to listen on: all that the resolver gives, none
 * twice, up to max of them.  How many (one at least), or a negative errno.
 */
int resolve_listen(const struct address *name, const char *place, struct address *ret_addresses,
		   unsigned max) must_check;

#endif
