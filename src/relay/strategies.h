/* The relay strategies there are. */
#ifndef RELAY_STRATEGIES_H
#define RELAY_STRATEGIES_H

#include "config/config.h"
#include "lane/strategy.h"

extern const struct strategy relay_copy, relay_splice, relay_zerocopy, relay_auto;

/* The strategy for a `relay =` of the configuration. */
const struct strategy *strategy(enum config_relay relay);

#endif
