#include "ops/edges.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 32 /* in a turn of the loop; the rest is due in the next */

struct edges {
	struct event *event;
	int fd;
	struct epoll_event batch[BATCH];
	int at, count; /* of those that are being told */
};

static void on_ready(void *owner, uint32_t ready)
{
	struct edges *edges = owner;

	(void)ready;
	edges->count = epoll_wait(edges->fd, edges->batch, BATCH, 0);
	for (edges->at = 0; edges->at < edges->count; edges->at++) {
		const struct epoll_event *told = &edges->batch[edges->at];
		const struct edge *edge = told->data.ptr;

		if (edge)
			edge->handler(edge->owner, told->events);
	}
	edges->count = 0;
}

int edges_open(struct edges **ret_edges, struct events *events)
{
	struct edges *edges = calloc(1, sizeof(*edges));
	int r;

	if (!edges)
		return -ENOMEM;
	edges->fd = epoll_create1(EPOLL_CLOEXEC);
	r = edges->fd < 0 ? -errno
			  : events_add_descriptor(events, &edges->event, edges->fd, EPOLLIN,
						  on_ready, edges);
	if (r < 0)
		edges_close(edges);
	else
		*ret_edges = edges;
	return r;
}

void edges_close(struct edges *edges)
{
	if (!edges)
		return;
	events_remove(edges->event);
	if (edges->fd >= 0)
		close(edges->fd);
	free(edges);
}

int edges_add(struct edges *edges, struct edge *edge, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = edge};

	return epoll_ctl(edges->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

void edges_remove(struct edges *edges, const struct edge *edge)
{
	for (int i = edges->at; i < edges->count; i++)
		if (edges->batch[i].data.ptr == edge)
			edges->batch[i].data.ptr = NULL;
}
