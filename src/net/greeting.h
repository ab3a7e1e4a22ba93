/*
 * The first exchange with a server, and one acknowledgement in it.
 *
 *   to the server   SYN            ACK   request
 *   from it              SYN, ACK                  answer
 *
 * The ACK that ends the handshake is a segment of its own unless it is held
 * back for the request, which the client has mostly sent by then.  Holding it
 * saves a segment, and the server is woken once instead of twice: 8 % of the
 * CPU of a connection with one request.
 *
 * Only where clients speak first: a server that does waits for that ACK.  So
 * nothing is held from a server until a client has spoken to it first, and
 * nothing any more when it has itself; and a client that keeps silent for
 * GREETING_MS is not waited for.  (The kernel would wait 200 ms.)
 */
#ifndef NET_GREETING_H
#define NET_GREETING_H

struct session;

#define GREETING_MS 10

/* There is a TCP socket for the session's server, not yet connecting. */
void greeting_begin(struct session *session);

/* The server's first bytes have arrived. */
void greeting_answered(struct session *session);

/* session.greeting_until_ms has passed. */
void greeting_expired(struct session *session);

#endif
