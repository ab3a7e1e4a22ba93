/*
 * A line that says where clients go by what their ClientHello asks for.
 *
 *   route_sni  = NAME [alpn=PROTO] -> POOL        a.example     itself
 *                                     reject      *.example     any depth below it
 *                                     drop        .example      both
 *                                                 *             any name
 *   route_alpn = PROTO -> POOL                    any client that offers it, with a name or without
 */
#ifndef GREET_ROUTE_H
#define GREET_ROUTE_H

#include "base/compiler.h"

enum route_kind {
	ROUTE_EXACT,
	ROUTE_BELOW,
	ROUTE_WITH_BELOW, /* .example */
	ROUTE_ANY_NAME,
	ROUTE_ANYBODY, /* route_alpn */
};

enum route_end {
	ROUTE_TO_POOL,
	ROUTE_REJECT, /* with an alert, that says so */
	ROUTE_DROP,   /* without a word */
};

/* What it says lies in the text that it was read from. */
struct route {
	enum route_kind kind;
	enum route_end end;
	const char *name; /* without "*." or "." before it, or '.' behind it; in any case */
	const char *alpn; /* NULL: whatever is offered */
	const char *pool; /* ROUTE_TO_POOL */
	size_t name_length, alpn_length, pool_length;
};

/* 0, or -EINVAL with a sentence in why. */
int route_parse_sni(const char *text, struct route *ret_route, char *why,
		    size_t why_size) must_check;
int route_parse_alpn(const char *text, struct route *ret_route, char *why,
		     size_t why_size) must_check;

/* "POOL" or "reject": what no_sni may say, and what stands behind an arrow. */
int route_parse_end(const char *text, struct route *ret_route, char *why,
		    size_t why_size) must_check;

#endif
