/*
 * Many descriptors that come and go, beside a loop: all of them are one event of it (events.h).
 *
 *     descriptor --+
 *     descriptor --+--> a set of their own (epoll(7)) --> one event of the loop --> its handler
 *     descriptor --+
 *
 * Each costs one system call when it is added, and none when it is closed.  It is told of by
 * edges: once when there is something to receive or room to send where there was not before, and
 * so whoever is told goes on until there is no more.
 */
#ifndef OPS_EDGES_H
#define OPS_EDGES_H

#include "ops/events.h"

struct edges;

/* One of them, where its owner has it. */
struct edge {
	events_ready_handler *handler;
	void *owner;
};

/* 0 or a negative errno. */
int edges_open(struct edges **ret_edges, struct events *events) must_check;
/* None is left.  NULL is fine. */
void edges_close(struct edges *edges);

/* The descriptor remains the caller's.  0 or a negative errno. */
int edges_add(struct edges *edges, struct edge *edge, int fd) must_check;
/* It is not told of any more.  Its descriptor is to be closed at once, by which it leaves. */
void edges_remove(struct edges *edges, const struct edge *edge);

#endif
