/* The services that answer by themselves: RFC 862, 863, 864, and an HTTP responder. */
#ifndef SERVICE_SERVICES_H
#define SERVICE_SERVICES_H

#include "config/config.h"
#include "lane/strategy.h"

#define X(NAME, name) extern const struct strategy service_##name;
CONFIG_SERVICES(X)
#undef X

/* The service for a kind of section; NULL for CONFIG_PROXY. */
const struct strategy *service_of(enum config_kind kind);

#endif
