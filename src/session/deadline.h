/*
 * What a session is to do at some time: one array, and one timer for all of it.
 *
 * Bytes only note the time (road.active_ms); the timer fires at the earliest time anything
 * could be due, compares, and is set again to what is left.  So traffic costs no timer
 * operation, and idle sessions cost nothing at all.
 */
#ifndef SESSION_DEADLINE_H
#define SESSION_DEADLINE_H

#include "base/compiler.h"
#include "base/wheel.h"

struct session;

/* In the order in which they are seen to. */
enum deadline {
	DEADLINE_LIFETIME,     /* max_lifetime, or a service's farewell */
	DEADLINE_GREETING,     /* what is asked of the client has not been said: greeting.h */
	DEADLINE_REQUEST,      /* a service waits for its client: lane_expect() */
	DEADLINE_RETRY,        /* give up waiting for another round of servers */
	DEADLINE_QUEUE,        /* give up waiting for a place at a server */
	DEADLINE_ACKNOWLEDGED, /* look again how much has been acknowledged: ending.h */
	DEADLINE_HANDSHAKE,    /* an acknowledgement is held until then: handshake.h */
	DEADLINE_WATCH,        /* watch the sides that nothing is read from: ending.h */
	DEADLINE_LOOK,         /* look whether the connect has succeeded */
	DEADLINE_CONNECT,      /* connect_timeout of the attempt */
	DEADLINE_CANCEL,       /* in CLOSING: cancel once more */
	DEADLINE_QUIET,        /* idle_timeout, half_close_timeout: worked out, not kept */
	DEADLINE_COUNT,
};

#define DEADLINE_NONE UINT64_MAX

struct deadlines {
	struct wheel_timer timer;       /* at the earliest of them, or before */
	uint64_t at_ms[DEADLINE_QUIET]; /* or DEADLINE_NONE */
};

/* None; and the timer is not set. */
void deadline_clear_all(struct session *session);
void deadline_set(struct session *session, enum deadline which, uint64_t at_ms);
void deadline_clear(struct session *session, enum deadline which);
bool deadline_is_set(const struct session *session, enum deadline which);

/* DEADLINE_QUIET may have come nearer: see that the timer fires in time. */
void deadline_update(struct session *session);
/* The timer has fired: the same, for all of them. */
void deadline_again(struct session *session);

/* The first that is due, of `from` and those behind it, and not set any more; or DEADLINE_COUNT. */
unsigned deadline_due(struct session *session, unsigned from);

#endif
