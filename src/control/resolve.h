/*
 * Host names to addresses, once, at start.  A name with several addresses
 * becomes as many servers, in the resolver's order of preference.
 */
#ifndef CONTROL_RESOLVE_H
#define CONTROL_RESOLVE_H

#include "net/section.h"

/* Fill section->servers from its configuration.  What cannot be resolved is logged. */
int resolve_servers(struct section *section, const struct config *config) must_check;

/* A name into one numeric address, for listening: the resolver's first. */
int resolve_listen(struct address *address, const char *place) must_check;

#endif
