/* What a ClientHello says, whole and in pieces: 35 first flights, and some made for a rule each. */
#include "greet/client_hello.h"

#include "support/suite.h"
#include "support/tls_hellos.h"

#include <stdio.h>
#include <string.h>

#define MAX (64 << 10)

static struct client_hello hello;

/* A verdict by the words of the file of vectors. */
static const struct {
	const char *words;
	enum hello_verdict verdict;
} verdicts[] = {
	{"bad: sni name", HELLO_NAME},
	{"bad: sni twice", HELLO_NAME_TWICE},
	{"bad: two names", HELLO_NAME_TWICE},
	{"bad: sni list", HELLO_NAME_LIST},
	{"bad: ext length", HELLO_EXTENSIONS},
	{"bad: not a hello", HELLO_NOT_HELLO},
	{"bad: record length", HELLO_RECORD_LENGTH},
	{"bad: record type", HELLO_RECORD_TYPE},
	{"bad: not tls", HELLO_NOT_TLS},
	{"sslv2 hello, no name", HELLO_SSLV2},
};

static enum hello_verdict wanted(const struct tls_hello *vector)
{
	for (size_t i = 0; i < array_size(verdicts); i++)
		if (!strcmp(vector->ours, verdicts[i].words))
			return verdicts[i].verdict;
	ck_assert_msg(!strncmp(vector->ours, "sni=", 4), "%s: %s", vector->name, vector->ours);
	return HELLO_READ;
}

/* Only so many bytes, and ASan knows where they end. */
static enum hello_verdict read_bytes(const unsigned char *bytes, size_t length, size_t max)
{
	unsigned char *copy = malloc(length ? length : 1);
	enum hello_verdict verdict;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, length);
	verdict = client_hello_read(copy, length, max, &hello);
	free(copy);
	return verdict;
}

/* "sni=NAME alpn=ONE,OTHER" of what was read. */
static const char *said(void)
{
	static char text[HELLO_NAME_MAX + HELLO_ALPN_MAX + 20];
	char alpn[HELLO_ALPN_MAX + 1] = "-";

	memcpy(alpn, hello.alpn, hello.alpn_length);
	for (size_t at = 0; at < hello.alpn_length;) {
		size_t next = at + 1 + hello.alpn[at];

		alpn[at] = ',';
		at = next;
	}
	if (hello.alpn_length)
		alpn[hello.alpn_length] = '\0';
	snprintf(text, sizeof(text), "sni=%s alpn=%s", hello.name_length ? hello.name : "-",
		 alpn + (hello.alpn_length > 0));
	return text;
}

START_TEST(each_first_flight_is_read_as_it_was_meant)
{
	const struct tls_hello *vector = &tls_hellos()[_i];
	enum hello_verdict verdict = read_bytes(vector->bytes, vector->length, MAX);

	ck_assert_msg(verdict == wanted(vector), "%s: %s", vector->name,
		      hello_verdict_text(verdict));
	if (verdict == HELLO_READ) {
		ck_assert_str_eq(said(), vector->ours);
		ck_assert_uint_eq(strlen(hello.name), hello.name_length);
	}
}
END_TEST

/* Of every beginning; so every way to cut it into pieces comes to the same. */
START_TEST(a_verdict_stays_from_the_byte_on_that_it_comes_with)
{
	const struct tls_hello *vector = &tls_hellos()[_i];
	enum hello_verdict before = HELLO_MORE, verdict;
	size_t decided = 0;

	for (size_t length = 0; length <= vector->length; length++) {
		verdict = read_bytes(vector->bytes, length, MAX);
		ck_assert_msg(before == HELLO_MORE || verdict == before,
			      "%s: %zu bytes: first %s, then %s", vector->name, length,
			      hello_verdict_text(before), hello_verdict_text(verdict));
		if (verdict != HELLO_MORE && before == HELLO_MORE)
			decided = length;
		before = verdict;
	}
	ck_assert_int_eq(before, wanted(vector));
	if (before == HELLO_READ)
		ck_assert_uint_eq(decided, vector->length);
}
END_TEST

