#include "base/cidr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAPPED (UINT64_C(0xffff) << 32)

__attribute__((format(printf, 2, 3))) static int wrong(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, CIDR_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* What is left to read. */
struct text {
	const char *at, *end;
};

/* Take that character, if it comes next. */
static bool take(struct text *text, char c)
{
	if (text->at == text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A list has a million of them, so that inet_pton(3), which wants a copy of each, is not used. */
static bool scan_v4(struct text *text, uint32_t *ret_address)
{
	uint32_t address = 0;

	for (unsigned part = 0; part < 4; part++) {
		if (part && !take(text, '.'))
			return false;
		const char *start = text->at;
		unsigned value = 0;

		while (text->at < text->end && text->at - start < 3 && is_digit(*text->at))
			value = value * 10 + (unsigned)(*text->at++ - '0');
		/* 010 is 8 to some, and 10 to others */
		if (text->at == start || value > 255 || (*start == '0' && text->at - start > 1))
			return false;
		address = address << 8 | value;
	}
	*ret_address = address;
	return true;
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool scan_group(struct text *text, uint16_t *ret_group)
{
	const char *start = text->at;
	unsigned value = 0;

	while (text->at < text->end && text->at - start < 4 && hex(*text->at) >= 0)
		value = value << 4 | (unsigned)hex(*text->at++);
	*ret_group = (uint16_t)value;
	return text->at > start;
}

#define GROUPS 8

/* Groups of an address as far as they are read; at gap (if not negative) zeroes are left out. */
struct groups {
	uint16_t group[GROUPS];
	unsigned count;
	int gap;
};

/* One group, or two that are written as IPv4.  Whether others may follow. */
static bool scan_groups_here(struct text *text, struct groups *groups, bool *ret_wrong)
{
	const char *start = text->at;
	uint32_t tail;

	*ret_wrong = !scan_group(text, &groups->group[groups->count]);
	if (*ret_wrong || text->at == text->end || *text->at != '.') {
		groups->count++;
		return true;
	}
	text->at = start;
	*ret_wrong = groups->count > GROUPS - 2 || !scan_v4(text, &tail);
	if (*ret_wrong)
		return false;
	groups->group[groups->count++] = (uint16_t)(tail >> 16);
	groups->group[groups->count++] = (uint16_t)tail;
	return false;
}

static bool scan_groups(struct text *text, struct groups *groups)
{
	bool more = true, is_wrong = false;

	while (more && groups->count < GROUPS) {
		if (text->end - text->at >= 2 && text->at[0] == ':' && text->at[1] == ':') {
			if (groups->gap >= 0)
				return false;
			groups->gap = (int)groups->count;
			text->at += 2;
			if (text->at == text->end || hex(*text->at) < 0)
				break;
		} else if (groups->count && !take(text, ':')) {
			break;
		}
		more = scan_groups_here(text, groups, &is_wrong);
		if (is_wrong)
			return false;
	}
	return groups->gap < 0 ? groups->count == GROUPS : groups->count < GROUPS;
}

static bool scan_v6(struct text *text, struct cidr_number *ret_number)
{
	struct groups groups = {.gap = -1};
	uint64_t half[2] = {0};

	if (!scan_groups(text, &groups))
		return false;
	for (unsigned i = 0; i < groups.count; i++) {
		/* those behind the gap are the last ones */
		unsigned place = groups.gap >= 0 && i >= (unsigned)groups.gap
					 ? i + GROUPS - groups.count
					 : i;

		half[place / 4] |= (uint64_t)groups.group[i] << (48 - place % 4 * 16);
	}
	*ret_number = (struct cidr_number){half[0], half[1]};
	return true;
}

static bool scan_address(struct text *text, struct cidr_number *ret_number)
{
	size_t room = (size_t)(text->end - text->at);
	uint32_t v4;

	/* in the first five characters an IPv6 address has a colon */
	if (memchr(text->at, ':', room < 5 ? room : 5))
		return scan_v6(text, ret_number);
	if (!scan_v4(text, &v4))
		return false;
	*ret_number = (struct cidr_number){0, MAPPED | v4};
	return true;
}

/* Ones where a prefix of that length leaves the host's bits. */
static struct cidr_number host_bits(unsigned length)
{
	if (length >= 64)
		return (struct cidr_number){0, length == 128 ? 0 : UINT64_MAX >> (length - 64)};
	return (struct cidr_number){length ? UINT64_MAX >> length : UINT64_MAX, UINT64_MAX};
}

static struct cidr network_of(struct cidr_number address, unsigned length)
{
	struct cidr_number host = host_bits(length);
	bool is_v4 = cidr_is_v4(address) && length >= 96;

	return (struct cidr){
		.first = {address.high & ~host.high, address.low & ~host.low},
		.last = {address.high | host.high, address.low | host.low},
		.family = is_v4 ? CIDR_V4 : CIDR_V6,
	};
}

static struct cidr single(struct cidr_number address)
{
	return network_of(address, 128);
}

static bool is_same(struct cidr_number a, struct cidr_number b)
{
	return a.high == b.high && a.low == b.low;
}

static int complain(const struct text *text, const char *start, char *why);

/* "10.0.0.0/255.0.0.0": the mask as a length, or as something that is none. */
static int complain_of_mask(const struct text *text, struct cidr_number address, char *why)
{
	struct text mask = *text;
	uint32_t bits;
	char network[CIDR_TEXT_MAX];

	if (!scan_v4(&mask, &bits) || mask.at != mask.end || !cidr_is_v4(address))
		return wrong(why, "behind the / comes the length of the network's prefix, as in "
				  "10.0.0.0/8");
	if (~bits & (~bits + 1))
		return wrong(why, "the mask is not ones followed by zeroes, and is no network");
	struct cidr meant =
		network_of(address, 96 + (bits ? (unsigned)__builtin_popcount(bits) : 0));
	return wrong(why, "behind the / comes the length of the prefix, not a mask: write %s",
		     cidr_format(&meant, network));
}

static int parse_prefix(struct cidr *cidr, struct text *text, struct cidr_number address,
			bool written_v4, char *why)
{
	const char *start = text->at;
	char network[CIDR_TEXT_MAX], alone[CIDR_TEXT_MAX];
	unsigned length = 0, most = written_v4 ? 32 : 128;

	while (text->at < text->end && text->at - start < 3 && is_digit(*text->at))
		length = length * 10 + (unsigned)(*text->at++ - '0');
	if (text->at < text->end && strchr(" \t,", *text->at))
		return complain(text, start, why);
	if (text->at == start || text->at != text->end) {
		text->at = start;
		return complain_of_mask(text, address, why);
	}
	if (length > most)
		return wrong(why, "the prefix of an IPv%d network is 0..%u bits long",
			     written_v4 ? 4 : 6, most);
	if (written_v4)
		length += 96;
	*cidr = network_of(address, length);
	if (is_same(cidr->first, address))
		return 0;
	struct cidr one = single(address);
	return wrong(why,
		     "has bits set behind its prefix; the network is %s, and the address alone %s",
		     cidr_format(cidr, network), cidr_format(&one, alone));
}

static int parse_range(struct cidr *cidr, struct text *text, struct cidr_number first, char *why)
{
	const char *start = text->at;
	struct cidr_number last;
	char turned[CIDR_TEXT_MAX];

	if (text->at == text->end || !scan_address(text, &last))
		return wrong(why, "behind the - comes the last address of the range, as in "
				  "192.0.2.10-192.0.2.19");
	if (text->at != text->end)
		return complain(text, start, why);
	if (cidr_is_v4(first) != cidr_is_v4(last))
		return wrong(why, "begins in one family and ends in the other; a range is of IPv4 "
				  "or of IPv6 addresses");
	*cidr = (struct cidr){first, last, cidr_is_v4(first) ? CIDR_V4 : CIDR_V6};
	if (!cidr_is_less(last, first))
		return 0;
	*cidr = (struct cidr){last, first, cidr->family};
	return wrong(why, "the range runs backwards; write %s", cidr_format(cidr, turned));
}

/* What is wrong with what is no address, or has something behind it. */
static int complain(const struct text *text, const char *start, char *why)
{
	size_t length = (size_t)(text->end - start);

	if (memchr(start, '%', length))
		return wrong(why,
			     "an address in a list has no zone: leave out %% and what is behind "
			     "it");
	if (*start == '[')
		return wrong(why, "an address in a list has no brackets and no port");
	if (text->at < text->end && *text->at == ':' && memchr(start, '.', length))
		return wrong(why,
			     "an address in a list has no port: leave out : and what is behind "
			     "it");
	if (memchr(start, ' ', length) || memchr(start, '\t', length) || memchr(start, ',', length))
		return wrong(why, "is more than one; each is on a line of its own (a range is "
				  "written without blanks)");
	if (*start == '0' && length > 1 && is_digit(start[1]))
		return wrong(why,
			     "a number with a 0 in front of it may mean two things; leave the 0 "
			     "out");
	if (is_digit(*start) && !memchr(start, ':', length))
		return wrong(why,
			     "is not an IPv4 address or network; all four numbers are written, "
			     "0..255, as in 10.0.0.0/8");
	if (memchr(start, ':', length))
		return wrong(why, "is not an IPv6 address or network, as 2001:db8::/32 is");
	if ((length == 3 && !memcmp(start, "any", 3)) || (length == 1 && *start == '*'))
		return wrong(why, "every address is written: all");
	return wrong(why, "is neither an address (192.0.2.7) nor a network (10.0.0.0/8, "
			  "2001:db8::/32) nor a range (a-b)");
}

int cidr_parse(struct cidr *ret_cidr, const char *text, size_t length, char why[CIDR_WHY_MAX])
{
	struct text left = {text, text + length};
	struct cidr_number address;
	struct cidr cidr;
	int r;

	if (length == 0)
		return wrong(why, "is empty; write an address or a network, as in 10.0.0.0/8");
	if (length == 3 && !memcmp(text, "all", 3)) {
		*ret_cidr = (struct cidr){{0, 0}, {UINT64_MAX, UINT64_MAX}, CIDR_ALL};
		return 0;
	}
	if (!scan_address(&left, &address))
		return complain(&left, text, why);
	if (left.at == left.end) {
		cidr = single(address);
		r = 0;
	} else if (take(&left, '/')) {
		bool written_v4 = !memchr(text, ':', (size_t)(left.at - text));

		r = parse_prefix(&cidr, &left, address, written_v4, why);
	} else if (take(&left, '-')) {
		r = parse_range(&cidr, &left, address, why);
	} else {
		r = complain(&left, text, why);
	}
	if (r == 0)
		*ret_cidr = cidr;
	return r;
}

bool cidr_number_of(const struct sockaddr *address, struct cidr_number *ret_number)
{
	const void *from = address; /* aligned as its family needs it */
	uint64_t half[2];

	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = from;

		*ret_number = (struct cidr_number){0, MAPPED | ntohl(in->sin_addr.s_addr)};
		return true;
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(half, &((const struct sockaddr_in6 *)from)->sin6_addr, sizeof(half));
	*ret_number = (struct cidr_number){be64toh(half[0]), be64toh(half[1])};
	return true;
}

bool cidr_has(const struct cidr *cidr, struct cidr_number number)
{
	if (cidr->family == CIDR_V6 && cidr_is_v4(number))
		return false;
	return !cidr_is_less(number, cidr->first) && !cidr_is_less(cidr->last, number);
}

static const char *format_number(struct cidr_number number, char *text, size_t size)
{
	uint64_t half[2] = {htobe64(number.high), htobe64(number.low)};
	uint32_t v4 = htonl((uint32_t)number.low);

	if (cidr_is_v4(number))
		return inet_ntop(AF_INET, &v4, text, (socklen_t)size);
	return inet_ntop(AF_INET6, half, text, (socklen_t)size);
}

/* The length of the prefix that all of them have and no others, or -1. */
static int prefix_of(const struct cidr *cidr)
{
	for (unsigned length = cidr->family == CIDR_V4 ? 96 : 0; length <= 128; length++) {
		struct cidr network = network_of(cidr->first, length);

		if (is_same(network.first, cidr->first) && is_same(network.last, cidr->last))
			return (int)length;
	}
	return -1;
}

const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_MAX])
{
	char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];
	int length = prefix_of(cidr), hidden = cidr->family == CIDR_V4 ? 96 : 0;

	format_number(cidr->first, first, sizeof(first));
	format_number(cidr->last, last, sizeof(last));
	if (cidr->family == CIDR_ALL)
		snprintf(text, CIDR_TEXT_MAX, "all");
	else if (length == 128)
		snprintf(text, CIDR_TEXT_MAX, "%s", first);
	else if (length >= 0)
		snprintf(text, CIDR_TEXT_MAX, "%s/%d", first, length - hidden);
	else
		snprintf(text, CIDR_TEXT_MAX, "%s-%s", first, last);
	return text;
}
