/*
 * Strangers: clients whom some sections do not let in, each by a network that is denied.  They
 * are refused there and served elsewhere, and nobody else is refused.
 */
#ifndef TESTS_SUPPORT_SIM_STRANGERS_H
#define TESTS_SUPPORT_SIM_STRANGERS_H

#include "session/tenancy.h"
#include "support/sim.h"

#include <netinet/in.h>

/* Perhaps it does not let them in. */
void sim_strangers_guard(struct section *section, struct config_section *source, uint32_t name);
/* Of a client: where it comes from. */
void sim_strangers_address(const struct sim_connection *client, struct sockaddr_in6 *ret_address);
/* It is one, and may be turned away. */
bool sim_may_be_denied(const struct sim_connection *client);
/* It has been let in there. */
void sim_strangers_opened(const struct section *section, const struct sim_connection *client);

#endif