START_TEST(what_is_not_tls_is_known_by_its_first_byte)
{
	for (unsigned first = 0; first < 0x80; first++) {
		unsigned char byte = (unsigned char)first;

		ck_assert_int_eq(read_bytes(&byte, 1, MAX),
				 first == 0x16 ? HELLO_MORE : HELLO_NOT_TLS);
	}
	ck_assert_int_eq(read_bytes((const unsigned char *)"\x80\x22", 2, MAX), HELLO_MORE);
	ck_assert_int_eq(read_bytes((const unsigned char *)"\x80\x22\x01", 3, MAX), HELLO_SSLV2);
	ck_assert_int_eq(read_bytes((const unsigned char *)"\x80\x22\x02", 3, MAX), HELLO_NOT_TLS);
	ck_assert_int_eq(read_bytes((const unsigned char *)"\x16\x04", 2, MAX), HELLO_NOT_TLS);
}
END_TEST

/* By the length it says, long before it is there. */
START_TEST(a_hello_that_is_too_large_is_refused_by_its_head)
{
	const struct tls_hello *vector = tls_hello("hello-20000-2-records");

	ck_assert_int_eq(read_bytes(vector->bytes, 8, 16 << 10), HELLO_MORE);
	ck_assert_int_eq(read_bytes(vector->bytes, 9, 16 << 10), HELLO_TOO_LARGE);
	ck_assert_int_eq(read_bytes(vector->bytes, vector->length, 16 << 10), HELLO_TOO_LARGE);
	vector = tls_hello("hello-15000");
	ck_assert_int_eq(read_bytes(vector->bytes, vector->length, 16 << 10), HELLO_READ);
}
END_TEST

/* A record of a byte takes six. */
START_TEST(heads_of_records_may_be_an_eighth_and_no_more)
{
	const struct tls_hello *vector = tls_hello("one-byte-records");
	size_t handshake = vector->length / 6;

	ck_assert_int_eq(read_bytes(vector->bytes, vector->length, handshake), HELLO_TOO_LARGE);
	ck_assert_int_eq(read_bytes(vector->bytes, client_hello_room(handshake) - 1, handshake),
			 HELLO_MORE);
	ck_assert_int_eq(read_bytes(vector->bytes, client_hello_room(handshake), handshake),
			 HELLO_TOO_LARGE);
	/* With just the room for it. */
	for (size_t max = handshake; max < MAX; max++)
		if (client_hello_room(max) >= vector->length) {
			ck_assert_int_eq(read_bytes(vector->bytes, vector->length, max),
					 HELLO_READ);
			ck_assert_int_eq(read_bytes(vector->bytes, vector->length, max - 8),
					 HELLO_TOO_LARGE);
			break;
		}
}
END_TEST

START_TEST(what_comes_behind_a_hello_is_not_its_own)
{
	const struct tls_hello *vector = tls_hello("openssl30-alpn");
	unsigned char bytes[2000];

	memset(bytes, 0xff, sizeof(bytes));
	memcpy(bytes, vector->bytes, vector->length);
	ck_assert_int_eq(read_bytes(bytes, sizeof(bytes), MAX), HELLO_READ);
	ck_assert_str_eq(said(), vector->ours);
}
END_TEST

/* ---- Some that are made here ----------------------------------------------------------------- */

static unsigned char made[MAX];
static size_t made_length;

static void put(const void *bytes, size_t length)
{
	ck_assert_uint_le(made_length + length, sizeof(made));
	memcpy(made + made_length, bytes, length);
	made_length += length;
}

static void put_number(size_t number, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;) {
		unsigned char byte = (unsigned char)(number >> 8 * i);

		put(&byte, 1);
	}
}

/* One in a record, with these extensions; -1: without any. */
static enum hello_verdict read_with(const void *extensions, int length)
{
	static const unsigned char random[32];
	size_t body = 2 + 32 + 1 + 2 + 2 + 2 + (length < 0 ? 0 : 2 + (size_t)length);

	made_length = 0;
	put("\x16\x03\x01", 3);
	put_number(4 + body, 2);
	put_number(1, 1);
	put_number(body, 3);
	put("\x03\x03", 2);
	put(random, sizeof(random));
	put("\x00\x00\x02\x13\x01\x01\x00", 7);
	if (length >= 0) {
		put_number((size_t)length, 2);
		put(extensions, (size_t)length);
	}
	return read_bytes(made, made_length, MAX);
}

