#include "base/meet.h"

#include "base/hash.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* IPv4 as ::ffff:a.b.c.d, so that one form is compared. */
struct host {
	struct in6_addr address;
	uint32_t scope;
	bool v4, v6; /* the families that it is of */
	bool every;  /* address of them */
};

static struct in6_addr mapped(uint32_t v4)
{
	struct in6_addr address = {0};

	address.s6_addr[10] = address.s6_addr[11] = 0xff;
	memcpy(&address.s6_addr[12], &v4, sizeof(v4));
	return address;
}

static struct host host_of(const struct address *address)
{
	struct host host = {.v6 = true};

	if (address->kind == ADDRESS_ANY)
		return (struct host){.v4 = true, .v6 = true, .every = true};
	if (address->u.any.sa_family == AF_INET)
		host.address = mapped(address->u.in.sin_addr.s_addr);
	else
		host.address = address->u.in6.sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(&host.address)) {
		uint32_t v4;

		memcpy(&v4, &host.address.s6_addr[12], sizeof(v4));
		host.v4 = true;
		host.v6 = false;
		host.every = v4 == htonl(INADDR_ANY);
		return host;
	}
	if (IN6_IS_ADDR_LINKLOCAL(&host.address))
		host.scope = address_scope(address);
	host.every = IN6_IS_ADDR_UNSPECIFIED(&host.address);
	return host;
}

static bool is_same(const struct host *a, const struct host *b)
{
	return a->scope == b->scope && !memcmp(&a->address, &b->address, sizeof(a->address));
}

static bool is_inet(const struct address *address)
{
	return address->kind == ADDRESS_ANY || address->kind == ADDRESS_INET;
}

/* ---- The machine's own ----------------------------------------------------------------------- */

static bool can_bind(const struct host *host)
{
	int fd = socket(host->v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_addr = host->address, .sin6_scope_id = host->scope};

	if (fd < 0)
		return false;
	memcpy(&in.sin_addr, &host->address.s6_addr[12], sizeof(in.sin_addr));
	r = host->v4 ? bind(fd, (struct sockaddr *)&in, sizeof(in))
		     : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	close(fd);
	return r == 0;
}

/*
 * By binding, which needs no netlink (the unit's sandbox has none).  Where anything can
 * be bound (net.ipv4.ip_nonlocal_bind), so can an address that no machine has (RFC 5737,
 * RFC 3849), and nothing is known.
 */
static bool is_own(const struct host *host)
{
	const struct host nobody = {
		.v4 = host->v4,
		.v6 = host->v6,
		.address = host->v4 ? mapped(htonl(0xc0000201))
				    : (struct in6_addr){
					      .s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}}};

	if (host->v4 && host->address.s6_addr[12] == IN_LOOPBACKNET)
		return true;
	if (host->v6 && IN6_IS_ADDR_LOOPBACK(&host->address))
		return true;
	return !can_bind(&nobody) && can_bind(host);
}

/* ---- Unix sockets ---------------------------------------------------------------------------- */

/* Directory and name, as the kernel would find them. */
static bool is_same_place(const char *a, const char *b)
{
	const char *a_name = strrchr(a, '/') + 1, *b_name = strrchr(b, '/') + 1;
	char *a_dir, *b_dir;
	bool same;

	if (strcmp(a_name, b_name) != 0)
		return false;
	a_dir = strndup(a, (size_t)(a_name - a));
	b_dir = strndup(b, (size_t)(b_name - b));
	if (!a_dir || !b_dir) {
		same = false;
	} else {
		char *a_real = realpath(a_dir, NULL), *b_real = realpath(b_dir, NULL);

		same = a_real && b_real && !strcmp(a_real, b_real);
		free(a_real);
		free(b_real);
	}
	free(a_dir);
	free(b_dir);
	return same;
}

static bool is_same_socket(const struct address *a, const struct address *b)
{
	const char *a_path = a->u.un.sun_path, *b_path = b->u.un.sun_path;
	struct stat a_status, b_status;

	if (a->length == b->length && !memcmp(&a->u, &b->u, a->length))
		return true;
	if (!a_path[0] || !b_path[0])
		return false;
	if (stat(a_path, &a_status) == 0 && stat(b_path, &b_status) == 0)
		return a_status.st_dev == b_status.st_dev && a_status.st_ino == b_status.st_ino;
	return is_same_place(a_path, b_path);
}

