#include "base/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */

static int wrong(const char **ret_why, const char *why)
{
	*ret_why = why;
	return -EINVAL;
}

/* The decimal number text is made of, at most max; -EINVAL for anything else, also for "". */
static int parse_number(const char *text, unsigned long max, unsigned long *ret_number)
{
	char *end;

	/* strtoul would also take blanks and signs */
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (*end || errno || number > max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

static int parse_port(uint16_t *ret_port, const char *text, const char **ret_why)
{
	unsigned long port;

	if (!*text)
		return wrong(ret_why, "has no port; write for example 127.0.0.1:80");
	if (strspn(text, "0123456789") != strlen(text))
		return wrong(ret_why, "the port is not a number between 1 and 65535");
	if (parse_number(text, UINT16_MAX, &port) < 0 || port == 0)
		return wrong(ret_why, "the port is outside 1..65535");
	*ret_port = (uint16_t)port;
	return 0;
}

static int parse_any(struct address *address, const char *port, unsigned use, const char **ret_why)
{
	int r = parse_port(&address->port, port, ret_why);

	if (r < 0)
		return r;
	if (!(use & ADDRESS_FOR_LISTEN))
		return wrong(ret_why, "has no host; write for example 127.0.0.1:80");
	address->kind = ADDRESS_ANY;
	address->length = sizeof(address->u.in6);
	address->u.in6 = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(address->port),
		.sin6_addr = IN6ADDR_ANY_INIT,
	};
	return 0;
}

static int parse_unix(struct address *address, const char *path, const char **ret_why)
{
	size_t length = strlen(path);
	struct sockaddr_un *un = &address->u.un;

	if (path[0] != '/' && path[0] != '@')
		return wrong(ret_why,
			     "after unix: comes a path that begins with / (or @ and a name "
			     "for the abstract name space)");
	if (length < 2)
		return wrong(ret_why, "the path or name of the unix socket is missing");
	/* unix(7): a path keeps its NUL; an abstract name has its NUL in front, not behind */
	if (length > sizeof(un->sun_path) - 1)
		return wrong(ret_why, "the path of a unix socket is at most 107 bytes long");

	address->kind = ADDRESS_UNIX;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, length);
	address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (path[0] == '@')
		un->sun_path[0] = 0;
	else
		address->length++;
	return 0;
}

static int parse_systemd(struct address *address, const char *name, unsigned use,
			 const char **ret_why)
{
	if (!(use & ADDRESS_FOR_LISTEN))
		return wrong(ret_why, "systemd: names an inherited listening socket; it cannot be "
				      "connected to");
	if (!*name)
		return wrong(ret_why, "after systemd: comes the socket's FileDescriptorName=");
	if (strlen(name) >= sizeof(address->host))
		return wrong(ret_why, "the name after systemd: is at most 253 bytes long");
	/* what systemd.socket(5) allows in FileDescriptorName=, without blanks */
	for (const char *c = name; *c; c++)
		if (!isgraph((unsigned char)*c) || *c == ':')
			return wrong(ret_why, "the name after systemd: holds no blanks, colons or "
					      "control characters");
	address->kind = ADDRESS_SYSTEMD;
	memcpy(address->host, name, strlen(name) + 1);
	return 0;
}

