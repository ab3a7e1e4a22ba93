/*
 * Choosing a server for a session, out of its section's pool (pool/choose.h), and what is
 * learnt by that of how long servers take.
 *
 * Who is chosen has a place there from then on, which the session holds until its socket is
 * closed: given back once, by choose_leave().  No server is chosen twice in a round.
 */
#ifndef SESSION_CHOOSE_H
#define SESSION_CHOOSE_H

#include "base/compiler.h"

struct session;

/* Another server, session.reach, and a place there; false: there is none. */
bool choose_server(struct session *session) must_check;
/* Its place is free, if it has one. */
void choose_leave(struct session *session);
/* It has tried its server, as far as this round is concerned.  False: no memory for that. */
bool choose_tried(struct session *session) must_check;

/* The server took the connection, or answered, in so many microseconds; or did neither. */
void choose_took(struct session *session, uint32_t us);
void choose_failed(struct session *session);

#endif
