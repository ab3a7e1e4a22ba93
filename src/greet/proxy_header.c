#include "greet/proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#include "greet/crc32c.h"

static const unsigned char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
static const char v1_begin[6] = {'P', 'R', 'O', 'X', 'Y', ' '};

enum { V1_LEAST = 15, COMMAND_LOCAL = 0, COMMAND_PROXY = 1 };

static struct proxy_reading more(uint32_t count)
{
	return (struct proxy_reading){.progress = PROXY_MORE, .more = count};
}

static struct proxy_reading wrong(enum proxy_fault fault)
{
	return (struct proxy_reading){.progress = PROXY_WRONG, .fault = fault};
}

/* ---- Version 1: a line ----------------------------------------------------------------------- */

/* A field of a line, which ends where it says. */
struct word {
	const char *at;
	size_t size;
};

/* The next word; spaces are single, so it may be empty, and no more come behind the last. */
static bool next_word(struct word *rest, struct word *ret_word)
{
	const char *space;

	if (!rest->at)
		return false;
	space = memchr(rest->at, ' ', rest->size);
	ret_word->at = rest->at;
	ret_word->size = space ? (size_t)(space - rest->at) : rest->size;
	rest->at = space ? space + 1 : NULL;
	rest->size -= ret_word->size + (space ? 1 : 0);
	return true;
}

static bool word_is(const struct word *word, const char *text)
{
	return word->size == strlen(text) && memcmp(word->at, text, word->size) == 0;
}

/* IPv4 as four decimals without leading zeroes, IPv6 with the last 32 bits as IPv4 or not. */
static bool read_address(const struct word *word, int family, struct endpoint *endpoint)
{
	struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
	char text[INET6_ADDRSTRLEN];
	void *in = family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)&storage)->sin_addr
				     : &((struct sockaddr_in6 *)(void *)&storage)->sin6_addr;

	if (word->size >= sizeof(text) || memchr(word->at, '\0', word->size))
		return false;
	memcpy(text, word->at, word->size);
	text[word->size] = '\0';
	if (inet_pton(family, text, in) != 1)
		return false;
	endpoint_of((const struct sockaddr *)&storage, endpoint);
	return true;
}

