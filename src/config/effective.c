#include "config/schema.h"

#include <stdio.h>
#include <string.h>

static void print_origin(const struct config *config, const struct config_origin *origin, FILE *out)
{
	if (!origin->line)
		fprintf(out, " ; default\n");
	else
		fprintf(out, " ; %s:%u%s\n", config->files[origin->file], origin->line,
			origin->defaults ? " [defaults]" : "");
}

static void print_endpoints(const struct config *config, const char *key,
			    const struct config_endpoint *endpoints, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		struct config_origin origin = {.file = endpoints[i].file,
					       .line = endpoints[i].line};

		fprintf(out, "%-20s= ", key);
		if (endpoints[i].options)
			fprintf(out, "%s %s", endpoints[i].text, endpoints[i].options);
		else
			fprintf(out, "%-18s", endpoints[i].text);
		print_origin(config, &origin, out);
	}
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

static void print_keys(const struct config *config, unsigned where,
		       const struct config_section *section, FILE *out)
{
	const struct config_origin *origins = section ? section->origins : config->origins;
	char text[VALUE_CPUS_TEXT_MAX];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->where & where) || schema_is_list(key))
			continue;
		fprintf(out, "%-20s= %-18s", key->name,
			schema_format(key, owner_of(key, config, section), text, sizeof(text)));
		print_origin(config, &origins[i], out);
	}
}

static void print_asked(const struct config *config, const struct config_section *section,
			FILE *out)
{
	fprintf(out, "\n%s\n", section->title);
	print_endpoints(config, "listen", section->listens, section->listen_count, out);
	if (section->listen_count)
		return;
	fprintf(out, "%-20s= %-18s", "listen", "off");
	print_origin(config, config_origin(config, section, "listen"), out);
}

void config_print_effective(const struct config *config, FILE *out)
{
	fprintf(out, "[global]\n");
	print_keys(config, IN_GLOBAL, NULL, out);
	fprintf(out, "\n[log]\n");
	print_keys(config, IN_LOG, NULL, out);
	print_asked(config, &config->control, out);
	print_asked(config, &config->metrics, out);
	for (size_t i = 0; i < config->section_count; i++) {
		const struct config_section *section = &config->sections[i];

		fprintf(out, "\n%s\n", section->title);
		print_endpoints(config, "listen", section->listens, section->listen_count, out);
		print_endpoints(config, "server", section->servers, section->server_count, out);
		print_keys(config, (unsigned)IN_PROXY << section->kind, section, out);
	}
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
	return &(section ? section->origins : config->origins)[row_of(section, key) - schema_keys];
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
