/* PROXY protocol headers, read and written: the vectors, every prefix of them, and mistakes. */
#include "greet/crc32c.h"
#include "greet/proxy_header.h"
#include "greet/proxy_write.h"

#include "support/random_bytes.h"
#include "support/suite.h"
#include "support/vectors.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD "PAYLOAD-END"

/* At the end of a block of their size, so that reading behind them is found out. */
static struct proxy_reading read_exactly(const unsigned char *bytes, uint32_t count)
{
	unsigned char *copy = malloc(count ? count : 1);
	struct proxy_reading reading;

	ck_assert_ptr_nonnull(copy);
	if (count)
		memcpy(copy, bytes, count);
	reading = proxy_read(copy, count, PROXY_ANY);
	if (reading.header.tlvs) /* in what is given back */
		reading.header.tlvs = bytes + (reading.header.tlvs - copy);
	free(copy);
	return reading;
}

static struct endpoint end(const char *text, uint16_t port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct endpoint endpoint;
	char mapped[INET6_ADDRSTRLEN + 8];

	snprintf(mapped, sizeof(mapped), "%s%s", strchr(text, ':') ? "" : "::ffff:", text);
	ck_assert_int_eq(inet_pton(AF_INET6, mapped, &in6.sin6_addr), 1);
	endpoint_of((const struct sockaddr *)&in6, &endpoint);
	return endpoint;
}

#define assert_ends(header, from, to)                                                              \
	do {                                                                                       \
		struct endpoint from_ = from, to_ = to;                                            \
		ck_assert(endpoint_is_same(&(header)->source, &from_));                            \
		ck_assert(endpoint_is_same(&(header)->destination, &to_));                         \
	} while (0)

/* ---- The vectors ----------------------------------------------------------------------------- */

static const char *verdict_of(const struct proxy_reading *reading)
{
	if (reading->progress == PROXY_MORE)
		return "more";
	if (reading->progress == PROXY_WRONG)
		return "reject";
	return reading->header.told == PROXY_TOLD_ADDRESSES ? "accept" : "real";
}

/* Every prefix promises what is kept: the number of bytes that are missing, and a refusal. */
static void check_prefixes(const struct vector *vector, const unsigned char *bytes, uint32_t count)
{
	uint32_t least = 0;
	bool refused = false, done = false;

	for (uint32_t i = 0; i <= count; i++) {
		struct proxy_reading reading = read_exactly(bytes, i);

		ck_assert_msg(!refused || reading.progress == PROXY_WRONG,
			      "%s: what was refused is not, at byte %u", vector->name, i);
		ck_assert_msg(!done || reading.progress == PROXY_DONE,
			      "%s: what was whole is not, at byte %u", vector->name, i);
		ck_assert_msg(i >= least || reading.progress == PROXY_MORE,
			      "%s: whole at byte %u, not before %u", vector->name, i, least);
		if (reading.progress == PROXY_MORE) {
			ck_assert_uint_gt(reading.more, 0);
			if (i + reading.more > least && strcmp(vector->verdict, "reject") != 0)
				least = i + reading.more;
		}
		refused |= reading.progress == PROXY_WRONG;
		done |= reading.progress == PROXY_DONE;
	}
	ck_assert(refused != done);
	if (done)
		ck_assert_uint_eq(least, vector->count);
}

START_TEST(the_vectors_are_told_apart_whole_with_bytes_behind_them_and_at_every_prefix)
{
	struct vectors vectors;

	vectors_read(&vectors, "tests/vectors/proxy-protocol.txt");
	ck_assert_uint_eq(vectors.count, 73);
	for (uint32_t i = 0; i < vectors.count; i++) {
		const struct vector *vector = &vectors.each[i];
		uint32_t count = vector->count + (uint32_t)strlen(PAYLOAD);
		unsigned char *bytes = malloc(count);
		struct proxy_reading reading;

		ck_assert_ptr_nonnull(bytes);
		memcpy(bytes, vector->bytes, vector->count);
		memcpy(bytes + vector->count, PAYLOAD, strlen(PAYLOAD));
		reading = read_exactly(bytes, count);
		ck_assert_msg(!strcmp(verdict_of(&reading), vector->verdict),
			      "%s: %s instead of %s", vector->name, verdict_of(&reading),
			      vector->verdict);
		if (reading.progress == PROXY_DONE)
			ck_assert_uint_eq(reading.header.length, vector->count);
		else
			ck_assert_ptr_nonnull(proxy_fault_name(reading.fault));
		check_prefixes(vector, bytes, count);
		free(bytes);
	}
	vectors_done(&vectors);
}
END_TEST

