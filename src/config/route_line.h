/* Whether a line of route_sni or route_alpn is right by itself: rows of schema.c. */
#ifndef CONFIG_ROUTE_LINE_H
#define CONFIG_ROUTE_LINE_H

#include "config/schema.h"

schema_line_check route_line_check_sni, route_line_check_alpn;

#endif
