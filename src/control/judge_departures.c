#include "control/judge_departures.h"

#include "config/source.h"
#include "control/judge.h"
#include "loop/socket.h"

#include <net/if.h>
#include <string.h>

#define CANNOT_MARK                                                                                \
	"it needs CAP_NET_RAW or CAP_NET_ADMIN, which the shipped unit does not grant; the "       \
	"drop-in uringproxy-mark.conf does (AmbientCapabilities= and CapabilityBoundingSet=)"

/* What a socket of the family is told that is to set out so; it does not. */
static int try_departure(int family, uint32_t mark, const struct address *source)
{
	int fd = socket_open(family), r;

	if (fd < 0)
		return 0; /* nothing is found out */
	r = socket_depart(fd, mark, "", source);
	socket_close(fd);
	return r;
}

static int judge_mark(const struct config *config, const struct config_section *section,
		      struct report *report)
{
	int r;

	if (!section->settings.mark)
		return 0;
	r = try_departure(AF_INET, section->settings.mark, NULL);
	if (r == 0)
		return 0;
	if (r == -EPERM)
		report_key(report, REPORT_MISTAKE, config, section, "mark",
			   "this process may not mark packets: " CANNOT_MARK);
	else
		report_key(report, REPORT_MISTAKE, config, section, "mark",
			   "this kernel does not mark packets: %s", strerror(-r));
	return -EINVAL;
}

/* It may come later, as a cable does. */
static void judge_device(const struct config *config, const struct config_section *section,
			 struct report *report)
{
	const char *name = section->settings.interface;

	if (name && !if_nametoindex(name))
		report_key(report, REPORT_WARNING, config, section, "interface",
			   "this machine has no interface %s now; `ip link` shows them; until it "
			   "has, servers cannot be connected to",
			   name);
}

static bool is_missing(const struct address *source)
{
	return try_departure(source->u.any.sa_family, 0, source) == -ENXIO;
}

static void warn_missing(const struct config *config, const struct config_origin *origin,
			 const char *title, const char *key, const char *text,
			 struct report *report)
{
	report_add(report, REPORT_WARNING, origin->file, origin->line,
		   "%s:%u: %s %s: no interface of this machine has the address %s now; until one "
		   "has, connections come from the other sources, or fail",
		   config->files[origin->file], origin->line, title, key, text);
}

static void judge_sources(const struct config *config, const struct config_section *section,
			  struct report *report)
{
	const struct config_line *line = NULL;
	char text[SOURCE_TEXT_MAX], why[VALUE_WHY_MAX];
	struct address source;

	while ((line = config_line_of(section, "source", line)))
		if (source_parse(&source, line->text, why) == 0 && is_missing(&source))
			warn_missing(config, &line->origin, section->title, "source", line->text,
				     report);
	for (size_t i = 0; i < section->server_count; i++) {
		const struct config_endpoint *server = &section->servers[i];
		const struct config_origin origin = {.file = server->file, .line = server->line};

		if (server->source.kind == ADDRESS_INET && is_missing(&server->source))
			warn_missing(config, &origin, section->title, "server",
				     source_format(&server->source, text), report);
	}
}

int judge_departures(const struct config *config, struct report *report)
{
	const struct config_section *section;
	int r = 0;

	for (size_t i = 0; (section = config_section_at(config, i)); i++) {
		if ((section->kind != CONFIG_POOL && section->kind != CONFIG_PROXY) ||
		    section->pool)
			continue;
		r = judge_worse(r, judge_mark(config, section, report));
		judge_device(config, section, report);
		judge_sources(config, section, report);
	}
	return r;
}
