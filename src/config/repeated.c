#include "config/repeated.h"

#include "base/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static unsigned group_of(const struct config_line *line)
{
	return schema_keys[line->key].group;
}

/* Those of the group go, the others stay in their order. */
static void clear(struct config_section *section, unsigned group)
{
	size_t kept = 0;

	for (size_t i = 0; i < section->line_count; i++) {
		if (group_of(&section->lines[i]) == group)
			free(section->lines[i].text);
		else
			section->lines[kept++] = section->lines[i];
	}
	section->line_count = kept;
}

static int append(struct config_section *section, const struct config_line *line)
{
	struct config_line *grown =
		grow(section->lines, section->line_count, 1, sizeof(*section->lines));
	char *text = strdup(line->text);

	if (grown)
		section->lines = grown;
	if (!grown || !text) {
		free(text);
		return -ENOMEM;
	}
	grown[section->line_count] = *line;
	grown[section->line_count++].text = text;
	return 0;
}

void repeated_add(struct loader *loader, unsigned line, const struct schema_key *key,
		  const char *text)
{
	struct config_section *section = loader->section;
	struct config_line added = {
		.key = (unsigned)(key - schema_keys),
		.text = (char *)text,
		.origin = {.file = loader->file, .line = line},
	};
	char why[VALUE_WHY_MAX];
	int r;

	section->origins[added.key] = added.origin;
	if (!*text || (key->zero && !strcasecmp(text, key->zero))) {
		clear(section, key->group);
		return;
	}
	r = key->check(text, why);
	if (r == -EINVAL) {
		section->origins[added.key].refused = true;
		loader_complain(loader, loader->file, line, loader->title, key->name,
				"\"%.100s\": %s", text, why);
		return;
	}
	if (r < 0 || append(section, &added) < 0)
		loader->failed = -ENOMEM;
}

static bool says_something(const struct config_section *section, unsigned group)
{
	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++)
		if (schema_keys[i].type == SCHEMA_LINE && schema_keys[i].group == group &&
		    section->origins[i].line && !section->origins[i].defaults)
			return true;
	return false;
}

int repeated_inherit(const struct config_section *defaults, struct config_section *section)
{
	unsigned place = (unsigned)IN_PROXY << section->kind;

	for (size_t i = 0; i < defaults->line_count; i++) {
		struct config_line line = defaults->lines[i];
		const struct schema_key *key = &schema_keys[line.key];

		if (!(key->where & place) || !schema_applies(key, section) ||
		    says_something(section, key->group))
			continue;
		line.origin.defaults = true;
		section->origins[line.key] = line.origin;
		if (append(section, &line) < 0)
			return -ENOMEM;
	}
	return 0;
}

void repeated_done(struct config_section *section)
{
	for (size_t i = 0; i < section->line_count; i++)
		free(section->lines[i].text);
	free(section->lines);
	section->lines = NULL;
	section->line_count = 0;
}
