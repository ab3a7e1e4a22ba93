#include "config/schema.h"

#include <stdio.h>
#include <string.h>

/* ---- Sections -------------------------------------------------------------------------------- */

const struct config_section *config_section_at(const struct config *config, size_t n)
{
	if (n < config->section_count)
		return &config->sections[n];
	n -= config->section_count;
	return n < config->pool_count ? &config->pools[n] : NULL;
}

const struct config_section *config_pool(const struct config *config,
					 const struct config_section *proxy)
{
	for (size_t i = 0; proxy->pool && i < config->pool_count; i++)
		if (!strcmp(config->pools[i].name, proxy->pool))
			return &config->pools[i];
	return proxy;
}

bool config_has_servers(const struct config_section *proxy)
{
	return proxy->pool || proxy->server_count;
}

static const struct config_line *line_next(const struct config_section *section, size_t key,
					   size_t from)
{
	for (size_t i = from; i < section->line_count; i++)
		if (section->lines[i].key == key)
			return &section->lines[i];
	return NULL;
}

const struct config_line *config_line_of(const struct config_section *section, const char *key,
					 const struct config_line *previous)
{
	const struct schema_key *row = schema_find(key, (unsigned)IN_PROXY << section->kind);

	assert(row && row->type == SCHEMA_LINE);
	return line_next(section, (size_t)(row - schema_keys),
			 previous ? (size_t)(previous - section->lines) + 1 : 0);
}

/* ---- Every value ----------------------------------------------------------------------------- */

/* Who is told. */
struct telling {
	const struct config *config;
	config_taker *take;
	void *owner;
};

static void tell_endpoints(const struct telling *telling, const char *title, const char *key,
			   const struct config_endpoint *endpoints, size_t count)
{
	for (size_t i = 0; i < count; i++)
		telling->take(telling->owner, &(struct config_setting){
						      .title = title,
						      .key = key,
						      .value = endpoints[i].text,
						      .options = endpoints[i].options,
						      .origin = {.file = endpoints[i].file,
								 .line = endpoints[i].line},
					      });
}

static const void *owner_of(const struct schema_key *key, const struct config *config,
			    const struct config_section *section)
{
	switch (key->owner) {
	case OWNER_CONFIG:
		return config;
	case OWNER_SETTINGS:
		return &section->settings;
	case OWNER_SECTION:
		break;
	}
	return section;
}

static void tell_keys(const struct telling *telling, const char *title, unsigned where,
		      const struct config_section *section)
{
	const struct config *config = telling->config;
	const struct config_origin *origins = section ? section->origins : config->origins;
	char text[VALUE_CPUS_TEXT_MAX];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->where & where) || schema_is_list(key) ||
		    (section && !schema_applies(key, section)))
			continue;
		telling->take(telling->owner,
			      &(struct config_setting){
				      .title = title,
				      .key = key->name,
				      .value = schema_format(key, owner_of(key, config, section),
							     text, sizeof(text)),
				      .origin = origins[i],
			      });
	}
}

/* Lines whose order counts; where a key has none, the word for that. */
static void tell_lines(const struct telling *telling, unsigned where,
		       const struct config_section *section)
{
	for (size_t i = 0; i < section->line_count; i++)
		telling->take(telling->owner,
			      &(struct config_setting){
				      .title = section->title,
				      .key = schema_keys[section->lines[i].key].name,
				      .value = section->lines[i].text,
				      .origin = section->lines[i].origin,
			      });
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (key->type == SCHEMA_LINE && key->where & where && key->zero &&
		    schema_applies(key, section) && !line_next(section, i, 0))
			telling->take(telling->owner, &(struct config_setting){
							      .title = section->title,
							      .key = key->name,
							      .value = key->zero,
							      .origin = section->origins[i],
						      });
	}
}

static void tell_asked(const struct telling *telling, const struct config_section *section)
{
	tell_endpoints(telling, section->title, "listen", section->listens, section->listen_count);
	if (section->listen_count)
		return;
	telling->take(telling->owner,
		      &(struct config_setting){
			      .title = section->title,
			      .key = "listen",
			      .value = "off",
			      .origin = *config_origin(telling->config, section, "listen"),
		      });
}

