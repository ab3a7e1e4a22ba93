#include "ops/events.h"

#include "base/clock.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <time.h>

#define US_PER_MS   1000u
#define PAUSE_MS    20
#define ACCURACY_US 1 /* the library would let a timer be late by a quarter of a second */

struct events {
	sd_event *loop;
	uint32_t count; /* of events that have not been removed */
	bool stopped;
};

struct event {
	struct events *events;
	sd_event_source *source;
	void *owner;
	union {
		events_ready_handler *ready;
		events_signal_handler *signal;
		events_handler *time;
	};
};

int events_open(struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));
	int r;

	if (!events)
		return -ENOMEM;
	r = sd_event_new(&events->loop);
	if (r < 0) {
		free(events);
		return r;
	}
	*ret_events = events;
	return 0;
}

void events_close(struct events *events)
{
	if (!events)
		return;
	assert(events->count == 0); /* each of them keeps the loop alive */
	sd_event_unref(events->loop);
	free(events);
}

void events_run(struct events *events)
{
	events->stopped = false;
	while (!events->stopped) {
		int r = sd_event_run(events->loop, UINT64_MAX);

		assert(r >= 0 || r == -ENOMEM); /* else it is no loop, or another process's */
		if (r < 0)
			nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * CLOCK_NS_PER_MS}, NULL);
	}
}

void events_stop(struct events *events)
{
	events->stopped = true;
}

/* ---- Telling --------------------------------------------------------------------------------- */

/*
 * The handler may remove its event: nothing of it is touched afterwards.  The library
 * would switch off for good whatever returns an error, so none is.
 */
static int tell_ready(sd_event_source *source, int fd, uint32_t ready, void *argument)
{
	const struct event *event = argument;

	(void)source;
	(void)fd;
	event->ready(event->owner, ready);
	return 0;
}

static int tell_time(sd_event_source *source, uint64_t us, void *argument)
{
	const struct event *event = argument;

	(void)source;
	(void)us;
	event->time(event->owner);
	return 0;
}

static int tell_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *argument)
{
	const struct event *event = argument;

	(void)source;
	event->signal(event->owner, (int)info->ssi_signo);
	return 0;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

static struct event *event_new(struct events *events, void *owner)
{
	struct event *event = malloc(sizeof(*event));

	if (event)
		*event = (struct event){.events = events, .owner = owner};
	return event;
}

/* The library has answered r. */
static int added(struct event *event, int r, struct event **ret_event)
{
	if (r < 0) {
		sd_event_source_disable_unref(event->source);
		free(event);
		return r;
	}
	event->events->count++;
	*ret_event = event;
	return 0;
}

int events_add_descriptor(struct events *events, struct event **ret_event, int fd, uint32_t awaited,
			  events_ready_handler *handler, void *owner)
{
	struct event *event = event_new(events, owner);

	if (!event)
		return -ENOMEM;
	event->ready = handler;
	return added(event,
		     sd_event_add_io(events->loop, &event->source, fd, awaited, tell_ready, event),
		     ret_event);
}

int events_add_timer(struct events *events, struct event **ret_event, events_handler *handler,
		     void *owner)
{
	struct event *event = event_new(events, owner);

	if (!event)
		return -ENOMEM;
	event->time = handler;
	/* Set for never: it is armed when there is a time. */
	return added(event,
		     sd_event_add_time(events->loop, &event->source, CLOCK_MONOTONIC, UINT64_MAX,
				       ACCURACY_US, tell_time, event),
		     ret_event);
}

int events_add_signal(struct events *events, struct event **ret_event, int signal,
		      events_signal_handler *handler, void *owner)
{
	struct event *event = event_new(events, owner);

	if (!event)
		return -ENOMEM;
	event->signal = handler;
	return added(event,
		     sd_event_add_signal(events->loop, &event->source, signal, tell_signal, event),
		     ret_event);
}

/* ---- Changing -------------------------------------------------------------------------------- */

int events_await(struct event *event, uint32_t awaited)
{
	int r = sd_event_source_set_io_events(event->source, awaited);

	return r < 0 ? r : 0;
}

/* Only a descriptor can fail to be switched, and only a clock nobody knows to be set. */
static void switch_to(struct event *event, int enabled)
{
	int r = sd_event_source_set_enabled(event->source, enabled);

	assert(r >= 0);
}

static void set_us(struct event *event, uint64_t at_us)
{
	int r = sd_event_source_set_time(event->source, at_us);

	assert(r >= 0);
	switch_to(event, SD_EVENT_ONESHOT);
}

void events_set(struct event *event, uint64_t at_ms)
{
	if (at_ms >= UINT64_MAX / US_PER_MS)
		switch_to(event, SD_EVENT_OFF);
	else
		set_us(event, at_ms * US_PER_MS);
}

void events_set_in(struct event *event, uint64_t milliseconds)
{
	uint64_t now_us = clock_now_ns() / (CLOCK_NS_PER_MS / US_PER_MS) + 1;

	if (milliseconds >= (UINT64_MAX - now_us) / US_PER_MS)
		switch_to(event, SD_EVENT_OFF);
	else
		set_us(event, now_us + milliseconds * US_PER_MS);
}

/*
 * Not by the library's deferred sources: such a one is older than what became due after it was
 * added, however late it is asked for, and one that asks for itself again is all there is.
 */
void events_call(struct event *event)
{
	set_us(event, 0);
}

struct event *events_remove(struct event *event)
{
	if (!event)
		return NULL;
	event->events->count--;
	sd_event_source_disable_unref(event->source);
	free(event);
	return NULL;
}

static const char *remedy(int error)
{
	switch (-error) {
	case EMFILE:
		return "; see LimitNOFILE= of the unit (ulimit -n)";
	case ENFILE:
		return "; see fs.file-max (sysctl)";
	case ENOSPC:
		return "; see fs.epoll.max_user_watches (sysctl)";
	default:
		return "";
	}
}

int events_cannot(const char *what, int error)
{
	if (error == -ENOMEM)
		return log_no_memory("what the main thread waits for");
	log_error("cannot %s: %s%s", what, strerror(-error), remedy(error));
	return error;
}
