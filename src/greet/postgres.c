#include "greet/postgres.h"

#include <string.h>

#define TLS_HANDSHAKE 0x16
#define STARTUP_MAX   10000 /* MAX_STARTUP_PACKET_LENGTH, which the server takes */
#define VERSION_3     3     /* the upper half of a StartupMessage's version */

enum { CODE_CANCEL = 80877102, CODE_SSL = 80877103, CODE_GSS = 80877104 };

const unsigned char postgres_ssl_request[POSTGRES_REQUEST_SIZE] = {0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f};

static uint32_t number_at(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/* A length below 16 KiB is all that may stand there, so two bytes of 0 tell it from others. */
static bool may_be_length(const unsigned char *bytes, size_t length)
{
	return !bytes[0] && (length < 2 || !bytes[1]) &&
	       (length < 4 ||
		(number_at(bytes) >= POSTGRES_REQUEST_SIZE && number_at(bytes) <= STARTUP_MAX));
}

enum postgres_says postgres_read(const unsigned char *bytes, size_t length)
{
	uint32_t size, code;

	if (!length)
		return POSTGRES_MORE;
	if (*bytes == TLS_HANDSHAKE)
		return POSTGRES_TLS;
	if (!may_be_length(bytes, length))
		return POSTGRES_OTHER;
	if (length < POSTGRES_REQUEST_SIZE)
		return POSTGRES_MORE;
	size = number_at(bytes);
	code = number_at(bytes + 4);
	if (size == POSTGRES_REQUEST_SIZE && (code == CODE_SSL || code == CODE_GSS))
		return length > POSTGRES_REQUEST_SIZE ? POSTGRES_EAGER
		       : code == CODE_SSL             ? POSTGRES_SSL
						      : POSTGRES_GSS;
	if (code == CODE_CANCEL && size > POSTGRES_REQUEST_SIZE)
		return POSTGRES_CANCEL;
	return code >> 16 == VERSION_3 && size > POSTGRES_REQUEST_SIZE ? POSTGRES_STARTUP
								       : POSTGRES_OTHER;
}
