/*
 * One timer per session for all its deadlines.
 *
 * Bytes only note the time (session.road.active_ms); the timer fires at the earliest
 * time anything could be due, compares, and is set again to what is left.  So
 * traffic costs no timer operation, and idle sessions cost nothing at all.
 */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

struct session;

/* A deadline may have come nearer: set the timer if it must fire earlier than it would. */
void deadline_update(struct session *session);

/* The session's timer fired. */
void deadline_expired(struct session *session);

#endif