bool address_is_interface(const char *name)
{
	size_t length = strcspn(name, "/: \t\n\v\f\r");

	return length && !name[length] && length < IF_NAMESIZE && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* What is behind the %: a number, or a name, which is kept. */
static int parse_zone(struct address *address, const char *zone, unsigned long *ret_scope,
		      const char **ret_why)
{
	if (zone[strspn(zone, "0123456789")] && address_is_interface(zone)) {
		memcpy(address->host, zone, strlen(zone) + 1);
		return 0;
	}
	if (parse_number(zone, UINT32_MAX, ret_scope) == 0 && *ret_scope)
		return 0;
	return wrong(ret_why,
		     "the zone after % is the interface's name or number, as shown by: ip link");
}

/* host is what was between the brackets: an address and perhaps %zone. */
static int parse_inet6(struct address *address, char *host, const char **ret_why)
{
	struct sockaddr_in6 *in6 = &address->u.in6;
	char *zone = strchr(host, '%');
	unsigned long scope = 0;
	int r;

	if (zone) {
		*zone++ = 0;
		r = parse_zone(address, zone, &scope, ret_why);
		if (r < 0)
			return r;
	}
	in6->sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
		return wrong(ret_why, "what is between the brackets is not an IPv6 address");
	if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && !zone)
		return wrong(ret_why,
			     "a link-local address needs its interface: [fe80::1%eth0]:80");
	if (!IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && zone)
		return wrong(ret_why, "only a link-local address (fe80::...) belongs to an "
				      "interface: leave out % and what is behind it");
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return wrong(ret_why, "write an IPv4 address without ::ffff: and brackets");
	in6->sin6_scope_id = (uint32_t)scope;
	in6->sin6_port = htons(address->port);
	address->kind = ADDRESS_INET;
	address->length = sizeof(*in6);
	return 0;
}

/*
 * A host name as RFC 1123 has it, and the underscore that containers and
 * service records use.  A last label of digits only is a mistyped IPv4 address:
 * no such top-level domain exists.
 */
static int parse_name(struct address *address, const char *host, const char **ret_why)
{
	size_t label = 0;
	bool digits = true;

	for (const char *c = host; *c; c++) {
		if (*c == '.') {
			if (!label)
				return wrong(ret_why, "the host name has an empty part");
			label = 0;
			digits = true;
			continue;
		}
		if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
			return wrong(ret_why, "the host is neither an address nor a name");
		if (!isdigit((unsigned char)*c))
			digits = false;
		if (++label > LABEL_MAX)
			return wrong(ret_why, "the host name has a part of more than 63 bytes");
	}
	if (digits && label)
		return wrong(ret_why, "the host is not an IPv4 address; write for example "
				      "127.0.0.1:80");
	address->kind = ADDRESS_NAME;
	memcpy(address->host, host, strlen(host) + 1);
	return 0;
}

static int parse_service(struct address *address, const char *name, unsigned use,
			 const char **ret_why)
{
	struct in_addr number;
	int r;

	if (!(use & ADDRESS_FOR_CONNECT))
		return wrong(ret_why, "srv: is where to connect; it cannot be listened on");
	if (strchr(name, ':'))
		return wrong(ret_why, "srv: takes no port: the service's records have it");
	if (!*name)
		return wrong(ret_why, "after srv: comes the name of a service, as in "
				      "srv:_postgresql._tcp.example.com");
	if (inet_pton(AF_INET, name, &number) == 1)
		return wrong(ret_why, "after srv: comes the name of a service, not an address");
	if (strlen(name) >= sizeof(address->host))
		return wrong(ret_why, "the name after srv: is longer than 253 bytes");
	r = parse_name(address, name, ret_why);
	address->is_service = true;
	return r;
}

static bool is_wildcard(const struct address *address)
{
	if (address->kind != ADDRESS_INET)
		return false;
	if (address->u.any.sa_family == AF_INET)
		return address->u.in.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&address->u.in6.sin6_addr);
}

static bool is_multicast(const struct address *address)
{
	if (address->kind != ADDRESS_INET)
		return false;
	if (address->u.any.sa_family == AF_INET)
		return IN_MULTICAST(ntohl(address->u.in.sin_addr.s_addr));
	return IN6_IS_ADDR_MULTICAST(&address->u.in6.sin6_addr);
}

