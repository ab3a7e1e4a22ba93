/*
 * First flights of TLS clients, with what is to be found in each: tests/vectors/tls-hello.txt.
 *
 *   name | bytes | sni=app.example alpn=h2,http/1.1 | HAProxy's verdict | nginx's | hex
 *                  bad: sni twice                                               <00*16254>
 */
#ifndef TESTS_SUPPORT_TLS_HELLOS_H
#define TESTS_SUPPORT_TLS_HELLOS_H

#include <stddef.h>
#include <stdint.h>

#define TLS_HELLOS_COUNT 35

struct tls_hello {
	char name[64];
	char ours[1100];
	unsigned char *bytes; /* of their length, for ASan */
	size_t length;
};

/* Read once in a process; a fatal error where they are not as said. */
const struct tls_hello *tls_hellos(void);
const struct tls_hello *tls_hello(const char *name);

#endif
