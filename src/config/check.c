/* What only shows when the whole configuration is looked at. */
#include "config/loader.h"

#include <string.h>
#include <strings.h>

static const struct config_origin *origin_of(const struct config_section *section, const char *name)
{
	return &section->origins[schema_find(name, IN_EVERY_SERVICE) - schema_keys];
}

static bool is_wildcard(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
		       IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* Whether two places to listen on are one: a port on every address is every address's. */
static bool same_address(const struct address *a, const struct address *b)
{
	if (a->kind == ADDRESS_ANY && b->kind == ADDRESS_INET)
		return a->port == b->port && is_wildcard(&b->u.any);
	if (b->kind == ADDRESS_ANY && a->kind == ADDRESS_INET)
		return same_address(b, a);
	if (a->kind != b->kind || a->port != b->port || a->length != b->length)
		return false;
	return !memcmp(&a->u, &b->u, a->length) && !strcasecmp(a->host, b->host);
}

/* The first place that listens on the address, in file order. */
static const struct config_endpoint *first_listen(const struct config *config,
						  const struct address *address,
						  const struct config_section **ret_section)
{
	for (size_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		for (size_t j = 0; j < section->listen_count; j++)
			if (same_address(&section->listens[j].address, address)) {
				*ret_section = section;
				return &section->listens[j];
			}
	}
	return NULL;
}

static void check_listens(struct loader *loader, const struct config_section *section)
{
	const struct config *config = loader->config;

	if (!origin_of(section, "listen")->line && !section->listen_count)
		loader_complain(loader, section->file, section->line, section->title, NULL,
				"nothing to listen on; write for example listen = 127.0.0.1:8080");
	for (size_t i = 0; i < section->listen_count; i++) {
		const struct config_endpoint *listen = &section->listens[i], *first;
		const struct config_section *owner = NULL;

		first = first_listen(config, &listen->address, &owner);
		assert(first && owner); /* at least this one is found */
		if (first != listen)
			loader_complain(
				loader, listen->file, listen->line, section->title, "listen",
				"\"%.100s\" is taken by %s at %s:%u (\"%.100s\"); one of the two "
				"has to go",
				listen->text, owner->title, config->files[first->file], first->line,
				first->text);
	}
}

/* A server that is this very section would be connected to for each connection it makes. */
static bool is_own_listen(const struct config_section *section, const struct address *server)
{
	for (size_t i = 0; i < section->listen_count; i++) {
		const struct address *listen = &section->listens[i].address;

		if (same_address(listen, server))
			return true;
		if (listen->kind == ADDRESS_ANY && listen->port == server->port &&
		    server->kind == ADDRESS_INET && is_loopback(&server->u.any))
			return true;
	}
	return false;
}

static void check_servers(struct loader *loader, const struct config_section *section)
{
	if (section->kind != CONFIG_PROXY)
		return;
	if (!origin_of(section, "server")->line && !section->server_count)
		loader_complain(
			loader, section->file, section->line, section->title, NULL,
			"no server to connect to; write for example server = 127.0.0.1:9000");
	for (size_t i = 0; i < section->server_count; i++) {
		const struct config_endpoint *server = &section->servers[i];

		if (is_own_listen(section, &server->address))
			loader_complain(
				loader, server->file, server->line, section->title, "server",
				"\"%.100s\" is where this section listens: it would connect to "
				"itself without end",
				server->text);
	}
}

static void check_settings(struct loader *loader, const struct config_section *section)
{
	const struct config_settings *settings = &section->settings;
	const struct config_origin *origin = origin_of(section, "idle_if_alive");
	char size[VALUE_TEXT_MAX];

	if (settings->idle_if_alive == CONFIG_IF_ALIVE_KEEP && !settings->keepalive_ms &&
	    origin->line)
		loader_complain(loader, origin->file, origin->line, section->title, "idle_if_alive",
				"\"keep\" finds out who is alive by keepalives; add for example "
				"keepalive = 60s");

	origin = origin_of(section, "receive_budget");
	if (settings->receive_budget > loader->config->buffer_memory)
		loader_complain(
			loader, origin->line ? origin->file : section->file,
			origin->line ? origin->line : section->line, section->title,
			"receive_budget", "is more than all of buffer_memory, which is %s",
			value_format_size(loader->config->buffer_memory, size, sizeof(size)));
}

void loader_check(struct loader *loader)
{
	const struct config *config = loader->config;

	/* with mistakes before, the one section that was meant may be among them */
	if (!config->section_count && !loader->errors->count)
		loader_complain(
			loader, 0, 0, NULL, NULL,
			"has no section that listens; write for example [echo] and below it "
			"listen = 127.0.0.1:7007");
	for (size_t i = 0; i < config->section_count; i++) {
		check_listens(loader, &config->sections[i]);
		check_servers(loader, &config->sections[i]);
		check_settings(loader, &config->sections[i]);
	}
}
