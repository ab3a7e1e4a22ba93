/*
 * What a server is told of the client before the client's own bytes: a PROXY header, where
 * send_proxy says so.
 *
 * It goes out with whatever the client has said so far, as the first bytes of the connection,
 * and also where the client says nothing: many servers speak first, but not before they know to
 * whom.  Each server that is tried is told, by what its own line says.
 *
 * The client is the socket's, or whom a header has named that came in (greet_proxy.h); one that
 * has no address, having come through a unix socket, is told of as unknown.
 */
#ifndef SESSION_INTRODUCTION_H
#define SESSION_INTRODUCTION_H

#include "base/compiler.h"

struct session;

/* To the session's server, first of all, in place of what another was to be told.  -ENOMEM. */
int introduction_prepare(struct session *session) must_check;

#endif
