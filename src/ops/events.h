/*
 * What the main thread waits for: descriptors, times, signals, calls put off.
 *
 * Each is one call that says whom to tell, and gives a handle to take it back by.
 * Handlers run one after the other, in the thread that is in events_run(), and
 * never inside each other; all of them wait meanwhile, so a handler does not block.
 * Of several that are due together the order is not promised.  Where none is, the
 * thread sleeps: the loop has no beat of its own.
 *
 *   an event            is added with          and is told of
 *   a socket, a pipe    events_add_descriptor  bytes, room, the end
 *   a file changed      ... of an inotify(7)   a name in it
 *   a child's end       ... of a pidfd_open(2) its end
 *   another thread      ... of an eventfd(2)   its call
 *   a time              events_add_timer       once for each time it is set
 *   when this is over   ... and events_call()  once
 *   a signal            events_add_signal      each; blocked in every thread: signals.h
 *
 * An event may be removed by any handler, its own included; from then on it is not
 * told of, even if it was due.  One thread owns a loop and all of its events.
 *
 * It is sd_event(3) behind this header; the watchdog is not its business, since who
 * feeds it must know more than that this loop turns.
 */
#ifndef OPS_EVENTS_H
#define OPS_EVENTS_H

#include "base/compiler.h"

#include <stdint.h>

struct events;
struct event;

typedef void events_handler(void *owner);
typedef void events_ready_handler(void *owner, uint32_t ready); /* EPOLLIN, EPOLLHUP ... */
typedef void events_signal_handler(void *owner, int signal);

/* 0, or a negative errno; events_cannot() puts it in words. */
int events_open(struct events **ret_events) must_check;
/* Every event has been removed.  NULL is fine. */
void events_close(struct events *events);

/*
 * Sleep and tell until a handler calls events_stop(); again and again.  While there is no
 * memory to wait with, it pauses, tries again, and nothing is lost.
 */
void events_run(struct events *events);
/* events_run() returns when this handler has: what else is due is told of in the next run. */
void events_stop(struct events *events);

/*
 * Add one.  0, or a negative errno: -EMFILE, -ENFILE, -ENOMEM, -ENOSPC; for a signal also
 * -EBUSY: it is not blocked here, or somebody else waits for it.
 *
 * A descriptor remains the caller's, who removes the event before closing it.  Awaited are
 * epoll(7)'s EPOLLIN, EPOLLOUT or both; EPOLLHUP and EPOLLERR are told unasked.
 * A timer is added at rest.
 */
int events_add_descriptor(struct events *events, struct event **ret_event, int fd, uint32_t awaited,
			  events_ready_handler *handler, void *owner) must_check;
int events_add_timer(struct events *events, struct event **ret_event, events_handler *handler,
		     void *owner) must_check;
int events_add_signal(struct events *events, struct event **ret_event, int signal,
		      events_signal_handler *handler, void *owner) must_check;

/* Of a descriptor: what is awaited from now on; 0: nothing.  A negative errno leaves it as it was.
 */
int events_await(struct event *event, uint32_t awaited) must_check;

/* Of a timer: tell at that time of clock_now_ms(), or at once if it is over; EVENTS_NEVER: rest. */
#define EVENTS_NEVER UINT64_MAX
void events_set(struct event *event, uint64_t at_ms);
/* ... when so long has passed, and not before. */
void events_set_in(struct event *event, uint64_t milliseconds);

/* ... when the handler that runs now has returned, and who is due already has been told of. */
void events_call(struct event *event);

/* Not to be told of again.  Returns NULL, to be kept in place of the handle; NULL is fine. */
struct event *events_remove(struct event *event);

/* Log that what could not be done for that error of this header, and the remedy; returns it. */
int events_cannot(const char *what, int error);

#endif
