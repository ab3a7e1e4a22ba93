/*
 * Upstreams for tests: a listening socket and a thread for each connection it accepts.
 *
 * What a connection gets is a function; the usual ones are here, a test may bring its own.  The
 * handler owns the descriptor.  It runs beside the test, so it asserts nothing: it leaves results
 * where the test looks for them after server_stop() or server_wait_idle().
 */
#ifndef TESTS_SUPPORT_SERVER_H
#define TESTS_SUPPORT_SERVER_H

#include "support/peer.h"

struct server;
typedef void server_handler(int fd, void *context);

/* Listen on address (NULL: a free port of 127.0.0.1); NULL when that fails. */
struct server *server_start(const char *address, server_handler *handler, void *context);
const char *server_address(const struct server *server);
unsigned server_accepted(struct server *server);
/* No connection being handled; false when that does not come true. */
bool server_wait_idle(struct server *server);
/* Stop listening, wait for the handlers, free. */
void server_stop(struct server *server);

/* What a connection gets, and the type of the context: */
server_handler server_echo;     /* none */
server_handler server_converse; /* struct conversation, of one connection */
server_handler server_close;    /* none: closed at once */
server_handler server_reset;    /* none: reset at once */
server_handler server_flood;    /* none: sent to as fast as it takes it, and longer */
server_handler server_hold;     /* bool *: reads nothing until the other side ends or it is true */

/*
 * Somebody who listens and whose accept queue is full: connecting to it neither works nor fails.
 * Its address; the descriptors are kept until the process ends.
 */
const char *black_hole_address(void);

#endif
