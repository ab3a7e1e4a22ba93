/*
 * The ClientHello that begins a TLS connection: which name and which protocols a client asks for.
 *
 *   16 03 01 LL LL | 01 LLLLLL 0303 random session suites compression extensions ...
 *   16 03 01 LL LL | ... and on in the next record, however many there are, of a byte each
 *                     if need be: where records and segments end says nothing
 *
 * Nothing is decrypted and nothing changed: this only reads.  It is given all bytes so far, from
 * the first one, each time that some have come, and begins anew: that costs less than to keep
 * where it was.  Its verdict is one of the bytes, not of how they came: once it is another than
 * HELLO_MORE it stays the same, whatever follows.
 *
 * A hello of today's clients has keys of 1,200 bytes and more in it and comes in two segments;
 * its name may be the last thing in it.  So nothing is decided before all of it is there.
 */
#ifndef GREET_CLIENT_HELLO_H
#define GREET_CLIENT_HELLO_H

#include "base/compiler.h"

#define HELLO_NAME_MAX 255
#define HELLO_ALPN_MAX 1024 /* bytes of the list of protocols, a length before each */

/* What bytes are: a word for code, and what is wrong with them in words. */
#define HELLO_VERDICTS(X)                                                                          \
	X(MORE, "not all of it is there")                                                          \
	X(READ, "a ClientHello")                                                                   \
	X(NOT_TLS, "its first bytes are not TLS")                                                  \
	X(SSLV2, "an SSLv2 hello, which has no name")                                              \
	X(TOO_LARGE, "it is larger than hello_max")                                                \
	X(RECORD_TYPE, "another record stands within the handshake")                               \
	X(RECORD_LENGTH, "a record is empty or longer than 16384 bytes")                           \
	X(NOT_HELLO, "the handshake begins with another message")                                  \
	X(FIELDS, "a field is longer than what it stands in")                                      \
	X(EXTENSIONS, "its extensions do not fill what is left of it")                             \
	X(NAME, "its server name is empty, too long or has bytes that no name has")                \
	X(NAME_LIST, "its list of server names does not fill its extension")                       \
	X(NAME_TWICE, "it has two server names")                                                   \
	X(ALPN, "its list of protocols is wrong or longer than 1024 bytes")                        \
	X(ALPN_TWICE, "it has two lists of protocols")

enum hello_verdict {
#define X(name, words) HELLO_##name,
	HELLO_VERDICTS(X)
#undef X
		HELLO_VERDICT_COUNT,
};

struct client_hello {
	uint16_t name_length;               /* 0: it has none */
	uint16_t alpn_length;               /* 0: no list */
	char name[HELLO_NAME_MAX + 1];      /* in lower case, without a dot at its end */
	unsigned char alpn[HELLO_ALPN_MAX]; /* as RFC 7301 has it: a length, a name, a length */
};

/*
 * Read the bytes so far.  A hello may have max bytes of handshake, and an eighth more for the
 * heads of its records.  ret_hello is whole after HELLO_READ only.
 */
enum hello_verdict client_hello_read(const unsigned char *bytes, size_t length, size_t max,
				     struct client_hello *ret_hello);

/* As many bytes as one of at most max may have on the wire. */
static inline size_t client_hello_room(size_t max)
{
	return max + max / 8;
}

/* "its first bytes are not TLS" */
const char *hello_verdict_text(enum hello_verdict verdict);

#endif
