/*
 * Sets of internet addresses that people write, each as one range of numbers:
 *
 *   10.0.0.0/8   2001:db8::/32    a network
 *   192.0.2.7    2001:db8::7      an address
 *   192.0.2.10-192.0.2.19         from one to another, both within
 *   all                           every address of both families
 *
 * An address is a number of 128 bits.  IPv4 is where IPv6 shows it, at ::ffff:0:0/96, so
 * that an address is the same whichever family of socket told of it; but it is in no IPv6
 * range, however wide: ::/0 is IPv6 only.  Only `all` is both.
 *
 * Nothing is allocated, and text needs no end but its length: a line of a mapped file is
 * read where it stands.
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include "base/compiler.h"

#include <stddef.h>
#include <sys/socket.h>

struct cidr_number {
	uint64_t high, low;
};

enum cidr_family { CIDR_V4, CIDR_V6, CIDR_ALL };

struct cidr {
	struct cidr_number first, last;
	enum cidr_family family;
};

#define CIDR_WHY_MAX 192
/* "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", twice, and "-". */
#define CIDR_TEXT_MAX 96

/* 0; or -EINVAL with a sentence in why, that begins after the value and names what is right. */
int cidr_parse(struct cidr *ret_cidr, const char *text, size_t length,
	       char why[CIDR_WHY_MAX]) must_check;

/* The address of an AF_INET or AF_INET6 socket address; false for another. */
bool cidr_number_of(const struct sockaddr *address, struct cidr_number *ret_number);

static inline bool cidr_is_v4(struct cidr_number number)
{
	return number.high == 0 && number.low >> 32 == 0xffff;
}

static inline bool cidr_is_less(struct cidr_number a, struct cidr_number b)
{
	return a.high != b.high ? a.high < b.high : a.low < b.low;
}

bool cidr_has(const struct cidr *cidr, struct cidr_number number);

/* As it would be written, the shortest way; returns text. */
const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_MAX]);

#endif
