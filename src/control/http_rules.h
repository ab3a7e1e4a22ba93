/*
 * Which requests are refused before anybody is asked: what a browser was made to send, and
 * changes where only looking is allowed.
 *
 * A page from elsewhere can make a browser send requests to 127.0.0.1, and by a name
 * that leads there (DNS rebinding) even read the answers.  Such a request says so: its
 * Host is that name, or it has an Origin.
 *
 *                      a unix socket      TCP
 *   Host               anything           where we listen, localhost, 127.0.0.1, [::1],
 *                                         the address that was connected to, our host name
 *   Origin             none at all        none, or http:// and the same Host
 *   read_only          GET and HEAD       GET and HEAD
 */
#ifndef CONTROL_HTTP_RULES_H
#define CONTROL_HTTP_RULES_H

#include "base/compiler.h"

struct http_claim {
	const char *method;
	const char *host, *origin; /* the headers; NULL: there is none */
	bool local;                /* came in by a unix socket */
	bool read_only;
	const char *listen; /* where we listen, as it was written */
	const char *here;   /* the address that was connected to, as text */
	const char *name;   /* this machine's */
};

struct http_refusal {
	unsigned status;
	const char *code, *message, *hint;
};

/* Why it is refused, or NULL. */
const struct http_refusal *http_refuse(const struct http_claim *claim);

#endif