START_TEST(each_kind_of_mistake_has_a_name)
{
	static const struct {
		const char *vector;
		const char *fault;
	} cases[] = {
		{"http", "signature"},       {"tls", "signature"},
		{"v2-sig", "signature"},     {"v1-lower", "signature"},
		{"v1-udp4", "line"},         {"v1-lf-only", "line"},
		{"v1-cr-only", "line"},      {"v1-108", "line"},
		{"v1-nul", "line"},          {"v2-ver1", "version"},
		{"v2-ver3", "version"},      {"v2-cmd2", "command"},
		{"v2-fam4", "family"},       {"v2-proto3", "family"},
		{"v2-short4", "length"},     {"v2-short6", "length"},
		{"v2-tlv-hdr", "tlv"},       {"v2-tlv-over", "tlv"},
		{"v2-uid-129", "tlv"},       {"v2-ssl-4", "tlv"},
		{"v2-crc-bad", "checksum"},  {"v2-crc-len3", "checksum"},
		{"v2-crc-len8", "checksum"},
	};
	struct vectors vectors;

	vectors_read(&vectors, "tests/vectors/proxy-protocol.txt");
	for (size_t i = 0; i < array_size(cases); i++) {
		const struct vector *vector = vectors_find(&vectors, cases[i].vector);
		struct proxy_reading reading = read_exactly(vector->bytes, vector->count);

		/* The vector is as long as one that is right: one ends in an X instead of its LF.
		 */
		ck_assert_msg(reading.progress == PROXY_WRONG, "%s", vector->name);
		ck_assert_str_eq(proxy_fault_name(reading.fault), cases[i].fault);
	}
	vectors_done(&vectors);
}
END_TEST

/* ---- What is read ---------------------------------------------------------------------------- */

static struct proxy_reading read_line(const char *line)
{
	return read_exactly((const unsigned char *)line, (uint32_t)strlen(line));
}

START_TEST(a_line_tells_both_ends)
{
	struct proxy_reading reading =
		read_line("PROXY TCP4 192.0.2.10 198.51.100.20 40001 443\r\nGET /");

	ck_assert_int_eq(reading.progress, PROXY_DONE);
	ck_assert_uint_eq(reading.header.version, PROXY_V1);
	ck_assert_uint_eq(reading.header.length, 47);
	assert_ends(&reading.header, end("192.0.2.10", 40001), end("198.51.100.20", 443));

	reading = read_line("PROXY TCP6 2001:DB8::a ::ffff:198.51.100.20 1 65535\r\n");
	ck_assert_int_eq(reading.progress, PROXY_DONE);
	assert_ends(&reading.header, end("2001:db8::a", 1), end("198.51.100.20", 65535));
}
END_TEST

START_TEST(fields_tell_both_ends_and_what_is_said_besides)
{
	struct vectors vectors;
	const struct vector *vector;
	struct proxy_reading reading;
	struct proxy_tlv tlv;

	vectors_read(&vectors, "tests/vectors/proxy-protocol.txt");
	vector = vectors_find(&vectors, "v2-tlvs");
	reading = read_exactly(vector->bytes, vector->count);
	ck_assert_uint_eq(reading.header.version, PROXY_V2);
	ck_assert(!reading.header.has_checksum);
	assert_ends(&reading.header, end("192.0.2.10", 40001), end("198.51.100.20", 443));
	ck_assert(proxy_tlv_find(reading.header.tlvs, reading.header.tlvs_size, PROXY_TLV_AUTHORITY,
				 &tlv));
	ck_assert_uint_eq(tlv.size, 11);
	ck_assert_mem_eq(tlv.value, "app.example", 11);
	ck_assert(!proxy_tlv_find(reading.header.tlvs, reading.header.tlvs_size, PROXY_TLV_SSL,
				  &tlv));

	vector = vectors_find(&vectors, "v2-crc-mid");
	reading = read_exactly(vector->bytes, vector->count);
	ck_assert(reading.header.has_checksum);
	assert_ends(&reading.header, end("2001:db8::10", 40002), end("2001:db8::20", 443));
	vectors_done(&vectors);
}
END_TEST

