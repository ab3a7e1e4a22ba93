/*
 * What a client of PostgreSQL says first: that it wants TLS, mostly, and only after an answer of
 * one byte, 'S', comes its ClientHello.
 *
 *   00 00 00 08  04 d2 16 2f    SSLRequest
 *   00 00 00 08  04 d2 16 30    GSSENCRequest: 'N' to that, and it asks for the next
 *   00 00 00 10  04 d2 16 2e    CancelRequest, in clear, on a connection of its own
 *   LL LL LL LL  00 03 00 00    StartupMessage: it does not want TLS
 *   16 03                       TLS at once: libpq 17 with sslnegotiation=direct
 *
 * By the manual's "Message Formats".  A request is one with nothing behind it: what a client
 * sends before it was answered could be taken for what TLS protects (CVE-2021-23214).
 */
#ifndef GREET_POSTGRES_H
#define GREET_POSTGRES_H

#include "base/compiler.h"

#define POSTGRES_REQUEST_SIZE 8

enum postgres_says {
	POSTGRES_MORE,
	POSTGRES_SSL,
	POSTGRES_GSS,
	POSTGRES_CANCEL, /* these two have no name, and go on as they are */
	POSTGRES_STARTUP,
	POSTGRES_TLS,
	POSTGRES_EAGER, /* SSLRequest or GSSENCRequest, and more behind it */
	POSTGRES_OTHER, /* not PostgreSQL's protocol */
};

/* Of the bytes so far, from the first. */
enum postgres_says postgres_read(const unsigned char *bytes, size_t length);

extern const unsigned char postgres_ssl_request[POSTGRES_REQUEST_SIZE];

#endif
