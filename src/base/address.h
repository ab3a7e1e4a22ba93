/*
 * Where to listen and where to connect, as text and as socket addresses.
 *
 *   80  :80            every local address, both families   (listening only)
 *   127.0.0.1:80       IPv4        [::1]:80   IPv6
 *   [fe80::1%eth0]:80  IPv6 of a link; the interface is looked up when it is used
 *   host.example:80    a name; it keeps its text until somebody looks it up
 *   srv:_pg._tcp.example   a service by its SRV records   (connecting only)
 *   unix:/run/x.sock   a path      unix:@x    the abstract name space
 *   systemd:NAME       an inherited socket (listening only)
 *
 * Parsing never looks a name up and never allocates.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/compiler.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

enum address_kind {
	ADDRESS_NONE,
	ADDRESS_ANY,     /* a port on every local address: listen on [::] for both families */
	ADDRESS_INET,    /* AF_INET or AF_INET6, complete */
	ADDRESS_UNIX,    /* a path, or an abstract name (sun_path[0] == 0) */
	ADDRESS_NAME,    /* host and port, not looked up yet */
	ADDRESS_SYSTEMD, /* host holds the name of an inherited socket */
	ADDRESS_KIND_COUNT,
};

struct address {
	enum address_kind kind;
	socklen_t length; /* of the socket address; 0 unless INET, UNIX or ANY (then IPv6 any) */
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
	uint16_t port;
	bool is_service; /* ADDRESS_NAME: its SRV records say where, and the port; port is 0 */
	char host[254];  /* ADDRESS_NAME, ADDRESS_SYSTEMD; of ADDRESS_INET its interface's name */
};

enum { ADDRESS_FOR_LISTEN = 1, ADDRESS_FOR_CONNECT = 2 };

/*
 * Text to address for the use named.  0, or -EINVAL with *ret_why one sentence
 * without full stop (static storage) that says what would be right.
 */
int address_parse(struct address *ret_address, const char *text, unsigned use,
		  const char **ret_why) must_check;

/* The same with another port, of what has one: of ADDRESS_INET and ADDRESS_ANY. */
void address_set_port(struct address *address, uint16_t port);

/* Whether it names its interface, whose number may change while the daemon runs. */
static inline bool address_has_zone(const struct address *address)
{
	return address->kind == ADDRESS_INET && address->host[0];
}
/* The number of the interface that it belongs to, today; 0: none, or none of that name. */
uint32_t address_scope(const struct address *address);
/* The same, into the socket address, before it is used.  0, or -ENODEV. */
int address_locate(struct address *address) must_check;
/* Whether an interface can be called so. */
bool address_is_interface(const char *name);

/* Whether they are the same, up to the last byte; a name's or inherited socket's by its text. */
bool address_is_same(const struct address *a, const struct address *b);

/* Room for any text address_format() writes. */
#define ADDRESS_TEXT_MAX 300

/* As a person writes it (IPv4 seen through a v6 socket as IPv4); returns text. */
const char *address_format(const struct address *address, char *text, size_t size);
/* The same for what accept(2) or getpeername(2) gave; an unnamed unix peer is "unix:". */
const char *address_format_socket(const struct sockaddr *address, socklen_t length, char *text,
				  size_t size);

#endif
