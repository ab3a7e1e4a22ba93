/*
 * What `send_proxy_tlv` says: words, of which each is a field of a PROXY header of version 2.
 */
#ifndef CONFIG_SEND_PROXY_H
#define CONFIG_SEND_PROXY_H

#include "config/config.h"
#include "config/value.h"

/* In this order in the header; a set of them is 1 << each. */
#define SEND_PROXY_FIELDS(X)                                                                       \
	X(CLIENT, "client")       /* what the client's own header said */                          \
	X(AUTHORITY, "authority") /* the name of the server that it wants */                       \
	X(UNIQUE_ID, "unique_id") /* what the connection is called in records */                   \
	X(CRC32C, "crc32c")       /* a checksum of the header */

enum send_proxy_field {
#define X(name, text) SEND_PROXY_##name,
	SEND_PROXY_FIELDS(X)
#undef X
		SEND_PROXY_FIELD_COUNT,
};

/* Words separated by blanks or commas; NULL: none.  0, or -EINVAL with one sentence in why. */
int send_proxy_parse(unsigned *ret_fields, const char *text, char why[VALUE_WHY_MAX]) must_check;

/* What a server of that section is told, by its line or by the section. */
enum config_send_proxy send_proxy_of(const struct config_section *section,
				     const struct config_endpoint *server);

#endif
