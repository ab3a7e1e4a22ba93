#include "config/route_line.h"

#include "greet/routes.h"

int route_line_check_sni(const char *text, char why[VALUE_WHY_MAX])
{
	struct route route;

	return route_parse_sni(text, &route, why, VALUE_WHY_MAX);
}

int route_line_check_alpn(const char *text, char why[VALUE_WHY_MAX])
{
	struct route route;

	return route_parse_alpn(text, &route, why, VALUE_WHY_MAX);
}
