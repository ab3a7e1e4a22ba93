/* The services that answer by themselves: RFC 862, 863, 864, and an HTTP responder. */
#ifndef SERVICE_SERVICES_H
#define SERVICE_SERVICES_H

#include "config/config.h"
#include "lane/strategy.h"

extern const struct strategy service_echo, service_discard, service_chargen, service_responder;

/* The service for a kind of section; NULL for CONFIG_PROXY. */
const struct strategy *service_of(enum config_kind kind);

#endif
