/* The part of loader.h that begins sections. */
#include "config/loader.h"

#include "base/grow.h"
#include "config/endpoint.h"
#include "config/repeated.h"
#include "config/routing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void loader_section_done(struct config_section *section)
{
	for (size_t i = 0; i < section->listen_count; i++)
		endpoint_done(&section->listens[i]);
	for (size_t i = 0; i < section->server_count; i++)
		endpoint_done(&section->servers[i]);
	routing_done(section);
	repeated_done(section);
	free(section->listens);
	free(section->servers);
	free(section->origins);
	free(section->name);
	free(section->title);
	schema_release(&section->settings, OWNER_SETTINGS);
	schema_release(section, OWNER_SECTION);
	*section = (struct config_section){0};
}

int loader_section_init(struct config_section *section, const char *kind, const char *name)
{
	*section = (struct config_section){
		.name = strdup(*name ? name : kind),
		.origins = calloc(SCHEMA_KEY_COUNT, sizeof(*section->origins)),
	};
	if (asprintf(&section->title, "[%s%s%s]", kind, *name ? " " : "", name) < 0)
		section->title = NULL;
	if (!section->name || !section->origins || !section->title ||
	    schema_set_defaults(&section->settings, OWNER_SETTINGS) < 0 ||
	    schema_set_defaults(section, OWNER_SECTION) < 0) {
		loader_section_done(section);
		return -ENOMEM;
	}
	return 0;
}

/* Those of its kind: pools by themselves, all that serves clients together. */
struct list {
	struct config_section **sections;
	size_t *count;
};

static struct list list_of(struct config *config, enum config_kind kind)
{
	if (kind == CONFIG_POOL)
		return (struct list){&config->pools, &config->pool_count};
	return (struct list){&config->sections, &config->section_count};
}

static struct config_section *find_section(struct config *config, enum config_kind kind,
					   const char *name)
{
	struct list list = list_of(config, kind);

	for (size_t i = 0; i < *list.count; i++)
		if ((*list.sections)[i].kind == kind && !strcmp((*list.sections)[i].name, name))
			return &(*list.sections)[i];
	return NULL;
}

/* The section is wrong, which has been said; its keys are checked all the same. */
static int begin_ignored(struct loader *loader, const char *word, const char *name)
{
	loader_section_done(&loader->ignored);
	if (loader_section_init(&loader->ignored, word, name) < 0)
		return -ENOMEM;
	loader->section = &loader->ignored;
	loader->title = loader->ignored.title;
	return 0;
}

/* NULL without memory. */
static struct config_section *add_section(struct loader *loader, enum config_kind kind,
					  const char *word, const char *name, unsigned line)
{
	struct list list = list_of(loader->config, kind);
	struct config_section *section,
		*sections = grow(*list.sections, *list.count, 1, sizeof(*sections));

	if (!sections)
		return NULL;
	*list.sections = sections;
	section = &sections[*list.count];
	if (loader_section_init(section, word, name) < 0)
		return NULL;
	(*list.count)++;
	section->kind = kind;
	section->file = loader->file;
	section->line = line;
	return section;
}

/*
 * A [proxy], [pool], [echo], ... begins, or goes on: a file may open what one before it
 * has opened, as a drop-in does, but in one file twice is a slip of the hand.
 */
static int begin_service(struct loader *loader, unsigned line, const char *word, const char *name)
{
	struct config *config = loader->config;
	enum config_kind kind = CONFIG_PROXY;
	struct config_section *first;

	while ((unsigned)IN_PROXY << kind != loader->where)
		kind++;
	first = find_section(config, kind, *name ? name : word);
	if (first && first->last_file == loader->file) {
		bool unnamed = !strchr(first->title, ' ') != !*name;

		loader_complain(loader, loader->file, line, NULL, NULL,
				"[%s%s%s] has begun before, at line %u%s; join the two or give "
				"each a name of its own",
				word, *name ? " " : "", name, first->last_line,
				unnamed ? " (without a name it is called by its kind)" : "");
		return begin_ignored(loader, word, name);
	}
	if (!first)
		first = add_section(loader, kind, word, name, line);
	if (!first)
		return -ENOMEM;
	first->last_file = loader->file;
	first->last_line = line;
	loader->section = first;
	loader->title = first->title;
	return 0;
}

