#include "config/loader.h"

#include "base/grow.h"
#include "config/endpoint.h"
#include "config/option.h"
#include "config/reader.h"
#include "config/repeated.h"
#include "config/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void complain(struct loader *loader, unsigned line, const char *key, const char *what)
{
	loader_complain(loader, loader->file, line, loader->title, key, "%s", what);
}

/* What stands behind the address of a server, and there alone or there in another sense. */
static bool is_of_servers(const struct loader *loader, const char *name)
{
	const char *option;

	for (size_t i = 0; (option = option_name(ENDPOINT_CONNECT, i)); i++)
		if (suggest_is_same(name, option))
			return loader->where & (IN_PROXY | IN_POOL);
	return false;
}

static void unknown_key(struct loader *loader, unsigned line, const char *name)
{
	const char *meant = schema_suggest(name, loader->where);
	unsigned places = schema_places(name), serves = places & IN_EVERY_SERVICE;
	char what[300] = "no such key; uringproxy.conf(5) has them all";

	if (is_of_servers(loader, name)) {
		snprintf(what, sizeof(what),
			 "is of one server: it stands behind its address, as in server = "
			 "127.0.0.1:9000 name=a weight=2");
	} else if (places) {
		int used = snprintf(what, sizeof(what), "has no meaning here; it belongs in");

		for (size_t i = 0; i < SCHEMA_SECTION_COUNT; i++)
			if (schema_sections[i].where & places &&
			    !(serves && schema_sections[i].member)) /* [control]'s is another */
				used += snprintf(what + used, sizeof(what) - (size_t)used, " %s",
						 schema_sections[i].title);
	} else if (meant) {
		snprintf(what, sizeof(what), "no such key; did you mean %s?", meant);
	}
	loader_complain(loader, loader->file, line, loader->title, NULL, "%.60s: %s", name, what);
}

static void clear_endpoints(struct config_endpoint **list, size_t *count)
{
	for (size_t i = 0; i < *count; i++)
		endpoint_done(&(*list)[i]);
	free(*list);
	*list = NULL;
	*count = 0;
}

/* So many ports more, each behind the last of the list. */
static void add_ports(struct loader *loader, struct config_endpoint **list, size_t *count,
		      unsigned more)
{
	struct config_endpoint *grown = grow(*list, *count, more, sizeof(**list));

	if (!grown) {
		loader->failed = -ENOMEM;
		return;
	}
	*list = grown;
	for (; more; more--, (*count)++)
		if (endpoint_next(&grown[*count], &grown[*count - 1]) < 0) {
			loader->failed = -ENOMEM;
			return;
		}
}

/* `off` stands alone in its file; of an earlier file it ends all lines. */
static bool take_off(struct loader *loader, unsigned line, const struct schema_key *key,
		     const char *text)
{
	struct config_section *section = loader->section;
	struct config_origin *origin = &section->origins[key - schema_keys];
	bool off = key->zero && !strcasecmp(text, key->zero);

	if (origin->line && origin->file == loader->file && off != section->listens_off) {
		loader_complain(loader, loader->file, line, loader->title, key->name,
				"line %u says %s; keep one of the two", origin->line,
				off ? "an address" : key->zero);
		return true;
	}
	section->listens_off = off;
	if (!off)
		return false;
	clear_endpoints(&section->listens, &section->listen_count);
	*origin = (struct config_origin){.file = loader->file, .line = line};
	return true;
}

static enum endpoint_use use_of(const struct schema_key *key)
{
	if (key->type != SCHEMA_LISTEN)
		return ENDPOINT_CONNECT;
	return key->where == IN_CONTROL   ? ENDPOINT_CONTROL
	       : key->where == IN_METRICS ? ENDPOINT_METRICS
					  : ENDPOINT_LISTEN;
}

static void add_endpoint(struct loader *loader, unsigned line, const struct schema_key *key,
			 const char *text)
{
	bool listens = key->type == SCHEMA_LISTEN;
	struct config_section *section = loader->section;
	struct config_endpoint **list = listens ? &section->listens : &section->servers;
	size_t *count = listens ? &section->listen_count : &section->server_count;
	struct config_endpoint *grown;
	char why[VALUE_WHY_MAX];
	unsigned ports;
	int r;

	if (!*text) {
		clear_endpoints(list, count);
		section->origins[key - schema_keys].line = 0;
		return;
	}
	if (take_off(loader, line, key, text))
		return;
	section->origins[key - schema_keys] =
		(struct config_origin){.file = loader->file, .line = line};
	grown = grow(*list, *count, 1, sizeof(**list));
	if (grown)
		*list = grown;
	r = grown ? endpoint_parse(&grown[*count], &ports, text, use_of(key), why) : -ENOMEM;
	if (r == -EINVAL)
		loader_complain(loader, loader->file, line, loader->title, key->name,
				"\"%.100s\": %s", text, why);
	else if (r < 0)
		loader->failed = r;
	if (r < 0)
		return;
	grown[*count].file = loader->file;
	grown[*count].line = line;
	(*count)++;
	add_ports(loader, list, count, ports - 1);
}

static void set_scalar(struct loader *loader, unsigned line, const struct schema_key *key,
		       const char *text)
{
	struct config_section *section = loader->section;
	struct config_origin *origin =
		&(section ? section->origins : loader->config->origins)[key - schema_keys];
	void *owner = key->owner == OWNER_CONFIG     ? (void *)loader->config
		      : key->owner == OWNER_SETTINGS ? (void *)&section->settings
						     : (void *)section;
	char why[VALUE_WHY_MAX];
	int r;

	/* Of two files the later one has the say. */
	if (origin->line && origin->file == loader->file) {
		loader_complain(loader, loader->file, line, loader->title, key->name,
				"is set before, at line %u; keep one of the two", origin->line);
		return;
	}
	*origin = (struct config_origin){.file = loader->file, .line = line, .refused = !*text};
	if (!*text) {
		complain(loader, line, key->name,
			 "has no value; remove the line to have the default");
		return;
	}
	r = schema_set(key, owner, text, why);
	origin->refused = r < 0;
	if (r == -ENOMEM)
		loader->failed = r;
	else if (r < 0)
		complain(loader, line, key->name, why);
}

static void on_value(void *user, unsigned line, const char *name, const char *text)
{
	struct loader *loader = user;
	const struct schema_key *key = schema_find(name, loader->where);

	if (!loader->saw_section)
		loader_complain(
			loader, loader->file, line, NULL, NULL,
			"%.60s: stands before the first section; write for example [proxy web] "
			"above it",
			name);
	else if (!loader->where)
		return; /* the section was wrong: that has been said, and which keys it has is
			   unknown */
	else if (!key)
		unknown_key(loader, line, name);
	else if (key->type == SCHEMA_LINE)
		repeated_add(loader, line, key, text);
	else if (schema_is_list(key))
		add_endpoint(loader, line, key, text);
	else
		set_scalar(loader, line, key, text);
}

static void on_mistake(void *user, unsigned line, const char *what)
{
	complain(user, line, NULL, what);
}

void loader_read(struct loader *loader, const char *text, size_t size)
{
	static const struct reader_events events = {loader_begin, on_value, on_mistake};

	loader->where = 0;
	loader->section = NULL;
	loader->title = NULL;
	loader->saw_section = false;
	memset(loader->line_of, 0, sizeof(loader->line_of));
	reader_run(text, size, &events, loader);
}