/* ---- Both ------------------------------------------------------------------------------------ */

bool meet_as_listeners(const struct address *a, const struct address *b)
{
	if (is_inet(a) && is_inet(b)) {
		struct host one, other;

		if (a->port != b->port)
			return false;
		one = host_of(a);
		other = host_of(b);
		if (one.every || other.every)
			return (one.v4 && other.v4) || (one.v6 && other.v6);
		return is_same(&one, &other);
	}
	if (a->kind != b->kind)
		return false;
	if (a->kind == ADDRESS_UNIX)
		return is_same_socket(a, b);
	return a->port == b->port && !strcasecmp(a->host, b->host);
}

bool meet_on_interfaces(const char *one, const char *other)
{
	return !*one || !*other || !strcmp(one, other);
}

bool meet_covers(const struct address *wide, const struct address *narrow)
{
	struct host one, other;

	if (!is_inet(wide) || !is_inet(narrow) || wide->port != narrow->port)
		return false;
	one = host_of(wide);
	other = host_of(narrow);
	return one.every && (one.v4 || !other.v4) && (one.v6 || !other.v6);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static uint32_t key_of_port(const struct address *address)
{
	return hash_bytes(hash_text(HASH_BEGIN, "port"), &address->port, sizeof(address->port));
}

/* With the address, or with a word for every one. */
static uint32_t key_of_host(const struct address *address, const struct host *host)
{
	return host->every
		       ? hash_text(key_of_port(address), "every")
		       : hash_bytes(key_of_port(address), &host->address, sizeof(host->address));
}

/* Of a file there may be several names, and of one that is not there yet only that. */
static unsigned keys_of_unix(const struct address *address, uint32_t ret_keys[MEET_KEYS_MAX])
{
	const char *path = address->u.un.sun_path, *name = strrchr(path, '/');
	struct stat status;

	if (!path[0]) {
		ret_keys[0] =
			hash_bytes(hash_text(HASH_BEGIN, "unix"), &address->u, address->length);
		return 1;
	}
	ret_keys[0] = hash_text(hash_text(HASH_BEGIN, "name"), name ? name : path);
	if (stat(path, &status) < 0)
		return 1;
	ret_keys[1] =
		hash_bytes(hash_text(HASH_BEGIN, "file"), &status.st_ino, sizeof(status.st_ino));
	return 2;
}

/* Names are told apart without regard to case. */
static uint32_t key_of_name(const struct address *address)
{
	uint32_t key = key_of_port(address);

	for (const char *at = address->host; *at; at++) {
		char letter = (char)tolower((unsigned char)*at);

		key = hash_bytes(key, &letter, 1);
	}
	return key;
}

unsigned meet_keys_kept(const struct address *address, uint32_t ret_keys[MEET_KEYS_MAX])
{
	if (is_inet(address)) {
		struct host host = host_of(address);

		ret_keys[0] = key_of_port(address);
		ret_keys[1] = key_of_host(address, &host);
		return 2;
	}
	if (address->kind == ADDRESS_UNIX)
		return keys_of_unix(address, ret_keys);
	ret_keys[0] = key_of_name(address);
	return 1;
}

unsigned meet_keys_sought(const struct address *address, uint32_t ret_keys[MEET_KEYS_MAX])
{
	struct host host;

	if (!is_inet(address))
		return meet_keys_kept(address, ret_keys);
	host = host_of(address);
	if (host.every) {
		ret_keys[0] = key_of_port(address);
		return 1;
	}
	ret_keys[0] = key_of_host(address, &host);
	host.every = true;
	ret_keys[1] = key_of_host(address, &host);
	return 2;
}

bool meet_by_connecting(const struct address *to, const struct address *listening)
{
	if (is_inet(to) && is_inet(listening)) {
		struct host target, place;

		if (to->port != listening->port)
			return false;
		target = host_of(to);
		place = host_of(listening);
		if (target.every) /* connecting to 0.0.0.0 is to loopback, and [::] likewise */
			target.address = target.v4 ? mapped(htonl(INADDR_LOOPBACK))
						   : (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
		if (place.every)
			return ((target.v4 && place.v4) || (target.v6 && place.v6)) &&
			       is_own(&target);
		return is_same(&target, &place);
	}
	return to->kind == ADDRESS_UNIX && listening->kind == ADDRESS_UNIX &&
	       is_same_socket(to, listening);
}
