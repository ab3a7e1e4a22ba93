/*
 * The value of a `listen` or `server` line: an address, for listen perhaps a
 * range of ports of it, and behind it options.
 *
 *   127.0.0.1:80    8000-8010    unix:/run/x.sock mode=0660 group=www    192.0.2.1:80 freebind
 */
#ifndef CONFIG_ENDPOINT_H
#define CONFIG_ENDPOINT_H

#include "config/config.h"
#include "config/value.h"

#define ENDPOINT_PORTS_MAX 1024 /* of one line: each is a socket of each worker */

/* What the line is for, which decides what it may be. */
enum endpoint_use {
	ENDPOINT_CONNECT, /* a server */
	ENDPOINT_LISTEN,
	ENDPOINT_CONTROL, /* [control]: the path of a unix socket, that not everybody may use */
	ENDPOINT_METRICS,
};

/*
 * Fill all but file and line.  A range fills in its first port; *ret_count is how
 * many there are.  0, -EINVAL with one sentence in why, or -ENOMEM; then nothing
 * is held.  endpoint_done() otherwise.
 */
int endpoint_parse(struct config_endpoint *ret_endpoint, unsigned *ret_count, const char *text,
		   enum endpoint_use use, char why[VALUE_WHY_MAX]) must_check;
/* The same with the next port of its range. */
int endpoint_next(struct config_endpoint *ret_endpoint,
		  const struct config_endpoint *endpoint) must_check;
void endpoint_done(struct config_endpoint *endpoint);

#endif