START_TEST(only_the_versions_that_are_asked_for_are_headers)
{
	static const char line[] = "PROXY UNKNOWN\r\n";
	static const unsigned char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

	for (uint32_t i = 1; i < sizeof(line); i++)
		ck_assert_int_eq(proxy_read((const void *)line, i, PROXY_V2).fault,
				 PROXY_FAULT_SIGNATURE);
	for (uint32_t i = 1; i < sizeof(local); i++)
		ck_assert_int_eq(proxy_read(local, i, PROXY_V1).fault, PROXY_FAULT_SIGNATURE);
	ck_assert_int_eq(proxy_read((const void *)line, 15, PROXY_V1).progress, PROXY_DONE);
	ck_assert_int_eq(proxy_read(local, 16, PROXY_V2).progress, PROXY_DONE);
}
END_TEST

START_TEST(a_header_that_would_be_too_long_is_refused_when_it_says_so)
{
	static const unsigned char at_most[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\x0f\xf0";
	static const unsigned char over[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\x0f\xf1";

	ck_assert_uint_eq(read_exactly(at_most, 16).more, PROXY_HEADER_MAX - 16);
	ck_assert_int_eq(read_exactly(over, 16).fault, PROXY_FAULT_LENGTH);
}
END_TEST

/* ---- Checksums ------------------------------------------------------------------------------- */

START_TEST(checksums_are_those_of_the_polynomial)
{
	unsigned char bytes[32];

#define crc(bytes, count) crc32c_end(crc32c_add(CRC32C_BEGIN, bytes, count))
	ck_assert_uint_eq(crc((const unsigned char *)"123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	ck_assert_uint_eq(crc(bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	ck_assert_uint_eq(crc(bytes, 32), 0x62a8ab43);
	for (unsigned char i = 0; i < 32; i++)
		bytes[i] = i;
	ck_assert_uint_eq(crc(bytes, 32), 0x46dd794e);
#undef crc
}
END_TEST

START_TEST(a_header_with_a_checksum_of_which_one_bit_is_wrong_does_not_say_the_same)
{
	struct vectors vectors;

	vectors_read(&vectors, "tests/vectors/proxy-protocol.txt");
	for (uint32_t i = 0; i < 2; i++) {
		const struct vector *vector =
			vectors_find(&vectors, (const char *[]){"v2-crc", "v2-crc-mid"}[i]);
		uint32_t checksum_at = (const uint32_t[]){28, 71}[i];

		for (uint32_t bit = 0; bit < vector->count * 8; bit++) {
			struct proxy_reading reading;

			vector->bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
			reading = read_exactly(vector->bytes, vector->count);
			/* LOCAL and UDP are one bit away: their blocks are not read.  And one whose
			 * checksum is no checksum any more has none. */
			ck_assert_msg(reading.progress != PROXY_DONE ||
					      reading.header.told != PROXY_TOLD_ADDRESSES ||
					      bit / 8 == checksum_at,
				      "%s, bit %u: taken for right", vector->name, bit);
			vector->bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
	}
	vectors_done(&vectors);
}
END_TEST

/* ---- Written --------------------------------------------------------------------------------- */

static const char *line_of(struct endpoint source, struct endpoint destination)
{
	static unsigned char bytes[PROXY_WRITE_MAX];
	struct proxy_said said = {
		.version = PROXY_V1, .source = source, .destination = destination};

	bytes[proxy_write(&said, bytes)] = '\0';
	return (const char *)bytes;
}

START_TEST(ends_of_two_families_are_written_as_ipv6)
{
	ck_assert_str_eq(line_of(end("192.0.2.10", 40001), end("198.51.100.20", 443)),
			 "PROXY TCP4 192.0.2.10 198.51.100.20 40001 443\r\n");
	ck_assert_str_eq(line_of(end("2001:db8::1", 0), end("2001:db8::2", 65535)),
			 "PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n");
	ck_assert_str_eq(line_of(end("192.0.2.10", 1), end("2001:db8::2", 2)),
			 "PROXY TCP6 ::ffff:192.0.2.10 2001:db8::2 1 2\r\n");
	ck_assert_uint_eq(strlen(line_of(end("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
					 end("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535))),
			  104);
}
END_TEST

START_TEST(whoever_has_no_addresses_to_tell_says_so)
{
	unsigned char bytes[PROXY_WRITE_MAX];
	struct proxy_said said = {.version = PROXY_V1, .nothing = true, .checksum = true};

	ck_assert_uint_eq(proxy_write(&said, bytes), 15);
	ck_assert_mem_eq(bytes, "PROXY UNKNOWN\r\n", 15);
	said.version = PROXY_V2;
	ck_assert_uint_eq(proxy_write(&said, bytes), 16);
	ck_assert_mem_eq(bytes, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
}
END_TEST

START_TEST(a_written_checksum_is_that_of_the_worked_example)
{
	unsigned char bytes[PROXY_WRITE_MAX];
	struct proxy_said said = {.version = PROXY_V2,
				  .source = end("192.0.2.10", 40001),
				  .destination = end("198.51.100.20", 443),
				  .checksum = true};
	struct vectors vectors;
	const struct vector *vector;

	vectors_read(&vectors, "tests/vectors/proxy-protocol.txt");
	vector = vectors_find(&vectors, "v2-crc");
	ck_assert_uint_eq(proxy_write(&said, bytes), vector->count);
	ck_assert_mem_eq(bytes, vector->bytes, vector->count);
	vectors_done(&vectors);
}
END_TEST

/* What is not of one header only, in its order and as often as it was there. */
START_TEST(what_the_client_said_is_passed_on_and_not_said_twice)
{
	static const unsigned char tlvs[] = "\x04\0\2pp"
					    "\xea\0\1A"
					    "\xea\0\1B"
					    "\x30\0\2ns"
					    "\x03\0\4????"
					    "\x02\0\3abc";
	static const unsigned char want[] = "\xea\0\1A"
					    "\xea\0\1B"
					    "\x02\0\3abc"
					    "\x05\0\2id";
	unsigned char bytes[PROXY_WRITE_MAX];
	struct proxy_said said = {
		.version = PROXY_V2,
		.source = end("192.0.2.10", 1),
		.destination = end("192.0.2.11", 2),
		.tlvs = tlvs,
		.tlvs_size = sizeof(tlvs) - 1,
		.authority = "other",
		.authority_size = 5,
		.unique_id = (const unsigned char *)"id",
		.unique_id_size = 2,
	};
	uint32_t count = proxy_write(&said, bytes);

	ck_assert_uint_eq(count, 28 + sizeof(want) - 1);
	ck_assert_mem_eq(bytes + 28, want, sizeof(want) - 1);
}
END_TEST

static struct endpoint random_end(uint64_t seed)
{
	struct endpoint endpoint;

	random_bytes(seed, 0, endpoint.address, sizeof(endpoint.address));
	random_bytes(seed, sizeof(endpoint.address), &endpoint.port, sizeof(endpoint.port));
	if (endpoint.address[0] & 1) {
		memset(endpoint.address, 0, 10);
		memset(endpoint.address + 10, 0xff, 2);
	}
	return endpoint;
}

/* A random set of fields, as long as a header can hold at most. */
static uint32_t random_tlvs(uint64_t seed, unsigned char tlvs[PROXY_HEADER_MAX])
{
	static const uint8_t types[] = {
		PROXY_TLV_ALPN, PROXY_TLV_AUTHORITY, PROXY_TLV_UNIQUE_ID, 0xea, 0xee, 0x7f};
	uint32_t count = 0, draws[64];

	random_bytes(seed, 64, draws, sizeof(draws));
	for (uint32_t i = 0; i < draws[0] % 16; i++) {
		uint16_t size = (uint16_t)(draws[2 * i + 1] % (seed % 16 == 0 ? 400 : 20));
		uint8_t type = types[draws[2 * i + 2] % array_size(types)];

		if (type == PROXY_TLV_UNIQUE_ID && size > PROXY_UNIQUE_ID_MAX)
			continue;
		if (count + PROXY_TLV_HEAD + size > PROXY_HEADER_MAX - 52)
			break;
		tlvs[count] = type;
		tlvs[count + 1] = (unsigned char)(size >> 8);
		tlvs[count + 2] = (unsigned char)size;
		random_bytes(seed + i, 512, tlvs + count + PROXY_TLV_HEAD, size);
		count += PROXY_TLV_HEAD + size;
	}
	return count;
}

START_TEST(what_is_written_is_read_as_the_same)
{
	unsigned char bytes[PROXY_WRITE_MAX], tlvs[PROXY_HEADER_MAX];

	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct proxy_said said = {
			.version = seed % 3 ? PROXY_V2 : PROXY_V1,
			.source = random_end(2 * seed),
			.destination = random_end(2 * seed + 1),
			.tlvs = tlvs,
			.tlvs_size = random_tlvs(seed, tlvs),
			.checksum = seed % 2,
		};
		uint32_t count = proxy_write(&said, bytes);
		struct proxy_reading reading = read_exactly(bytes, count);

		ck_assert_msg(reading.progress == PROXY_DONE, "seed %u: %s", (unsigned)seed,
			      proxy_fault_name(reading.fault));
		ck_assert_uint_eq(reading.header.length, count);
		ck_assert_uint_eq(reading.header.version, said.version);
		assert_ends(&reading.header, said.source, said.destination);
		if (said.version != PROXY_V2)
			continue;
		ck_assert(reading.header.has_checksum == said.checksum);
		ck_assert_uint_eq(reading.header.tlvs_size - (said.checksum ? 7 : 0),
				  said.tlvs_size);
		ck_assert_mem_eq(reading.header.tlvs, tlvs, said.tlvs_size);
	}
}
END_TEST

/* As a header that came over IPv4 can hold at most, and everything of ours. */
START_TEST(the_longest_of_all_fits)
{
	static unsigned char bytes[PROXY_WRITE_MAX],
		tlvs[PROXY_HEADER_MAX - 28] = {0xea, (sizeof(tlvs) - 3) >> 8,
					       (sizeof(tlvs) - 3) & 0xff};
	char authority[PROXY_AUTHORITY_MAX] = "";
	unsigned char unique_id[PROXY_UNIQUE_ID_MAX] = "";
	struct proxy_said said = {
		.version = PROXY_V2,
		.source = end("2001:db8::1", 1),
		.destination = end("2001:db8::2", 1),
		.tlvs = tlvs,
		.tlvs_size = sizeof(tlvs),
		.authority = authority,
		.authority_size = sizeof(authority),
		.unique_id = unique_id,
		.unique_id_size = sizeof(unique_id),
		.checksum = true,
	};

	ck_assert_uint_eq(proxy_write(&said, bytes), PROXY_WRITE_MAX);
}
END_TEST

SUITE("proxy_header", the_vectors_are_told_apart_whole_with_bytes_behind_them_and_at_every_prefix,
      each_kind_of_mistake_has_a_name, a_line_tells_both_ends,
      fields_tell_both_ends_and_what_is_said_besides,
      only_the_versions_that_are_asked_for_are_headers,
      a_header_that_would_be_too_long_is_refused_when_it_says_so,
      checksums_are_those_of_the_polynomial,
      a_header_with_a_checksum_of_which_one_bit_is_wrong_does_not_say_the_same,
      ends_of_two_families_are_written_as_ipv6, whoever_has_no_addresses_to_tell_says_so,
      a_written_checksum_is_that_of_the_worked_example,
      what_the_client_said_is_passed_on_and_not_said_twice, what_is_written_is_read_as_the_same,
      the_longest_of_all_fits)
