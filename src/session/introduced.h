/*
 * What a client, or a proxy before us, has said of a connection before its bytes: where it
 * really comes from, which name it asks for.  Few connections have one, and it is theirs
 * until they are buried.
 */
#ifndef SESSION_INTRODUCED_H
#define SESSION_INTRODUCED_H

#include "base/compiler.h"

#include <netinet/in.h>

struct config_line;
struct session;

struct introduced {
	struct sockaddr_in6 real;        /* the socket's peer, where session.client is another */
	struct sockaddr_in6 destination; /* what the client meant to connect to */
	bool has_real, has_destination;
	bool is_check; /* it came with a PROXY header that says so: LOCAL */
	uint32_t tlv_size;
	unsigned char *tlvs;             /* as they came, one behind the other; NULL: none */
	char *sni, *alpn;                /* as text, what the client has sent: NULL: none */
	const struct config_line *route; /* that it was routed or refused by; NULL: none */
	uint8_t hello;                   /* enum hello_verdict, where that was the end of it */
	bool by_request; /* it asked for TLS by PostgreSQL's request, and its server is to be */
	bool declined;   /* it has asked for GSSAPI, too */
};

/* The session's, made when it is wanted.  NULL: no memory. */
struct introduced *introduced_of(struct session *session);
/*
 * Whether one that has ended, with so many bytes from its client, was a check of somebody in
 * front of us: no record tells of it.
 */
bool introduced_was_check(const struct session *session, uint64_t bytes_up);
/* The session ends. */
void introduced_done(struct session *session);

#endif
