/* What only shows when the whole configuration is looked at. */
#include "config/loader.h"

#include "config/listens.h"

#include <errno.h>

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

		first = listens_find(listens, listen, &owner);
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

void loader_check(struct loader *loader)
{
	const struct config *config = loader->config;
	struct listens listens;

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
	for (size_t i = 0; i < config->section_count; i++) {
		check_listens(loader, &listens, &config->sections[i]);
		check_settings(loader, &config->sections[i]);
	}
	check_listens(loader, &listens, &config->control);
	check_listens(loader, &listens, &config->metrics);
	listens_done(&listens);
	check_metrics(loader);
}