/* One that there is once begins: once in each file, without a name. */
static void begin_common(struct loader *loader, unsigned line, const struct schema_section *row,
			 const char *name)
{
	unsigned *first = &loader->line_of[row - schema_sections];

	if (row->where == IN_DEFAULTS)
		loader->section = &loader->defaults;
	else if (row->member)
		loader->section = (void *)((char *)loader->config + row->member);
	loader->title = row->title;
	if (*name)
		loader_complain(loader, loader->file, line, loader->title, NULL,
				"takes no name; \"%.60s\" has to go", name);
	if (*first)
		loader_complain(loader, loader->file, line, loader->title, NULL,
				"has begun before, at line %u; join the two", *first);
	else
		*first = line;
}

static bool is_good_name(struct loader *loader, unsigned line, const char *name)
{
	size_t length = value_name_span(name);

	if (name[length])
		loader_complain(loader, loader->file, line, NULL, NULL,
				"\"%.60s\" cannot be a section's name; it is one word of letters, "
				"digits, \"_\", \".\" and \"-\"",
				name);
	else if (length > VALUE_NAME_MAX)
		loader_complain(loader, loader->file, line, NULL, NULL,
				"the section's name \"%.60s...\" is %zu bytes long; the most is %d",
				name, length, VALUE_NAME_MAX);
	return !name[length] && length <= VALUE_NAME_MAX;
}

/* "[a], [b] and, each with a name, [c] and [d]". */
static const char *all_sections(char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < SCHEMA_SECTION_COUNT; i++) {
		const struct schema_section *row = &schema_sections[i];
		bool last = i + 1 == SCHEMA_SECTION_COUNT;
		const char *before = !i ? "" : last ? " and " : ", ";

		if (row->named && !row[-1].named)
			before = " and, each with a name, ";
		used += (size_t)snprintf(text + used, size - used, "%s%s", before, row->title);
	}
	assert(used < size);
	return text;
}

/* Says so; returns the section that was probably meant, which decides which keys are right. */
static const struct schema_section *unknown_section(struct loader *loader, unsigned line,
						    const char *word)
{
	const struct schema_section *meant = schema_suggest_section(word);
	char all[300];

	if (!*word)
		loader_complain(loader, loader->file, line, NULL, NULL,
				"the brackets are empty; write for example [proxy web]");
	else if (meant)
		loader_complain(loader, loader->file, line, NULL, NULL,
				"there is no section [%.60s]; did you mean %s?", word,
				meant->title);
	else
		loader_complain(loader, loader->file, line, NULL, NULL,
				"there is no section [%.60s]; there are %s", word,
				all_sections(all, sizeof(all)));
	return meant;
}

void loader_begin(void *user, unsigned line, const char *header, const char *mistake)
{
	struct loader *loader = user;
	size_t length = strcspn(header, " \t");
	const char *name = header + length + strspn(header + length, " \t");
	const struct schema_section *known, *row;
	char written[64];
	int r;

	snprintf(written, sizeof(written), "%.*s", (int)length, header);
	known = row = schema_section(written);
	loader->saw_section = true;
	loader->section = NULL;
	loader->title = NULL;
	if (mistake)
		loader_complain(loader, loader->file, line, NULL, NULL, "%s", mistake);
	else if (!known)
		row = unknown_section(loader, line, written);
	loader->where = row ? row->where : 0;
	if (!row)
		return;
	if (!row->named) {
		begin_common(loader, line, row, name);
		return;
	}
	if (!is_good_name(loader, line, name))
		r = begin_ignored(loader, row->word, "");
	else if (!known)
		r = begin_ignored(loader, row->word, name);
	else
		r = begin_service(loader, line, row->word, name);
	if (r < 0) {
		loader->failed = r;
		loader->where = 0;
	}
}
