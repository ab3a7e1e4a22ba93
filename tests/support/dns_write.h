/*
 * DNS messages, written for tests out of lines of text:
 *
 *	question www.example A
 *	answer www.example 60 CNAME web.example
 *	answer web.example 300 A 10.0.0.5
 *	authority example 600 SOA 300          the last number of the zone's record
 *	besides web.example 300 AAAA ::1
 *	besides . 0 41                         of that type, without data
 *	answer web.example 300 A hex 0a00      data as it is
 *	rcode 3                                flags tc, flags query
 */
#ifndef TESTS_SUPPORT_DNS_WRITE_H
#define TESTS_SUPPORT_DNS_WRITE_H

#include "base/compiler.h"

struct dns_write {
	uint8_t bytes[65535];
	size_t size;
	bool full; /* something had no room */
};

void dns_write(struct dns_write *ret_message, const char *lines);
/* One line more. */
void dns_write_line(struct dns_write *message, const char *line);

#endif