static bool read_port(const struct word *word, struct endpoint *endpoint)
{
	uint32_t port = 0;

	if (word->size < 1 || word->size > 5 || (word->size > 1 && word->at[0] == '0'))
		return false;
	for (size_t i = 0; i < word->size; i++) {
		if (word->at[i] < '0' || word->at[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(word->at[i] - '0');
	}
	endpoint->port = (uint16_t)port;
	return port <= UINT16_MAX;
}

/* What is behind "PROXY ", without its CRLF. */
static bool read_line(struct word rest, struct proxy_header *header)
{
	struct word word, words[4];
	int family;

	if (!next_word(&rest, &word))
		return false;
	if (word_is(&word, "UNKNOWN")) {
		header->told = PROXY_TOLD_NOTHING;
		return true;
	}
	family = word_is(&word, "TCP4") ? AF_INET : word_is(&word, "TCP6") ? AF_INET6 : AF_UNSPEC;
	for (size_t i = 0; i < array_size(words); i++)
		if (!next_word(&rest, &words[i]))
			return false;
	return family != AF_UNSPEC && !rest.at &&
	       read_address(&words[0], family, &header->source) &&
	       read_address(&words[1], family, &header->destination) &&
	       read_port(&words[2], &header->source) && read_port(&words[3], &header->destination);
}

/* How many more there are to come at least; and after a CR, only a LF can. */
static uint32_t missing(uint32_t count, bool has_cr)
{
	if (has_cr)
		return 1;
	return count + 2 < V1_LEAST ? V1_LEAST - count : 2;
}

/* A CR is followed by a LF, and there the line ends; a LF alone is wrong. */
static struct proxy_reading read_v1(const unsigned char *bytes, uint32_t count)
{
	struct proxy_reading done = {.progress = PROXY_DONE, .header.version = PROXY_V1};
	uint32_t at = sizeof(v1_begin);
	struct word line;

	if (count > PROXY_V1_MAX)
		count = PROXY_V1_MAX;
	while (at < count && bytes[at] != '\r' && bytes[at] != '\n')
		at++;
	if (at + 2 > PROXY_V1_MAX || (at < count && bytes[at] == '\n') ||
	    (at + 1 < count && bytes[at + 1] != '\n'))
		return wrong(PROXY_FAULT_LINE);
	if (at + 1 >= count)
		return more(missing(count, at < count));
	line = (struct word){(const char *)bytes + sizeof(v1_begin), at - sizeof(v1_begin)};
	if (!read_line(line, &done.header))
		return wrong(PROXY_FAULT_LINE);
	done.header.length = at + 2;
	return done;
}

/* ---- Version 2: fields ----------------------------------------------------------------------- */

bool proxy_tlv_next(const unsigned char **at, const unsigned char *end, struct proxy_tlv *ret_tlv)
{
	const unsigned char *head = *at;
	uint16_t size;

	if (end - head < PROXY_TLV_HEAD)
		return false;
	size = (uint16_t)(head[1] << 8 | head[2]);
	if (end - head - PROXY_TLV_HEAD < size)
		return false;
	*ret_tlv = (struct proxy_tlv){head[0], size, head + PROXY_TLV_HEAD};
	*at = head + PROXY_TLV_HEAD + size;
	return true;
}

bool proxy_tlv_find(const unsigned char *tlvs, uint32_t size, uint8_t type,
		    struct proxy_tlv *ret_tlv)
{
	struct proxy_tlv tlv;

	for (const unsigned char *at = tlvs; proxy_tlv_next(&at, tlvs + size, &tlv);)
		if (tlv.type == type) {
			*ret_tlv = tlv;
			return true;
		}
	return false;
}

/* Of the types that have rules; whoever sends others knows what they are. */
static bool is_right(const struct proxy_tlv *tlv)
{
	if (tlv->type == PROXY_TLV_UNIQUE_ID)
		return tlv->size <= PROXY_UNIQUE_ID_MAX;
	return tlv->type != PROXY_TLV_SSL || tlv->size >= 5;
}

/* Over the whole header, its own four bytes being 0. */
static bool is_checksum(const unsigned char *bytes, uint32_t length, const struct proxy_tlv *tlv)
{
	static const unsigned char zeroes[4];
	const unsigned char *value = tlv->value, *behind = value + sizeof(zeroes);
	uint32_t crc;

	if (tlv->size != sizeof(zeroes))
		return false;
	crc = crc32c_add(CRC32C_BEGIN, bytes, (uint32_t)(value - bytes));
	crc = crc32c_add(crc, zeroes, sizeof(zeroes));
	crc = crc32c_end(crc32c_add(crc, behind, (uint32_t)(bytes + length - behind)));
	return crc == ((uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 |
		       (uint32_t)value[2] << 8 | value[3]);
}

/* A second checksum cannot be right: the first was made with it, and it with the first. */
static enum proxy_fault read_tlvs(const unsigned char *bytes, struct proxy_header *header)
{
	const unsigned char *at = header->tlvs, *end = bytes + header->length;
	struct proxy_tlv tlv;

	while (proxy_tlv_next(&at, end, &tlv)) {
		if (!is_right(&tlv))
			return PROXY_FAULT_TLV;
		if (tlv.type != PROXY_TLV_CRC32C)
			continue;
		if (header->has_checksum || !is_checksum(bytes, header->length, &tlv))
			return PROXY_FAULT_CHECKSUM;
		header->has_checksum = true;
	}
	return at == end ? PROXY_FAULT_NONE : PROXY_FAULT_TLV;
}

static struct endpoint endpoint_at(const unsigned char *address, unsigned size,
				   const unsigned char *port)
{
	struct endpoint endpoint = {.port = (uint16_t)(port[0] << 8 | port[1])};

	if (size == 4)
		memset(endpoint.address + 10, 0xff, 2);
	memcpy(endpoint.address + 16 - size, address, size);
	return endpoint;
}

static void take_addresses(const unsigned char *at, unsigned size, struct proxy_header *header)
{
	header->source = endpoint_at(at, size, at + 2 * (size_t)size);
	header->destination = endpoint_at(at + size, size, at + 2 * (size_t)size + 2);
}

/* UNSPEC, INET, INET6, UNIX: both addresses, and two ports of those that have some. */
static const uint8_t addresses_size[] = {0, 2 * 4 + 2 * 2, 2 * 16 + 2 * 2, 2 * 108};

/* What is wrong with the first bytes already. */
static enum proxy_fault judge_v2(const unsigned char *bytes, uint32_t count)
{
	unsigned command = count > 12 ? bytes[12] & 0xf : COMMAND_LOCAL;
	unsigned family = count > 13 ? bytes[13] >> 4 : 0;
	unsigned transport = count > 13 ? bytes[13] & 0xf : 0;
	uint32_t length = count >= PROXY_V2_BEGIN ? (uint32_t)(bytes[14] << 8 | bytes[15]) : 0;

	if (count > 12 && bytes[12] >> 4 != 2)
		return PROXY_FAULT_VERSION;
	if (command > COMMAND_PROXY)
		return PROXY_FAULT_COMMAND;
	if (command == COMMAND_PROXY && (family >= array_size(addresses_size) || transport > 2))
		return PROXY_FAULT_FAMILY;
	if (count < PROXY_V2_BEGIN)
		return PROXY_FAULT_NONE;
	if (length > PROXY_HEADER_MAX - PROXY_V2_BEGIN ||
	    (command == COMMAND_PROXY && transport && length < addresses_size[family]))
		return PROXY_FAULT_LENGTH;
	return PROXY_FAULT_NONE;
}

static struct proxy_reading read_v2(const unsigned char *bytes, uint32_t count)
{
	struct proxy_reading done = {.progress = PROXY_DONE, .header.version = PROXY_V2};
	struct proxy_header *header = &done.header;
	enum proxy_fault fault = judge_v2(bytes, count);
	unsigned size;

	if (fault)
		return wrong(fault);
	if (count < PROXY_V2_BEGIN)
		return more(PROXY_V2_BEGIN - count);
	header->length = PROXY_V2_BEGIN + (uint32_t)(bytes[14] << 8 | bytes[15]);
	if (count < header->length)
		return more(header->length - count);
	if ((bytes[12] & 0xf) == COMMAND_LOCAL) {
		header->told = PROXY_TOLD_LOCAL;
		return done;
	}
	if (bytes[13] != 0x11 && bytes[13] != 0x21) {
		header->told = PROXY_TOLD_NOTHING;
		return done;
	}
	size = addresses_size[bytes[13] >> 4];
	take_addresses(bytes + PROXY_V2_BEGIN, size == addresses_size[1] ? 4 : 16, header);
	header->tlvs = bytes + PROXY_V2_BEGIN + size;
	header->tlvs_size = header->length - PROXY_V2_BEGIN - size;
	fault = read_tlvs(bytes, header);
	return fault ? wrong(fault) : done;
}

/* ---- Both ------------------------------------------------------------------------------------ */

/* Whether they begin as that does, as far as there are any. */
static bool begins(const unsigned char *bytes, uint32_t count, const void *with, uint32_t size)
{
	return memcmp(bytes, with, count < size ? count : size) == 0;
}

struct proxy_reading proxy_read(const unsigned char *bytes, uint32_t count, unsigned versions)
{
	if (count == 0)
		return more(versions & PROXY_V1 ? V1_LEAST : PROXY_V2_BEGIN);
	if (versions & PROXY_V1 && begins(bytes, count, v1_begin, sizeof(v1_begin)))
		return count < sizeof(v1_begin) ? more(V1_LEAST - count) : read_v1(bytes, count);
	if (versions & PROXY_V2 && begins(bytes, count, signature, sizeof(signature)))
		return read_v2(bytes, count);
	return wrong(PROXY_FAULT_SIGNATURE);
}

const char *proxy_fault_name(enum proxy_fault fault)
{
	static const char *const names[] = {[PROXY_FAULT_NONE] = "none",
#define X(name, text) [PROXY_FAULT_##name] = (text),
					    PROXY_FAULTS(X)
#undef X
	};

	static_assert(array_size(names) == PROXY_FAULT_COUNT, "every fault has a name");
	return names[fault];
}
