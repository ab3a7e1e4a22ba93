/*
 * What connections take, by their sections: recorded when a server is connected to, when it
 * first says something, and at the end; into cells of the worker's own.
 *
 * The time is that of the turn's beginning, so none of it asks for the clock.  A connect is
 * seen by what it leads to, or by looking a moment later: connect.h.
 */
#ifndef SESSION_MEASURE_H
#define SESSION_MEASURE_H

#include "base/compiler.h"

struct session;
struct sessions;

/* Of an account's histograms, a section's. */
enum measure {
	MEASURE_LIFETIME,
	MEASURE_FIRST_BYTE,
	MEASURE_CLIENT_RTT,
	MEASURE_CONNECT,
	MEASURE_SERVER_RTT,
	MEASURE_COUNT,
};

/*
 * Round trips are asked of the kernel for one connection in so many of a worker, since that
 * is a call for each side; and for others, where their records say them.  Of these one for each
 * millisecond, and so many at once: where connections come and go by thousands a second, what
 * the way to each of them was is known of a part of them.
 */
#define MEASURE_RTT_EVERY   64
#define MEASURE_LOOKS_AHEAD 256

/* Whether the kernel may be asked for a record, which it then is. */
bool measure_may_look(struct sessions *all);

/* A look shows that the server has been connected to, some time ago ... */
void measure_connect_seen(struct session *session);
/* ... and now, or then, it is. */
void measure_connect(struct session *session);
/* The server has said something. */
void measure_first_byte(struct session *session);
/* It is over, and its sockets are still open. */
void measure_wires(struct session *session);
/* It is over. */
void measure_lifetime(struct session *session);

#endif
