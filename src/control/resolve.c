#include "control/resolve.h"

#include "ops/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int look_up(const struct address *address, const char *place, struct addrinfo **ret_list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG,
	};
	char port[8];
	int r;

	snprintf(port, sizeof(port), "%u", address->port);
	r = getaddrinfo(address->host, port, &hints, ret_list);
	if (r == EAI_NODATA || r == EAI_NONAME || r == EAI_ADDRFAMILY) {
		/* A machine with only loopback has no "configured" address: ask again without. */
		hints.ai_flags = AI_NUMERICSERV;
		r = getaddrinfo(address->host, port, &hints, ret_list);
	}
	if (r == 0)
		return 0;
	log_error("%s: cannot resolve '%s': %s; check the name, or write the address", place,
		  address->host, r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
	return -EHOSTUNREACH;
}

static void take(struct address *ret_address, const struct addrinfo *found, uint16_t port)
{
	*ret_address = (struct address){
		.kind = ADDRESS_INET,
		.length = found->ai_addrlen,
		.port = port,
	};
	memcpy(&ret_address->u, found->ai_addr, found->ai_addrlen);
}

static int add_server(struct section *section, const struct address *address, const char *text)
{
	struct server *servers =
		realloc(section->servers, (section->server_count + 1) * sizeof(*section->servers));

	if (!servers)
		return log_no_memory("the servers");
	section->servers = servers;
	servers[section->server_count] = (struct server){.address = *address, .text = strdup(text)};
	if (!servers[section->server_count].text)
		return log_no_memory("the servers");
	section->server_count++;
	return 0;
}

static int add_name(struct section *section, const struct config_endpoint *endpoint,
		    const char *place)
{
	struct addrinfo *list;
	int r = look_up(&endpoint->address, place, &list);

	if (r < 0)
		return r;
	for (const struct addrinfo *found = list; found && r == 0; found = found->ai_next) {
		char number[ADDRESS_TEXT_MAX], text[ADDRESS_TEXT_MAX + 300];
		struct address address;

		take(&address, found, endpoint->address.port);
		address_format(&address, number, sizeof(number));
		snprintf(text, sizeof(text), "%s (%s)", endpoint->text, number);
		r = add_server(section, &address, text);
	}
	freeaddrinfo(list);
	return r;
}

int resolve_servers(struct section *section, const struct config *config)
{
	const struct config_section *source = section->config;
	int result = 0;

	for (size_t i = 0; i < source->server_count; i++) {
		const struct config_endpoint *endpoint = &source->servers[i];
		char place[600];
		int r;

		snprintf(place, sizeof(place), "%s:%u: %s server", config->files[endpoint->file],
			 endpoint->line, source->title);
		r = endpoint->address.kind == ADDRESS_NAME
			    ? add_name(section, endpoint, place)
			    : add_server(section, &endpoint->address, endpoint->text);
		result = result < 0 ? result : r;
	}
	return result;
}

/* A hosts file may give a name the same address on several lines. */
static bool is_known(const struct address *known, unsigned count, const struct addrinfo *found)
{
	for (unsigned i = 0; i < count; i++)
		if (known[i].length == found->ai_addrlen &&
		    memcmp(&known[i].u, found->ai_addr, found->ai_addrlen) == 0)
			return true;
	return false;
}

int resolve_listen(const struct address *name, const char *place, struct address *ret_addresses,
		   unsigned max)
{
	struct addrinfo *list;
	int r = look_up(name, place, &list);
	unsigned count = 0;

	if (r < 0)
		return r;
	for (const struct addrinfo *found = list; found; found = found->ai_next) {
		if (is_known(ret_addresses, count, found))
			continue;
		if (count == max) {
			log_warning("%s: '%s' has more than %u addresses; the rest is not "
				    "listened on",
				    place, name->host, max);
			break;
		}
		take(&ret_addresses[count++], found, name->port);
	}
	freeaddrinfo(list);
	return (int)count;
}
