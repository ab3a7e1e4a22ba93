/* What only shows when the whole configuration is looked at. */
#include "config/loader.h"

#include "config/listens.h"
#include "config/loops.h"

#include <errno.h>
#include <string.h>

static const struct config_origin *origin_of(const struct config_section *section, const char *name)
{
	return &section->origins[schema_find(name, IN_EVERY_SERVICE) - schema_keys];
}

static void check_listens(struct loader *loader, const struct listens *listens,
			  const struct config_section *section)
{
	const struct config *config = loader->config;

	if (section->kind < CONFIG_KIND_COUNT && !origin_of(section, "listen")->line &&
	    !section->listen_count)
		loader_complain(loader, section->file, section->line, section->title, NULL,
				"nothing to listen on; write for example listen = 127.0.0.1:8080");
	for (size_t i = 0; i < section->listen_count; i++) {
		const struct config_endpoint *listen = &section->listens[i], *first;
		const struct config_section *owner = NULL;

		first = listens_find(listens, &listen->address, &owner);
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

static bool is_loopback(const struct address *address)
{
	if (address->kind != ADDRESS_INET)
		return address->kind == ADDRESS_UNIX || address->kind == ADDRESS_SYSTEMD;
	return address->u.any.sa_family == AF_INET
		       ? ntohl(address->u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
		       : IN6_IS_ADDR_LOOPBACK(&address->u.in6.sin6_addr);
}

static void check_metrics(struct loader *loader)
{
	const struct config *config = loader->config;

	for (size_t i = 0; i < config->metrics.listen_count; i++) {
		const struct config_endpoint *line = &config->metrics.listens[i];

		if (!is_loopback(&line->address))
			report_add(
				loader->report, REPORT_WARNING, line->file, line->line,
				"%s:%u: [metrics] listen: \"%.100s\" is not the loopback: whoever "
				"reaches it can read names and numbers of all sections, without a "
				"password",
				config->files[line->file], line->line, line->text);
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

/* The section that the line is in. */
static const char *title_of(const struct config_origin *origin,
			    const struct config_section *section)
{
	return origin->defaults ? "[defaults]" : section->title;
}

static void check_settings(struct loader *loader, const struct config_section *section)
{
	const struct config_settings *settings = &section->settings;
	const struct config_origin *origin = origin_of(section, "idle_if_alive");
	char size[VALUE_TEXT_MAX], budget[VALUE_TEXT_MAX];

	if (settings->idle_if_alive == CONFIG_IF_ALIVE_KEEP && !settings->keepalive_ms &&
	    origin->line && !origin_of(section, "keepalive")->refused)
		loader_complain(loader, origin->file, origin->line, title_of(origin, section),
				"idle_if_alive",
				"\"keep\" finds out who is alive by keepalives; add for example "
				"keepalive = 60s");

	origin = origin_of(section, "receive_budget");
	if (loader->config->buffer_memory &&
	    settings->receive_budget > loader->config->buffer_memory)
		loader_complain(
			loader, origin->line ? origin->file : section->file,
			origin->line ? origin->line : section->line, title_of(origin, section),
			"receive_budget",
			"%s is more than all of buffer_memory, which is %s; lower it, or raise "
			"buffer_memory of [global]",
			value_format_size(settings->receive_budget, budget, sizeof(budget)),
			value_format_size(loader->config->buffer_memory, size, sizeof(size)));
}

/* ---- What has no effect ---------------------------------------------------------------------- */

static bool idles(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.idle_timeout_ms;
}

static bool ages(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.max_lifetime_ms;
}

static bool splices(const struct config *config, const struct config_section *section)
{
	(void)config;
	return section->settings.relay == CONFIG_RELAY_AUTO ||
	       section->settings.relay == CONFIG_RELAY_SPLICE;
}

static bool may_poll(const struct config *config, const struct config_section *section)
{
	(void)section;
	return config->sqpoll != CONFIG_OFF;
}

static bool may_coalesce(const struct config *config, const struct config_section *section)
{
	(void)section;
	return config->sqpoll != CONFIG_ON && !config->busy_poll_us;
}

/* Keys that another one leaves without effect. */
static const struct {
	const char *key;
	bool (*matters)(const struct config *config, const struct config_section *section);
	const char *why;
} dependents[] = {
	{"sqpoll_cpus", may_poll, "there are no polling threads with sqpoll = off"},
	{"sqpoll_idle", may_poll, "there are no polling threads with sqpoll = off"},
	{"coalesce", may_coalesce, "nothing is waited for with sqpoll = on or busy_poll"},
	{"max_lifetime_jitter", ages, "it is a part of max_lifetime, which is off"},
	{"idle_if_alive", idles, "it is about idle_timeout, which is off"},
	{"pipe_size", splices, "there are no pipes with this relay"},
};

/* Set by itself, or in [defaults] without mattering to any section. */
static void warn_of(struct loader *loader, size_t dependent, const struct config_section *section)
{
	const struct config *config = loader->config;
	const char *key = dependents[dependent].key;
	unsigned where = section ? (unsigned)IN_PROXY << section->kind : IN_GLOBAL;
	const struct schema_key *row = schema_find(key, where);
	const struct config_origin *origin;
	char value[VALUE_CPUS_TEXT_MAX];
	const void *owner = section ? (const void *)&section->settings : (const void *)config;

	if (!row || dependents[dependent].matters(config, section))
		return;
	origin = &(section ? section->origins : config->origins)[row - schema_keys];
	if (!origin->line || origin->defaults || origin->refused ||
	    !strcmp(schema_format(row, owner, value, sizeof(value)), row->initial))
		return;
	report_key(loader->report, REPORT_WARNING, config, section, key, "has no effect: %s",
		   dependents[dependent].why);
}

static void warn_of_defaults(struct loader *loader, size_t dependent)
{
	const struct config *config = loader->config;
	const char *key = dependents[dependent].key;
	const struct schema_key *row = schema_find(key, IN_DEFAULTS);
	const struct config_section *first = NULL;

	for (size_t i = 0; row && i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		if (!section->origins[row - schema_keys].defaults)
			continue;
		if (dependents[dependent].matters(config, section))
			return;
		if (row->where & (unsigned)IN_PROXY << section->kind)
			first = first ? first : section;
	}
	if (first)
		report_key(loader->report, REPORT_WARNING, config, first, key, "has no effect: %s",
			   dependents[dependent].why);
}

static void check_effects(struct loader *loader)
{
	const struct config *config = loader->config;

	for (size_t i = 0; i < array_size(dependents); i++) {
		if (schema_find(dependents[i].key, IN_GLOBAL)) {
			warn_of(loader, i, NULL);
			continue;
		}
		warn_of_defaults(loader, i);
		for (size_t j = 0; j < config->section_count; j++)
			warn_of(loader, i, &config->sections[j]);
	}
}

void loader_check(struct loader *loader)
{
	const struct config *config = loader->config;
	struct listens listens;
	struct loops loops;

	/* with mistakes before, the one section that was meant may be among them */
	if (!config->section_count && !loader->report->found[REPORT_MISTAKE])
		loader_complain(
			loader, 0, 0, NULL, NULL,
			"has no section that listens; write for example [echo] and below it "
			"listen = 127.0.0.1:7007");
	if (listens_init(&listens, config) < 0) {
		loader->failed = -ENOMEM;
		return;
	}
	if (loops_init(&loops, config) < 0) {
		listens_done(&listens);
		loader->failed = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < config->section_count; i++) {
		check_listens(loader, &listens, &config->sections[i]);
		check_servers(loader, &loops, i);
		check_settings(loader, &config->sections[i]);
	}
	loops_done(&loops);
	check_listens(loader, &listens, &config->control);
	check_listens(loader, &listens, &config->metrics);
	listens_done(&listens);
	check_metrics(loader);
	check_effects(loader);
}
