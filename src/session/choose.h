/*
 * Choosing a server for a session, out of its section's pool (pool/choose.h), and what is
 * learnt by that of how long servers take.
 *
 * Who is chosen has a place there from then on, which the session holds until its socket is
 * closed: given back once, by choose_leave().  No server is chosen twice in a round.
 *
 * When one has failed, another is chosen for as long as `retries` and retry_timeout let it; and of
 * all connections that are on their way to another server, no more than a part of what the pool
 * has are at a time.  That is no refusal: the others wait for their turn (queued.h).
 */
#ifndef SESSION_CHOOSE_H
#define SESSION_CHOOSE_H

#include "base/compiler.h"

struct session;

enum chosen {
	CHOSEN_SERVER,
	CHOSEN_NOBODY, /* will do, however long one waits for room */
	CHOSEN_FULL,   /* those who would do are, or others wait for them */
	CHOSEN_HELD,   /* as many go to another server as may at a time */
	CHOSEN_SPENT,  /* it has been sent to as many servers as it may be */
};

/* Another server, session.reach, and a place there; or why not. */
enum chosen choose_server(struct session *session);
/* The same for one whose turn it is of those that wait: for a place, and to go to another. */
enum chosen choose_in_turn(struct session *session);
enum chosen choose_to_retry(struct session *session);

/* Its place is free, if it has one. */
void choose_leave(struct session *session);
/* It is not on its way to another server any more, if it was. */
void choose_retried(struct session *session);
/* It has tried its server, as far as this round is concerned.  False: no memory for that. */
bool choose_tried(struct session *session) must_check;

/* The server took the connection, or answered, in so many microseconds; or did neither. */
void choose_took(struct session *session, uint32_t us);
void choose_failed(struct session *session);

#endif
