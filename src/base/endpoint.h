/*
 * One end of a connection: an internet address and a port.
 *
 * IPv4 is kept as IPv6 shows it (::ffff:127.0.0.1), so that the same end is equal
 * whichever family of socket told of it.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include "base/compiler.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct endpoint {
	unsigned char address[16];
	uint16_t port; /* in the machine's order */
};

/* All zero for an address of another family, which no connection has. */
void endpoint_of(const struct sockaddr *address, struct endpoint *ret_endpoint);

/* IPv4 as such. */
void endpoint_to_socket(const struct endpoint *endpoint, struct sockaddr_in6 *ret_address);

bool endpoint_is_same(const struct endpoint *a, const struct endpoint *b);
bool endpoint_is_v4(const struct endpoint *endpoint);
/* 0.0.0.0 or ::, by which a connect means the machine it is on. */
bool endpoint_is_any(const struct endpoint *endpoint);
/* 127.0.0.0/8 or ::1. */
bool endpoint_is_loopback(const struct endpoint *endpoint);

#endif
