/*
 * A name server of the test's own, by UDP and TCP on one port of loopback, that answers what
 * the test has told it to and may be told anew at any time.  Lines:
 *
 *	www.example 60 A 10.0.0.5
 *	www.example 60 AAAA ::1
 *	_pg._tcp.example 0 SRV 1 10 5432 db.example
 *	alias.example 10 CNAME www.example
 *	fails.example rcode 2            answered so
 *	fails.example AAAA rcode 2       ... of that type only
 *	mute.example silent              not answered
 *	wrong.example id                 answered with another number: as a forger would
 *	wrong.example question           ... to another question
 *	cut.example cut                  cut off by UDP, and by TCP closed without an answer
 *	besides                          with SRV come the addresses that it leads to
 *
 * A name it has no line for does not exist; what has no record of the type has no data: either may
 *be believed for five seconds.  What is longer than 512 bytes is cut off by UDP.
 */
#ifndef TESTS_SUPPORT_DNS_SERVER_H
#define TESTS_SUPPORT_DNS_SERVER_H

#include "base/compiler.h"

#define DNS_SERVER_NEGATIVE_S 5

struct dns_server;

/* On an address such as "127.0.0.1:0", whose port is any then; a test's thread. */
struct dns_server *dns_server_start(const char *address);
void dns_server_stop(struct dns_server *server);
/* "127.0.0.1:5353" */
const char *dns_server_address(const struct dns_server *server);

/* From now on. */
void dns_server_say(struct dns_server *server, const char *lines);

/* Questions so far, by all ways; by TCP. */
unsigned dns_server_asked(struct dns_server *server);
unsigned dns_server_asked_by_tcp(struct dns_server *server);
/* ... of that name and type, in words. */
unsigned dns_server_asked_of(struct dns_server *server, const char *name, const char *type);

#endif
