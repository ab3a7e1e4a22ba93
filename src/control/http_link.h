/*
 * The connections of a port, and what each waits for.
 *
 * The library ends a connection on which nothing moved for some seconds.  That
 * leaves who sends a byte now and then, or reads one: a request has to be whole after a
 * while, and an answer taken.  And where connections run short, who has waited longest
 * without asking anything makes room for who comes.
 */
#ifndef CONTROL_HTTP_LINK_H
#define CONTROL_HTTP_LINK_H

#include "base/list.h"

struct http_port;

enum http_link_phase {
	HTTP_LINK_WAITS,   /* for a request, or its rest */
	HTTP_LINK_BUSY,    /* with it, or streams */
	HTTP_LINK_ANSWERS, /* for its answer to be taken */
};

struct http_link {
	struct list node; /* in the port's links, in the order of since_ms */
	struct http_port *port;
	int fd; /* the library's */
	enum http_link_phase phase;
	uint64_t since_ms;
};

/* NULL without memory, which the others take. */
struct http_link *http_link_open(struct http_port *port, int fd);
void http_link_close(struct http_port *port, struct http_link *link);
void http_link_set(struct http_link *link, enum http_link_phase phase);
/* Shut those that take too long. */
void http_links_sweep(struct http_port *port, uint64_t now_ms);
/* Whether any has a request or its answer. */
bool http_links_busy(const struct http_port *port);

#endif
