#include "control/http_link.h"

#include "base/clock.h"
#include "control/http_call.h"

#include <stdlib.h>
#include <sys/socket.h>

#define REQUEST_MS 10000
#define ANSWER_MS  30000
#define SPARE      32 /* connections that those who wait leave to who comes */

/* The library sees the end of it, and lets go. */
static void shut(struct http_link *link)
{
	(void)shutdown(link->fd, SHUT_RDWR);
}

static struct http_link *next(const struct http_port *port, struct list *node)
{
	return node->next == &port->links ? NULL : container_of(node->next, struct http_link, node);
}

static void shut_oldest(struct http_port *port)
{
	struct http_link *link = next(port, &port->links);

	while (link && link->phase != HTTP_LINK_WAITS)
		link = next(port, &link->node);
	if (!link)
		return;
	link->phase = HTTP_LINK_BUSY; /* not the same one again */
	shut(link);
}

struct http_link *http_link_open(struct http_port *port, int fd)
{
	struct http_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	*link = (struct http_link){.port = port, .fd = fd, .since_ms = clock_now_ms()};
	if (port->link_count++ >= HTTP_CONNECTIONS_MAX - SPARE)
		shut_oldest(port);
	list_push(&port->links, &link->node);
	return link;
}

void http_link_close(struct http_port *port, struct http_link *link)
{
	if (!link)
		return;
	port->link_count--;
	list_remove(&link->node);
	free(link);
}

void http_link_set(struct http_link *link, enum http_link_phase phase)
{
	if (!link)
		return;
	link->phase = phase;
	link->since_ms = clock_now_ms();
	list_remove(&link->node);
	list_push(&link->port->links, &link->node);
}

void http_links_sweep(struct http_port *port, uint64_t now_ms)
{
	static const uint64_t patience[] = {
		[HTTP_LINK_WAITS] = REQUEST_MS,
		[HTTP_LINK_BUSY] = UINT64_MAX,
		[HTTP_LINK_ANSWERS] = ANSWER_MS,
	};

	for (struct http_link *link = next(port, &port->links); link;
	     link = next(port, &link->node))
		if (now_ms - link->since_ms > patience[link->phase])
			shut(link);
}

bool http_links_busy(const struct http_port *port)
{
	for (struct list *node = port->links.next; node != &port->links; node = node->next)
		if (container_of(node, struct http_link, node)->phase != HTTP_LINK_WAITS)
			return true;
	return false;
}
