/* One attempt at a server: a socket, and a connect that does not wait. */
#ifndef SESSION_ATTEMPT_H
#define SESSION_ATTEMPT_H

#include "base/compiler.h"

struct session;

/*
 * At the session's server: 0 when it is under way, 1 when it has succeeded, or a negative errno and
 * there is no socket.
 */
int attempt_begin(struct session *session) must_check;

#endif
