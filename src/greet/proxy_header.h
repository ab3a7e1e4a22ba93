/*
 * A PROXY protocol header: what somebody in front of us says of the client, before its bytes.
 *
 *   v1   PROXY TCP4 192.0.2.10 198.51.100.20 40001 443\r\n           at most 107 bytes
 *   v2   12 bytes of signature | version, command | family | length (2) | addresses | TLVs
 *
 * The bytes of a connection so far make a whole header, the beginning of one, or none: and what
 * is none stays none, whatever follows.  Nothing is remembered between two looks, so it does not
 * matter how a header is split.  What is behind its end is not looked at.
 *
 * Whoever sends one may have no client to tell of: LOCAL (a check of its own), UNKNOWN, and
 * families that are no TCP.  Such a header is skipped by its length, and nothing in it is read.
 *
 * An address in a header is data: no socket is made of it.
 */
#ifndef GREET_PROXY_HEADER_H
#define GREET_PROXY_HEADER_H

#include "base/endpoint.h"

#define PROXY_V1_MAX     107
#define PROXY_V2_BEGIN   16
#define PROXY_HEADER_MAX 4096

/* Which versions are understood. */
enum { PROXY_V1 = 1, PROXY_V2 = 2, PROXY_ANY = PROXY_V1 | PROXY_V2 };

enum proxy_progress {
	PROXY_MORE, /* it may become one: this many bytes more at least */
	PROXY_DONE,
	PROXY_WRONG, /* it is none: why */
};

/* Why it is none. */
#define PROXY_FAULTS(X)                                                                            \
	X(SIGNATURE, "signature") /* it does not begin as one */                                   \
	X(LINE, "line")           /* of version 1 */                                               \
	X(VERSION, "version")                                                                      \
	X(COMMAND, "command")                                                                      \
	X(FAMILY, "family")                                                                        \
	X(LENGTH, "length")                                                                        \
	X(TLV, "tlv")                                                                              \
	X(CHECKSUM, "checksum")

enum proxy_fault {
	PROXY_FAULT_NONE,
#define X(name, text) PROXY_FAULT_##name,
	PROXY_FAULTS(X)
#undef X
		PROXY_FAULT_COUNT,
};

enum proxy_told {
	PROXY_TOLD_ADDRESSES,
	PROXY_TOLD_LOCAL,   /* v2: a connection of the sender's own */
	PROXY_TOLD_NOTHING, /* UNKNOWN, or a family that is no TCP */
};

struct proxy_header {
	uint32_t length;                     /* of it all: the client's first byte is behind */
	uint8_t version;                     /* PROXY_V1 or PROXY_V2 */
	uint8_t told;                        /* enum proxy_told */
	bool has_checksum;                   /* and it is right */
	struct endpoint source, destination; /* of PROXY_TOLD_ADDRESSES */
	const unsigned char *tlvs;           /* in the bytes that were read */
	uint32_t tlvs_size;
};

/* What came of reading: a header only of PROXY_DONE, the other two for their progress. */
struct proxy_reading {
	enum proxy_progress progress;
	uint32_t more;
	enum proxy_fault fault;
	struct proxy_header header;
};

/* Read the first bytes of a connection, as one of those versions (a set of PROXY_V1, PROXY_V2). */
struct proxy_reading proxy_read(const unsigned char *bytes, uint32_t count, unsigned versions);

const char *proxy_fault_name(enum proxy_fault fault);

/* ---- What is said besides -------------------------------------------------------------------- */

enum proxy_tlv_type {
	PROXY_TLV_ALPN = 0x01,
	PROXY_TLV_AUTHORITY = 0x02,
	PROXY_TLV_CRC32C = 0x03,
	PROXY_TLV_NOOP = 0x04,
	PROXY_TLV_UNIQUE_ID = 0x05,
	PROXY_TLV_SSL = 0x20,
	PROXY_TLV_NETNS = 0x30,
};

#define PROXY_TLV_HEAD      3
#define PROXY_UNIQUE_ID_MAX 128

struct proxy_tlv {
	uint8_t type;
	uint16_t size;
	const unsigned char *value;
};

/*
 * The TLV at *at, which is moved behind it; false at the end.  What proxy_read() gave is whole;
 * of other bytes, false also where they hold no more that is.
 */
bool proxy_tlv_next(const unsigned char **at, const unsigned char *end, struct proxy_tlv *ret_tlv);
/* The first of that type. */
bool proxy_tlv_find(const unsigned char *tlvs, uint32_t size, uint8_t type,
		    struct proxy_tlv *ret_tlv);

#endif
