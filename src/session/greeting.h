/*
 * Greeting: what is asked of a client before it is served, one thing after the other.
 *
 *   accepted --> [ PROXY header ] --> [ preface ] --> [ ClientHello ] --> connecting, or served
 *                     |                                    |
 *                     +-- wrong, too late, refused --------+--> closing
 *
 * Each is a step, a file of its own; a section names those that it asks for, and one that
 * asks for none has no such phase.  A step is a pure look at the bytes so far, begun anew
 * whenever there are more.  As long as they are too few they are held in memory of their
 * own (lane/preface.h), so who says half of it and falls silent keeps no shared buffer;
 * and all that a step does not take goes on to the server as it came.
 */
#ifndef SESSION_GREETING_H
#define SESSION_GREETING_H

#include "base/compiler.h"

struct session;

/* In this order; section->asks and session->asks are sets of them, 1 << each. */
enum greeting_ask {
	ASK_PROXY,   /* where it comes from: greet_proxy.c */
	ASK_PREFACE, /* what its protocol says before TLS: greet_postgres.c */
	ASK_HELLO,   /* which name it wants: greet_hello.c */
	ASK_COUNT,
};

enum greeted {
	GREETED_MORE, /* bytes are missing */
	GREETED_DONE, /* it is answered, or need not be */
	GREETED_OVER, /* the session has been ended: session_end() */
};

struct greet_step {
	/* Its turn has come, and it has so long for it; NULL: look, with timeout_ms(). */
	enum greeted (*begin)(struct session *session);
	/*
	 * The client has said this so far, and has ended or not.  *ret_take: of GREETED_DONE
	 * and GREETED_MORE, how many of the first bytes are not for the server; 0 before.
	 */
	enum greeted (*look)(struct session *session, const unsigned char *bytes, uint32_t length,
			     bool ended, uint32_t *ret_take);
	/* Its time is over: the session is ended, or the next step comes. */
	enum greeted (*late)(struct session *session);
	/* Milliseconds from when its turn has come; 0: for ever. */
	uint32_t (*timeout_ms)(const struct session *session);
};

/* Each in its file. */
extern const struct greet_step greet_postgres, greet_hello;
extern const struct greet_step greet_proxy;

#endif
