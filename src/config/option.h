/*
 * What stands behind the address of a `listen` or `server` line, separated by blanks: words,
 * and names with a value.
 *
 *   mode=0660 group=www        name=db1 weight=5 max_connections=100
 */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/endpoint.h"

/* Every option of the endpoint to its default. */
void option_set_defaults(struct config_endpoint *endpoint, enum endpoint_use use);

/*
 * Takes in all that text has for the endpoint, which has its address.  0, -EINVAL with one
 * sentence in why, or -ENOMEM.
 */
int option_set_all(struct config_endpoint *endpoint, enum endpoint_use use, const char *text,
		   char why[VALUE_WHY_MAX]) must_check;

/* The nth option of such a line, for the tests of the manual; NULL behind the last. */
const char *option_name(enum endpoint_use use, size_t n);

#endif
