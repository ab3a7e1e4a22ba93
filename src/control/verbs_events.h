/*
 * GET /v1/events: what changes, as it does, in server-sent events (text/event-stream).
 *
 *	event: server
 *	data: {"event":"server","time":"2026-11-28T08:00:01.000Z","pool":"web", ...}
 *
 * What operators ask for is told at once.  For the rest the daemon is looked at each second,
 * as long as somebody listens, and what is another than before is told.  A comment each
 * second says that it lives.  Who reads too slowly is let go rather than waited for.
 */
#ifndef CONTROL_VERBS_EVENTS_H
#define CONTROL_VERBS_EVENTS_H

#include "base/list.h"
#include "base/sheet.h"
#include "control/verbs.h"

#define FEED_READERS_MAX 32
#define FEED_LOOK_MS     1000

struct feed_server;

/* All zeroes: there is none, and nobody listens. */
struct feed {
	struct event *look;
	const struct serve_tellers *tellers;
	struct list readers;
	unsigned count;

	/* As it was when it was last looked at; without readers it is not. */
	bool known;
	char state[16];
	uint64_t edition, reloads_failed;
	struct feed_server *servers, *proxies; /* of the latter, whether they are drained */
	size_t server_count, proxy_count;
};

/* 0 or a negative errno. */
int feed_open(struct feed *feed, struct events *events,
	      const struct serve_tellers *tellers) must_check;
/* Nobody listens any more.  All zeroes is fine. */
void feed_close(struct feed *feed);

/* What an event is, on a sheet that was empty; its members are added, and it is told. */
void feed_begin(struct sheet *sheet, const char *event);
void feed_tell(struct feed *feed, struct sheet *sheet);
/* Something has changed: readers are told when the handler that runs now has returned. */
void feed_look(struct feed *feed);
/* Somebody has asked for a change. */
void feed_asked(struct feed *feed, const struct http_request *request);

verb_answer events_follow;

#endif