static int parse_host_and_port(struct address *address, const char *text, unsigned use,
			       const char **ret_why)
{
	const char *end = *text == '[' ? strchr(text, ']') : strrchr(text, ':');
	const char *start = text + (*text == '[');
	char host[sizeof(address->host)];
	int r;

	if (!end && *text == '[')
		return wrong(ret_why, "the bracket is not closed; write for example [::1]:80");
	if (!end || (*text == '[' && end[1] == 0))
		return wrong(ret_why, "has no port; write for example 127.0.0.1:80 or [::1]:80");
	if (*text == '[' && end[1] != ':')
		return wrong(ret_why, "after the bracket comes :PORT, as in [::1]:80");
	if (*text != '[' && strchr(text, ':') != end)
		return wrong(ret_why, "an IPv6 address stands in brackets, as in [::1]:80");
	if ((size_t)(end - start) >= sizeof(host))
		return wrong(ret_why, "the host name is longer than 253 bytes");
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = 0;

	r = parse_port(&address->port, end + (*text == '[' ? 2 : 1), ret_why);
	if (r < 0)
		return r;
	if (*text == '[') {
		r = parse_inet6(address, host, ret_why);
	} else if (inet_pton(AF_INET, host, &address->u.in.sin_addr) == 1) {
		address->kind = ADDRESS_INET;
		address->length = sizeof(address->u.in);
		address->u.in.sin_family = AF_INET;
		address->u.in.sin_port = htons(address->port);
	} else {
		r = parse_name(address, host, ret_why);
	}
	if (r == 0 && is_multicast(address))
		return wrong(ret_why, "is a multicast address, and TCP has none");
	if (r == 0 && !(use & ADDRESS_FOR_LISTEN) && is_wildcard(address))
		return wrong(ret_why,
			     "is every address, which cannot be connected to; this machine "
			     "is 127.0.0.1 or [::1]");
	return r;
}

int address_parse(struct address *ret_address, const char *text, unsigned use, const char **ret_why)
{
	struct address address = {0};
	int r;

	if (!*text)
		return wrong(ret_why, "is empty; write for example 127.0.0.1:80");
	if (strstr(text, "://"))
		return wrong(ret_why, "is a URL; write only host and port, as in 127.0.0.1:80");
	if (!strncmp(text, "unix:", 5))
		r = parse_unix(&address, text + 5, ret_why);
	else if (!strncmp(text, "systemd:", 8))
		r = parse_systemd(&address, text + 8, use, ret_why);
	else if (!strncmp(text, "srv:", 4))
		r = parse_service(&address, text + 4, use, ret_why);
	else if (*text == '/')
		r = wrong(ret_why, "is a path; write unix: in front of it");
	else if (!strncmp(text, "*:", 2))
		r = wrong(ret_why, "for every local address write the port alone, as in :80");
	else if (*text == ':' && !strchr(text + 1, ':'))
		r = parse_any(&address, text + 1, use, ret_why);
	else if (strspn(text, "0123456789") == strlen(text))
		r = parse_any(&address, text, use, ret_why);
	else
		r = parse_host_and_port(&address, text, use, ret_why);
	if (r == 0)
		*ret_address = address;
	return r;
}

static const char *format_unix(const struct sockaddr_un *un, socklen_t length, char *text,
			       size_t size)
{
	size_t room = length - offsetof(struct sockaddr_un, sun_path);
	char name[sizeof(un->sun_path) + 1] = "";

	if (room > sizeof(un->sun_path))
		room = sizeof(un->sun_path);
	/* a path may or may not have its NUL counted; an abstract name is all of the length */
	if (room && un->sun_path[0])
		room = strnlen(un->sun_path, room);
	for (size_t i = 0; i < room; i++)
		name[i] = isgraph((unsigned char)un->sun_path[i]) ? un->sun_path[i] : '?';
	if (room && !un->sun_path[0])
		name[0] = '@';
	snprintf(text, size, "unix:%s", name);
	return text;
}

static char *put_decimal(char *at, unsigned number)
{
	if (number >= 10)
		at = put_decimal(at, number / 10);
	*at = (char)('0' + number % 10);
	return at + 1;
}

