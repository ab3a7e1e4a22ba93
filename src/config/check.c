/* What only shows when the whole configuration is looked at. */
#include "config/loader.h"

#include "base/meet.h"
#include "config/loops.h"

#include <errno.h>

static const struct config_origin *origin_of(const struct config_section *section, const char *name)
{
	return &section->origins[schema_find(name, IN_EVERY_SERVICE) - schema_keys];
}

/* The first place that listens on the address, in file order. */
static const struct config_endpoint *first_listen(const struct config *config,
						  const struct address *address,
						  const struct config_section **ret_section)
{
	for (size_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		for (size_t j = 0; j < section->listen_count; j++)
			if (meet_as_listeners(&section->listens[j].address, address)) {
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

/* A server that leads back would be connected to for each connection that it makes. */
static void check_loop(struct loader *loader, struct loops *loops, size_t section,
		       const struct config_endpoint *server)
{
	const struct config *config = loader->config;
	struct loop_found found;
	int r = loops_connect(loops, section, &server->address, server, &found);

	if (r < 0)
		loader->failed = r;
	else if (r > 0 && !found.onward)
		loader_complain(loader, server->file, server->line, config->sections[section].title,
				"server",
				"\"%.100s\" is where this section listens, at %s:%u: it would "
				"connect to itself without end",
				server->text, config->files[found.line->file], found.line->line);
	else if (r > 0)
		loader_complain(
			loader, server->file, server->line, config->sections[section].title,
			"server",
			"\"%.100s\" is where %s listens, at %s:%u, and its server \"%.100s\" "
			"at %s:%u leads back here: connections would go round without end",
			server->text, config->sections[found.section].title,
			config->files[found.line->file], found.line->line, found.onward->text,
			config->files[found.onward->file], found.onward->line);
}

static void check_servers(struct loader *loader, struct loops *loops, size_t index)
{
	const struct config_section *section = &loader->config->sections[index];

	if (section->kind != CONFIG_PROXY)
		return;
	if (!origin_of(section, "server")->line && !section->server_count)
		loader_complain(
			loader, section->file, section->line, section->title, NULL,
			"no server to connect to; write for example server = 127.0.0.1:9000");
	for (size_t i = 0; i < section->server_count; i++)
		check_loop(loader, loops, index, &section->servers[i]);
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
	if (loader->config->buffer_memory &&
	    settings->receive_budget > loader->config->buffer_memory)
		loader_complain(
			loader, origin->line ? origin->file : section->file,
			origin->line ? origin->line : section->line, section->title,
			"receive_budget", "is more than all of buffer_memory, which is %s",
			value_format_size(loader->config->buffer_memory, size, sizeof(size)));
}

void loader_check(struct loader *loader)
{
	const struct config *config = loader->config;
	struct loops loops;

	/* with mistakes before, the one section that was meant may be among them */
	if (!config->section_count && !loader->errors->count)
		loader_complain(
			loader, 0, 0, NULL, NULL,
			"has no section that listens; write for example [echo] and below it "
			"listen = 127.0.0.1:7007");
	if (loops_init(&loops, config) < 0) {
		loader->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < config->section_count; i++) {
		check_listens(loader, &config->sections[i]);
		check_servers(loader, &loops, i);
		check_settings(loader, &config->sections[i]);
	}
	loops_done(&loops);
}