/* With one name in one list. */
static enum hello_verdict read_named(const char *name, size_t length)
{
	unsigned char extension[600] = {0,
					0,
					(unsigned char)((length + 5) >> 8),
					(unsigned char)(length + 5),
					(unsigned char)((length + 3) >> 8),
					(unsigned char)(length + 3),
					0,
					(unsigned char)(length >> 8),
					(unsigned char)length};

	memcpy(extension + 9, name, length);
	return read_with(extension, (int)length + 9);
}

static enum hello_verdict read_protocols(const char *list, size_t length)
{
	unsigned char extension[HELLO_ALPN_MAX + 100] = {0,
							 16,
							 (unsigned char)((length + 2) >> 8),
							 (unsigned char)(length + 2),
							 (unsigned char)(length >> 8),
							 (unsigned char)length};

	memcpy(extension + 6, list, length);
	return read_with(extension, (int)length + 6);
}

START_TEST(a_name_has_letters_digits_hyphens_and_parts_that_are_not_empty)
{
	static const struct {
		const char *name, *read; /* NULL: no name */
	} rows[] = {
		{"a", "a"},
		{"A.Example", "a.example"},
		{"a.example.", "a.example"},
		{"_sip._tcp.a-b.0", "_sip._tcp.a-b.0"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{".", NULL},
		{"..", NULL},
		{".a", NULL},
		{"a..b", NULL},
		{"a.example..", NULL},
		{"a b", NULL},
		{"a\tb", NULL},
		{"a\033[2J", NULL},
		{"*.example", NULL},
		{"b\xc3\xbc.example", NULL},
		{"[::1]", NULL},
		{"a@b", NULL},
		{"a/b", NULL},
		{"a`b", NULL},
		{"a{b", NULL},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		enum hello_verdict verdict = read_named(rows[i].name, strlen(rows[i].name));

		ck_assert_msg(verdict == (rows[i].read ? HELLO_READ : HELLO_NAME), "%s: %s",
			      rows[i].name, hello_verdict_text(verdict));
		if (rows[i].read)
			ck_assert_str_eq(hello.name, rows[i].read);
	}
}
END_TEST

START_TEST(a_name_has_255_bytes_at_most)
{
	char name[300];

	memset(name, 'a', sizeof(name));
	ck_assert_int_eq(read_named(name, 255), HELLO_READ);
	ck_assert_uint_eq(hello.name_length, 255);
	ck_assert_int_eq(read_named(name, 256), HELLO_NAME);
}
END_TEST

START_TEST(a_list_of_protocols_is_whole_or_wrong)
{
	static char most[HELLO_ALPN_MAX + 2];

	ck_assert_int_eq(read_protocols("\2h2\10http/1.1", 12), HELLO_READ);
	ck_assert_str_eq(said(), "sni=- alpn=h2,http/1.1");
	ck_assert_int_eq(read_protocols("\2h2\11http/1.1", 12), HELLO_ALPN);
	ck_assert_int_eq(read_protocols("\2h2\0", 4), HELLO_ALPN);
	ck_assert_int_eq(read_protocols("\2h2\1", 4), HELLO_ALPN);
	ck_assert_int_eq(read_protocols("", 0), HELLO_ALPN);
	for (size_t at = 0; at < sizeof(most); at += 2) {
		most[at] = 1;
		most[at + 1] = 'x';
	}
	ck_assert_int_eq(read_protocols(most, HELLO_ALPN_MAX), HELLO_READ);
	ck_assert_uint_eq(hello.alpn_length, HELLO_ALPN_MAX);
	ck_assert_int_eq(read_protocols(most, HELLO_ALPN_MAX + 2), HELLO_ALPN);
	/* Bytes that are no text are somebody's protocol. */
	ck_assert_int_eq(read_protocols("\3\0\n\xff", 4), HELLO_READ);
}
END_TEST

START_TEST(extensions_fill_what_is_there_for_them)
{
	static const struct {
		const char *bytes;
		int length;
		enum hello_verdict verdict;
	} rows[] = {
		{"", -1, HELLO_READ},
		{"", 0, HELLO_READ},
		{"\x0a\x0a\0\0", 4, HELLO_READ},
		{"\x0a\x0a\0", 3, HELLO_EXTENSIONS},
		{"\x0a\x0a\0\1", 4, HELLO_EXTENSIONS},
		{"\x0a\x0a\xff\xff", 4, HELLO_EXTENSIONS},
		{"\0\0\0\0", 4, HELLO_NAME_LIST},
		{"\0\0\0\1\0", 5, HELLO_NAME_LIST},
		{"\0\0\0\2\0\0", 6, HELLO_NAME_LIST},
		{"\0\0\0\3\0\1\0", 7, HELLO_NAME_LIST},
		{"\0\0\0\5\0\3\0\0\0", 9, HELLO_NAME},
		/* Two names of a type that is nobody's, and a host behind them. */
		{"\0\0\0\x0e\0\x0c\7\0\1x\7\0\0\0\0\2aa", 18, HELLO_READ},
		{"\0\x10\0\5\0\3\2h2\0\x10\0\5\0\3\2h2", 18, HELLO_ALPN_TWICE},
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		enum hello_verdict verdict = read_with(rows[i].bytes, rows[i].length);

		ck_assert_msg(verdict == rows[i].verdict, "row %zu: %s", i,
			      hello_verdict_text(verdict));
	}
}
END_TEST

START_TEST(fields_stay_in_what_they_stand_in)
{
	static const struct {
		size_t at; /* behind the record's head */
		unsigned char was, is;
	} rows[] = {
		{38, 0, 33},   /* a session of 33 bytes: not there */
		{40, 2, 0},    /* no suite */
		{40, 2, 3},    /* one and a half */
		{43, 1, 0},    /* no compression */
		{43, 1, 0xff}, /* many */
		{39, 0, 0xff}, /* suites without an end */
	};

	for (size_t i = 0; i < array_size(rows); i++) {
		ck_assert_int_eq(read_with("", -1), HELLO_READ);
		ck_assert_uint_eq(made[5 + rows[i].at], rows[i].was);
		made[5 + rows[i].at] = rows[i].is;
		ck_assert_msg(read_bytes(made, made_length, MAX) == HELLO_FIELDS, "row %zu", i);
	}
}
END_TEST

/* Cut into records of every size, it is the same hello. */
START_TEST(records_may_end_anywhere)
{
	const struct tls_hello *vector = tls_hello("chrome-like-grease-ech-pq");

	for (size_t size = 1; size < 300; size++) {
		made_length = 0;
		for (size_t at = 5; at < vector->length; at += size) {
			size_t part = vector->length - at < size ? vector->length - at : size;

			put("\x16\x03\x01", 3);
			put_number(part, 2);
			put(vector->bytes + at, part);
		}
		ck_assert_int_eq(read_bytes(made, made_length, MAX), HELLO_READ);
		ck_assert_str_eq(said(), vector->ours);
		ck_assert_int_eq(read_bytes(made, made_length - 1, MAX), HELLO_MORE);
	}
}
END_TEST

START_TEST(every_verdict_has_its_words)
{
	for (int verdict = 0; verdict < HELLO_VERDICT_COUNT; verdict++)
		ck_assert_uint_gt(strlen(hello_verdict_text((enum hello_verdict)verdict)), 0);
}
END_TEST

SUITE_OF("ClientHello", 60, EACH(each_first_flight_is_read_as_it_was_meant, TLS_HELLOS_COUNT),
	 EACH(a_verdict_stays_from_the_byte_on_that_it_comes_with, TLS_HELLOS_COUNT),
	 ONCE(what_is_not_tls_is_known_by_its_first_byte),
	 ONCE(a_hello_that_is_too_large_is_refused_by_its_head),
	 ONCE(heads_of_records_may_be_an_eighth_and_no_more),
	 ONCE(what_comes_behind_a_hello_is_not_its_own),
	 ONCE(a_name_has_letters_digits_hyphens_and_parts_that_are_not_empty),
	 ONCE(a_name_has_255_bytes_at_most), ONCE(a_list_of_protocols_is_whole_or_wrong),
	 ONCE(extensions_fill_what_is_there_for_them), ONCE(fields_stay_in_what_they_stand_in),
	 ONCE(records_may_end_anywhere), ONCE(every_verdict_has_its_words))