void config_each(const struct config *config, config_taker *take, void *owner)
{
	const struct telling telling = {config, take, owner};
	const struct config_section *section;

	tell_keys(&telling, "[global]", IN_GLOBAL, NULL);
	tell_keys(&telling, "[log]", IN_LOG, NULL);
	tell_asked(&telling, &config->control);
	tell_asked(&telling, &config->metrics);
	for (size_t i = 0; (section = config_section_at(config, i)); i++) {
		tell_endpoints(&telling, section->title, "listen", section->listens,
			       section->listen_count);
		tell_endpoints(&telling, section->title, "server", section->servers,
			       section->server_count);
		tell_lines(&telling, (unsigned)IN_PROXY << section->kind, section);
		tell_keys(&telling, section->title, (unsigned)IN_PROXY << section->kind, section);
	}
}

/* ---- As a file ------------------------------------------------------------------------------- */

struct printing {
	const struct config *config;
	const char *title; /* that was printed last; NULL: none yet */
	FILE *out;
};

static void print(void *owner, const struct config_setting *setting)
{
	struct printing *printing = owner;
	const struct config_origin *origin = &setting->origin;
	char value[VALUE_CPUS_TEXT_MAX + 2];
	const char *mark = "";

	if (!printing->title || strcmp(printing->title, setting->title) != 0)
		fprintf(printing->out, "%s%s\n", printing->title ? "\n" : "", setting->title);
	printing->title = setting->title;
	/* a pair of quotation marks around a value is taken off */
	if (*setting->value == '"' || *setting->value == '\'')
		mark = *setting->value == '"' ? "'" : "\"";
	snprintf(value, sizeof(value), "%s%s%s", mark, setting->value, mark);
	fprintf(printing->out, setting->options ? "%-20s= %s" : "%-20s= %-18s", setting->key,
		value);
	if (setting->options)
		fprintf(printing->out, " %s", setting->options);
	if (!origin->line)
		fprintf(printing->out, " ; default\n");
	else
		fprintf(printing->out, " ; %s:%u%s\n", printing->config->files[origin->file],
			origin->line, origin->defaults ? " [defaults]" : "");
}

void config_print_effective(const struct config *config, FILE *out)
{
	struct printing printing = {.config = config, .out = out};

	config_each(config, print, &printing);
}

/* ---- Of one key ------------------------------------------------------------------------------ */

/* Where a key of the section stands: with the servers, where it is about them. */
static const struct config_section *place_of(const struct config *config,
					     const struct config_section *section,
					     const struct schema_key *key)
{
	return section && key->where & IN_POOL ? config_pool(config, section) : section;
}

static const char *title_of(const struct config_section *section, const struct schema_key *key)
{
	return section ? section->title : key->where & IN_LOG ? "[log]" : "[global]";
}

static const struct schema_key *row_of(const struct config_section *section, const char *key)
{
	const struct schema_key *row = schema_find(
		key, section ? (unsigned)IN_PROXY << section->kind : IN_GLOBAL | IN_LOG);

	assert(row);
	return row;
}

const struct config_origin *config_origin(const struct config *config,
					  const struct config_section *section, const char *key)
{
	const struct schema_key *row = row_of(section, key);

	section = place_of(config, section, row);
	return &(section ? section->origins : config->origins)[row - schema_keys];
}

const char *config_place(const struct config *config, const struct config_section *section,
			 const char *key, char *text, size_t size)
{
	const struct schema_key *row = row_of(section, key);
	const struct config_origin *origin;

	if (!config->files) { /* made by hand, not read */
		snprintf(text, size, "%s", row->name);
		return text;
	}
	origin = config_origin(config, section, key);
	section = place_of(config, section, row);
	snprintf(text, size, "%s", config->files[origin->file]);
	if (origin->line)
		snprintf(text + strlen(text), size - strlen(text), ":%u", origin->line);
	snprintf(text + strlen(text), size - strlen(text), ": %s %s",
		 origin->defaults ? "[defaults]" : title_of(section, row), row->name);
	return text;
}

const char *config_explain(const struct config *config, const struct config_section *section,
			   const char *key, char *text, size_t size)
{
	const struct schema_key *row = row_of(section, key);
	const struct config_origin *origin = config_origin(config, section, key);
	char value[VALUE_CPUS_TEXT_MAX];

	assert(!schema_is_list(row));
	section = place_of(config, section, row);
	snprintf(text, size, "%s = %.100s, %s", row->name,
		 schema_format(row, owner_of(row, config, section), value, sizeof(value)),
		 origin->line ? "" : "the default");
	if (origin->line) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s line %u",
			 origin->defaults ? "[defaults]" : title_of(section, row), origin->line);
		used = strlen(text);
		if (origin->file)
			snprintf(text + used, size - used, " of %s", config->files[origin->file]);
	}
	return text;
}
