/* The relay strategies there are. */
#ifndef RELAY_STRATEGIES_H
#define RELAY_STRATEGIES_H

#include "config/config.h"
#include "lane/strategy.h"

#define X(NAME, name) extern const struct strategy relay_##name;
CONFIG_RELAYS(X)
#undef X

/* The strategy for a `relay =` of the configuration. */
const struct strategy *strategy(enum config_relay relay);

#endif
