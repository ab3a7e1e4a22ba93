/*
 * Connecting to one of a section's servers.
 *
 * A non-blocking connect(2), and receives armed at once on both sides: how the
 * connect ended is read from what arrives, which saves an operation per
 * connection (0.88 of an epoll relay's CPU per connection, against 0.92 with
 * OP_SOCKET and OP_CONNECT).  Until a byte or an end has come from the server
 * or gone to it, the attempt may fail; the client's bytes stay queued, so that
 * the next server gets them from the first one on.
 *
 * Where nobody says anything nothing arrives: one look, a moment later, finds most
 * connects done, and a poll tells of the others.  (A unix socket is connected at once.)
 *
 * Which server that is the section's pool says: choose.h.  A connection has a place there, from
 * when it is chosen until its socket is closed.  When a server fails, the connection goes on
 * to another one, never to one twice, as often as `retries` says; when all have failed it is reset
 * -- but where one of them could have been reached had there been a descriptor, a port, memory
 * or room in its backlog, the connection waits for that until connect_timeout has passed:
 * shortage.h.  So does one to a pool that has names without an answer yet.  Where all servers are
 * full, it waits for a place if there is a queue: queued.h.
 */
#ifndef SESSION_CONNECT_H
#define SESSION_CONNECT_H

#include "loop/op.h"
#include "session/reason.h"

struct io_uring_cqe;
struct session;
struct sessions;

/* Entering RELAYING: the server took the connection. */
void connect_succeeded(struct session *session);

/* Sections may have servers that were not known before: go on with who waits for one. */
void connect_servers_known(struct sessions *all);

/* Ask the ring to tell when the connect has ended, for those who cannot go on without. */
void connect_poll(struct session *session);
/* It has told. */
void connect_polled(struct session *session);

/* ---- For the phases around it ---------------------------------------------------------------- */

/* It ends, for what came of the last attempt, or of what it lacked; or since servers are full. */
void connect_give_up(struct session *session);
void connect_end_full(struct session *session, enum reason reason);
/* Whether it is a completion of a server's socket that is given up, and only ends. */
bool connect_abandoned(struct session *session, struct op_tag tag, const struct io_uring_cqe *done);

#endif
