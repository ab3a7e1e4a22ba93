/* The part of loader.h that looks at where connections to servers come from. */
#include "config/loader.h"

#include "config/source.h"

#include <string.h>

enum { FAMILY_V4 = 1, FAMILY_V6 = 2, FAMILY_BOTH = 3 };

static unsigned family_of(const struct address *address)
{
	if (address->kind != ADDRESS_INET)
		return 0;
	return address->u.any.sa_family == AF_INET ? FAMILY_V4 : FAMILY_V6;
}

static const char *word_of(unsigned family)
{
	return family == FAMILY_V4 ? "IPv4" : "IPv6";
}

/* Of the section's lines. */
static unsigned families_of(const struct config_section *section)
{
	const struct config_line *line = NULL;
	char why[VALUE_WHY_MAX];
	unsigned families = 0;

	while ((line = config_line_of(section, "source", line))) {
		struct address source;

		if (source_parse(&source, line->text, why) == 0)
			families |= family_of(&source);
	}
	return families;
}

static void check_twice(struct loader *loader, const struct config_section *section)
{
	const struct config_line *line = NULL, *other;

	while ((line = config_line_of(section, "source", line))) {
		for (other = config_line_of(section, "source", NULL);
		     other != line && strcmp(other->text, line->text) != 0;)
			other = config_line_of(section, "source", other);
		if (other != line && !line->origin.defaults)
			loader_complain(
				loader, line->origin.file, line->origin.line, section->title,
				"source", "\"%.60s\" is there already, at %s:%u", line->text,
				loader->config->files[other->origin.file], other->origin.line);
	}
}

/* Any of its addresses may be had, of the families that are used. */
static void check_name(struct loader *loader, const struct config_section *section,
		       const struct config_endpoint *line, unsigned has)
{
	unsigned used = FAMILY_BOTH, missing;

	if (section->settings.family == CONFIG_FAMILY_IPV4)
		used = FAMILY_V4;
	else if (section->settings.family == CONFIG_FAMILY_IPV6)
		used = FAMILY_V6;
	missing = used & ~has;
	if (missing)
		report_add(loader->report, REPORT_WARNING, line->file, line->line,
			   "%s:%u: %s server: \"%.100s\": addresses of %s cannot be connected to, "
			   "since no source is one; write family = %s, or another source",
			   loader->config->files[line->file], line->line, section->title,
			   line->text, word_of(missing), missing == FAMILY_V4 ? "ipv6" : "ipv4");
}

static void check_line(struct loader *loader, const struct config_section *section,
		       const struct config_endpoint *line, unsigned of_section)
{
	unsigned has = line->source.kind == ADDRESS_NONE ? of_section : family_of(&line->source);
	const struct address *const addresses[] = {&line->address, &line->check_address};

	if (!has)
		return;
	if (line->address.kind == ADDRESS_NAME)
		check_name(loader, section, line, has);
	for (size_t i = 0; i < array_size(addresses); i++) {
		unsigned family = family_of(addresses[i]);

		if (family & ~has)
			loader_complain(loader, line->file, line->line, section->title, "server",
					"\"%.100s\": %sis %s, and no source is; write another "
					"source line, or source=auto behind the server",
					line->text, i ? "its check_address " : "", word_of(family));
	}
}

static bool all_are_unix(const struct config_section *section)
{
	for (size_t i = 0; i < section->server_count; i++)
		if (section->servers[i].address.kind != ADDRESS_UNIX)
			return false;
	return section->server_count;
}

void loader_check_sources(struct loader *loader)
{
	const struct config_section *section;

	for (size_t i = 0; (section = config_section_at(loader->config, i)); i++) {
		const struct config_line *line;
		unsigned families;

		if (section->kind != CONFIG_POOL && section->kind != CONFIG_PROXY)
			continue;
		line = config_line_of(section, "source", NULL);
		families = families_of(section);
		check_twice(loader, section);
		if (line && !line->origin.defaults && all_are_unix(section))
			report_add(loader->report, REPORT_WARNING, line->origin.file,
				   line->origin.line,
				   "%s:%u: %s source: has no effect: all servers are unix sockets",
				   loader->config->files[line->origin.file], line->origin.line,
				   section->title);
		for (size_t j = 0; j < section->server_count; j++)
			check_line(loader, section, &section->servers[j], families);
	}
}
