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
 * Only where clients speak first: a server that does waits for that ACK, and
 * its greeting comes later by as long as it is held, HANDSHAKE_MS at most.  (The
 * kernel would hold it for 200 ms.)  So what is believed of a server must not be
 * one stranger's to set, who speaks first to whomever he likes:
 *
 *   - it is believed to wait for its clients after HANDSHAKE_LEARN connections in
 *     a row in which one spoke first;
 *   - when a client keeps silent while an ACK is held, nothing more is held until
 *     the server has had time to say what it has to say;
 *   - one that speaks first to any client is not believed to for a minute, and
 *     for twice as long each time, up to an hour.  So whatever a stranger does,
 *     a server's greetings are late once an hour.
 *
 * What a server says to a client that was silent for HANDSHAKE_LATE_MS is not a
 * greeting (mostly it is "408 Request Timeout"), and tells nothing.
 */
#ifndef SESSION_HANDSHAKE_H
#define SESSION_HANDSHAKE_H

#include "base/compiler.h"

struct session;

#define HANDSHAKE_MS      10
#define HANDSHAKE_LATE_MS 1000
#define HANDSHAKE_LEARN   32

/* What one worker believes of one server; all zero at first. */
struct handshake {
	uint32_t spoken_to;  /* connections in a row in which the client spoke first */
	uint32_t spoke;      /* connections in which the server did */
	uint64_t trusted_ms; /* the server is not believed to wait for its clients before */
};

/* Whether the server is believed to wait for its clients. */
bool handshake_awaits(const struct handshake *handshake, uint64_t now_ms);
/* A client spoke first. */
void handshake_spoken_to(struct handshake *handshake);
/* A client kept silent while an ACK was held. */
void handshake_met_silence(struct handshake *handshake, uint64_t now_ms);
/* The server spoke first, so long after the client had come. */
void handshake_spoke(struct handshake *handshake, uint64_t after_ms, uint64_t now_ms);

/* There is a TCP socket for the session's server, not yet connecting. */
void handshake_begin(struct session *session);

/* The server's first bytes have arrived. */
void handshake_answered(struct session *session);

/* DEADLINE_HANDSHAKE has passed. */
void handshake_expired(struct session *session);

/* A RST follows: the server must hear of the connection before, or it never does. */
void handshake_reset(struct session *session);

#endif
