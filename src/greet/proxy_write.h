/*
 * A PROXY protocol header of ours, for a server that wants to know the client.
 *
 *   v1   PROXY TCP4 192.0.2.10 198.51.100.20 40001 443\r\n
 *   v2   addresses, what the client's own header said, AUTHORITY, UNIQUE_ID, and CRC32C last
 *
 * Where both ends are IPv4 it says so; where one is, that is written as IPv6 shows it
 * (::ffff:192.0.2.10), since a header has one family.  Where there are no addresses to tell --
 * a client that came through a unix socket, a check -- version 1 says UNKNOWN, and version 2
 * LOCAL with nothing behind it, which every receiver understands.
 */
#ifndef GREET_PROXY_WRITE_H
#define GREET_PROXY_WRITE_H

#include "greet/proxy_header.h"

#define PROXY_AUTHORITY_MAX 255

/* What a header over IPv4 may hold, with the addresses of IPv6, and what is put behind it. */
#define PROXY_WRITE_MAX                                                                            \
	(PROXY_HEADER_MAX + (36 - 12) + 3 * PROXY_TLV_HEAD + PROXY_AUTHORITY_MAX +                 \
	 PROXY_UNIQUE_ID_MAX + 4)

struct proxy_said {
	unsigned version; /* PROXY_V1 or PROXY_V2 */
	bool nothing;     /* there are no addresses to tell; then version 2 says nothing else */
	struct endpoint source, destination;
	/* Version 2 only; NULL where there is none. */
	const unsigned char *tlvs; /* to be passed on, but for what belongs to one header only */
	uint32_t tlvs_size;
	const char *authority;
	const unsigned char *unique_id;
	uint32_t authority_size, unique_id_size;
	bool checksum;
};

/* Write it; how many bytes it has. */
uint32_t proxy_write(const struct proxy_said *said, unsigned char ret_bytes[PROXY_WRITE_MAX]);

#endif