/* "192.0.2.7:51034", without printf(3): who connects is said of every connection. */
static const char *format_ipv4(const void *address, uint16_t port, char *text, size_t size)
{
	char whole[INET_ADDRSTRLEN + sizeof(":65535")], *at = whole;
	const unsigned char *bytes = address;

	for (unsigned i = 0; i < 4; i++) {
		at = put_decimal(at, bytes[i]);
		*at++ = i < 3 ? '.' : ':';
	}
	at = put_decimal(at, ntohs(port));
	*at = 0;
	if (size)
		*(char *)mempcpy(text, whole, strnlen(whole, size - 1)) = 0;
	return text;
}

const char *address_format_socket(const struct sockaddr *address, socklen_t length, char *text,
				  size_t size)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	char host[INET6_ADDRSTRLEN];

	if (length >= sizeof(sa_family_t) && address->sa_family == AF_UNIX)
		return format_unix((const struct sockaddr_un *)address, length, text, size);
	if (length >= sizeof(*in) && address->sa_family == AF_INET)
		return format_ipv4(&in->sin_addr, in->sin_port, text, size);
	if (length >= sizeof(*in6) && address->sa_family == AF_INET6) {
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
			return format_ipv4(&in6->sin6_addr.s6_addr[12], in6->sin6_port, text, size);
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		if (in6->sin6_scope_id)
			snprintf(text, size, "[%s%%%u]:%u", host, in6->sin6_scope_id,
				 ntohs(in6->sin6_port));
		else
			snprintf(text, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		snprintf(text, size, "unknown");
	}
	return text;
}

/* "[fe80::1%eth0]:80": the number of the interface may be another tomorrow. */
static const char *format_zoned(const struct address *address, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &address->u.in6.sin6_addr, host, sizeof(host));
	snprintf(text, size, "[%s%%%.15s]:%u", host, address->host, address->port);
	return text;
}

const char *address_format(const struct address *address, char *text, size_t size)
{
	switch (address->kind) {
	case ADDRESS_ANY:
		snprintf(text, size, ":%u", address->port);
		return text;
	case ADDRESS_INET:
		if (address_has_zone(address))
			return format_zoned(address, text, size);
		return address_format_socket(&address->u.any, address->length, text, size);
	case ADDRESS_UNIX:
		return address_format_socket(&address->u.any, address->length, text, size);
	case ADDRESS_NAME:
		if (address->is_service)
			snprintf(text, size, "srv:%s", address->host);
		else
			snprintf(text, size, "%s:%u", address->host, address->port);
		return text;
	case ADDRESS_SYSTEMD:
		snprintf(text, size, "systemd:%s", address->host);
		return text;
	case ADDRESS_NONE:
	case ADDRESS_KIND_COUNT:
		break;
	}
	snprintf(text, size, "none");
	return text;
}

uint32_t address_scope(const struct address *address)
{
	if (address_has_zone(address))
		return if_nametoindex(address->host);
	return address->kind == ADDRESS_INET && address->u.any.sa_family == AF_INET6
		       ? address->u.in6.sin6_scope_id
		       : 0;
}

int address_locate(struct address *address)
{
	if (!address_has_zone(address))
		return 0;
	address->u.in6.sin6_scope_id = address_scope(address);
	return address->u.in6.sin6_scope_id ? 0 : -ENODEV;
}

void address_set_port(struct address *address, uint16_t port)
{
	address->port = port;
	if (address->kind == ADDRESS_INET && address->u.any.sa_family == AF_INET)
		address->u.in.sin_port = htons(port);
	else if (address->kind == ADDRESS_INET || address->kind == ADDRESS_ANY)
		address->u.in6.sin6_port = htons(port);
}

bool address_is_same(const struct address *a, const struct address *b)
{
	return a->kind == b->kind && a->length == b->length && a->port == b->port &&
	       a->is_service == b->is_service && memcmp(&a->u, &b->u, a->length) == 0 &&
	       strcmp(a->host, b->host) == 0;
}
