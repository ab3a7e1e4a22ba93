#include "greet/proxy_write.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "greet/crc32c.h"

static bool is_v4(const struct proxy_said *said)
{
	return endpoint_is_v4(&said->source) && endpoint_is_v4(&said->destination);
}

/* ---- Version 1 ------------------------------------------------------------------------------- */

/* IPv4 among IPv6 is written with its decimals, as HAProxy does and receivers expect. */
static const char *format(const struct endpoint *endpoint, bool as_v4, char text[INET6_ADDRSTRLEN])
{
	if (as_v4)
		return inet_ntop(AF_INET, endpoint->address + 12, text, INET6_ADDRSTRLEN);
	return inet_ntop(AF_INET6, endpoint->address, text, INET6_ADDRSTRLEN);
}

static uint32_t write_line(const struct proxy_said *said, char line[PROXY_V1_MAX + 1])
{
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	bool v4 = is_v4(said);
	int length;

	if (said->nothing)
		length = snprintf(line, PROXY_V1_MAX + 1, "PROXY UNKNOWN\r\n");
	else
		length = snprintf(line, PROXY_V1_MAX + 1, "PROXY %s %s %s %u %u\r\n",
				  v4 ? "TCP4" : "TCP6", format(&said->source, v4, source),
				  format(&said->destination, v4, destination), said->source.port,
				  said->destination.port);
	assert(length > 0 && length <= PROXY_V1_MAX);
	return (uint32_t)length;
}

/* ---- Version 2 ------------------------------------------------------------------------------- */

struct writing {
	unsigned char *bytes;
	uint32_t count;
};

static void put(struct writing *writing, const void *bytes, uint32_t count)
{
	assert(count <= PROXY_WRITE_MAX - writing->count);
	if (count)
		memcpy(writing->bytes + writing->count, bytes, count);
	writing->count += count;
}

static void put_16(struct writing *writing, uint32_t number)
{
	put(writing, (const unsigned char[2]){(unsigned char)(number >> 8), (unsigned char)number},
	    2);
}

static void put_tlv(struct writing *writing, uint8_t type, const void *value, uint32_t size)
{
	put(writing, &type, 1);
	put_16(writing, size);
	put(writing, value, size);
}

static void put_addresses(struct writing *writing, const struct proxy_said *said)
{
	uint32_t from = is_v4(said) ? 12 : 0;

	put(writing, said->source.address + from, 16 - from);
	put(writing, said->destination.address + from, 16 - from);
	put_16(writing, said->source.port);
	put_16(writing, said->destination.port);
}

/* Padding, a checksum and the name space of a machine belong to the header they came in. */
static bool is_passed_on(uint8_t type)
{
	return type != PROXY_TLV_NOOP && type != PROXY_TLV_CRC32C && type != PROXY_TLV_NETNS;
}

/* All of them in their order, several of one type too; of ours, only what they do not say. */
static void put_tlvs(struct writing *writing, const struct proxy_said *said)
{
	const unsigned char *end = said->tlvs + said->tlvs_size;
	bool has_authority = false, has_unique_id = false;
	struct proxy_tlv tlv;

	for (const unsigned char *at = said->tlvs; at && proxy_tlv_next(&at, end, &tlv);) {
		if (!is_passed_on(tlv.type))
			continue;
		put_tlv(writing, tlv.type, tlv.value, tlv.size);
		has_authority |= tlv.type == PROXY_TLV_AUTHORITY;
		has_unique_id |= tlv.type == PROXY_TLV_UNIQUE_ID;
	}
	if (said->authority && !has_authority)
		put_tlv(writing, PROXY_TLV_AUTHORITY, said->authority, said->authority_size);
	if (said->unique_id && !has_unique_id)
		put_tlv(writing, PROXY_TLV_UNIQUE_ID, said->unique_id, said->unique_id_size);
}

static void put_checksum(struct writing *writing)
{
	uint32_t crc, length = writing->count + PROXY_TLV_HEAD + 4 - PROXY_V2_BEGIN;
	unsigned char *bytes = writing->bytes;

	put_tlv(writing, PROXY_TLV_CRC32C, (const unsigned char[4]){0}, 4);
	bytes[14] = (unsigned char)(length >> 8);
	bytes[15] = (unsigned char)length;
	crc = crc32c_end(crc32c_add(CRC32C_BEGIN, bytes, writing->count));
	for (uint32_t i = 0; i < 4; i++)
		bytes[writing->count - 4 + i] = (unsigned char)(crc >> (24 - 8 * i));
}

static uint32_t write_fields(const struct proxy_said *said, unsigned char *bytes)
{
	static const unsigned char begin[12] = "\r\n\r\n\0\r\nQUIT\n";
	struct writing writing = {.bytes = bytes};
	unsigned char family = is_v4(said) ? 0x11 : 0x21;
	uint32_t length;

	put(&writing, begin, sizeof(begin));
	if (said->nothing) {
		put(&writing, (const unsigned char[4]){0x20}, 4);
		return writing.count;
	}
	put(&writing, (const unsigned char[4]){0x21, family}, 4);
	put_addresses(&writing, said);
	put_tlvs(&writing, said);
	length = writing.count - PROXY_V2_BEGIN;
	bytes[14] = (unsigned char)(length >> 8);
	bytes[15] = (unsigned char)length;
	if (said->checksum)
		put_checksum(&writing);
	return writing.count;
}

uint32_t proxy_write(const struct proxy_said *said, unsigned char ret_bytes[PROXY_WRITE_MAX])
{
	char line[PROXY_V1_MAX + 1];
	uint32_t length;

	if (said->version == PROXY_V2)
		return write_fields(said, ret_bytes);
	length = write_line(said, line);
	memcpy(ret_bytes, line, length);
	return length;
}
