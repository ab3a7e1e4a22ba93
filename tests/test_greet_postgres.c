/* What a client of PostgreSQL says first. */
#include "greet/postgres.h"

#include "support/suite.h"

#include <string.h>

#define SSL     "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS     "\0\0\0\x08\x04\xd2\x16\x30"
#define CANCEL  "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\1\0\0\0\2"
#define STARTUP "\0\0\0\x13\0\3\0\0user\0alice\0\0"

static const struct {
	const char *bytes;
	size_t length;
	enum postgres_says says;
} rows[] = {
	{SSL, 8, POSTGRES_SSL},
	{GSS, 8, POSTGRES_GSS},
	{CANCEL, 16, POSTGRES_CANCEL},
	{CANCEL, 8, POSTGRES_CANCEL},
	{STARTUP, 19, POSTGRES_STARTUP},
	{"\0\0\0\x13\0\3\0\2", 8, POSTGRES_STARTUP}, /* 3.2 of PostgreSQL 18 */
	{"\x16\x03\x01", 3, POSTGRES_TLS},
	{SSL "\x16", 9, POSTGRES_EAGER},
	{GSS SSL, 16, POSTGRES_EAGER},
	{"GET / HT", 8, POSTGRES_OTHER},
	{"\0\1", 2, POSTGRES_OTHER},
	{"\0\0\0\x07", 4, POSTGRES_OTHER},
	{"\0\0\x27\x11", 4, POSTGRES_OTHER},
	{"\0\0\0\x09\x04\xd2\x16\x2f", 8, POSTGRES_OTHER}, /* an SSLRequest has eight bytes */
	{"\0\0\0\x08\x04\xd2\x16\x2e", 8, POSTGRES_OTHER}, /* a CancelRequest more */
	{"\0\0\0\x08\0\3\0\0", 8, POSTGRES_OTHER},
	{"\0\0\0\x13\0\2\0\0", 8, POSTGRES_OTHER}, /* version 2 */
	{"\0\0\0\x13\x04\xd2\x16\x31", 8, POSTGRES_OTHER},
};

START_TEST(a_first_message_is_known)
{
	for (size_t i = 0; i < array_size(rows); i++) {
		enum postgres_says says =
			postgres_read((const unsigned char *)rows[i].bytes, rows[i].length);

		ck_assert_msg(says == rows[i].says, "row %zu: %d", i, says);
	}
}
END_TEST

START_TEST(its_beginnings_are_not_yet_decided)
{
	for (size_t i = 0; i < array_size(rows); i++)
		for (size_t length = 0; length < rows[i].length; length++) {
			enum postgres_says says =
				postgres_read((const unsigned char *)rows[i].bytes, length);

			ck_assert_msg(says == POSTGRES_MORE || says == rows[i].says ||
					      rows[i].says == POSTGRES_EAGER,
				      "row %zu, %zu bytes: %d", i, length, says);
			if (rows[i].says == POSTGRES_SSL)
				ck_assert_int_eq(says, POSTGRES_MORE);
		}
}
END_TEST

START_TEST(the_request_that_is_sent_is_the_one_that_is_known)
{
	ck_assert_int_eq(postgres_read(postgres_ssl_request, sizeof(postgres_ssl_request)),
			 POSTGRES_SSL);
}
END_TEST

SUITE("postgres", a_first_message_is_known, its_beginnings_are_not_yet_decided,
      the_request_that_is_sent_is_the_one_that_is_known)
