#include "config/loader.h"

#include "base/grow.h"
#include "config/endpoint.h"
#include "config/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECTION_NAME_MAX 40
#define MESSAGE_MAX      1000

void loader_complain(struct loader *loader, unsigned file, unsigned line, const char *title,
		     const char *key, const char *format, ...)
{
	char text[MESSAGE_MAX], place[32] = "";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (line)
		snprintf(place, sizeof(place), "%u:", line);
	report_add(loader->report, REPORT_MISTAKE, file, line, "%s:%s %s%s%s%s%s",
		   loader->config->files[file], place, title ? title : "", title ? " " : "",
		   key ? key : "", key ? ": " : "", text);
}

static void complain(struct loader *loader, unsigned line, const char *key, const char *what)
{
	loader_complain(loader, loader->file, line, loader->title, key, "%s", what);
}

/* ---- sections ---- */

void loader_section_done(struct config_section *section)
{
	for (size_t i = 0; i < section->listen_count; i++)
		endpoint_done(&section->listens[i]);
	for (size_t i = 0; i < section->server_count; i++)
		endpoint_done(&section->servers[i]);
	free(section->listens);
	free(section->servers);
	free(section->origins);
	free(section->name);
	free(section->title);
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

static struct config_section *find_section(struct config *config, enum config_kind kind,
					   const char *name)
{
	for (size_t i = 0; i < config->section_count; i++)
		if (config->sections[i].kind == kind && !strcmp(config->sections[i].name, name))
			return &config->sections[i];
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
	struct config *config = loader->config;
	struct config_section *section,
		*sections = grow(config->sections, config->section_count, 1, sizeof(*sections));

	if (!sections)
		return NULL;
	config->sections = sections;
	section = &sections[config->section_count];
	if (loader_section_init(section, word, name) < 0)
		return NULL;
	config->section_count++;
	section->kind = kind;
	section->file = loader->file;
	section->line = line;
	return section;
}

/*
 * A [proxy], [echo], ... begins, or goes on: a file may open what one before it
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
	const char *c = name;

	while (isalnum((unsigned char)*c) || (*c && strchr("_.-", *c)))
		c++;
	if (*c)
		loader_complain(loader, loader->file, line, NULL, NULL,
				"\"%.60s\" cannot be a section's name; it is one word of letters, "
				"digits, \"_\", \".\" and \"-\"",
				name);
	else if (c - name > SECTION_NAME_MAX)
		loader_complain(loader, loader->file, line, NULL, NULL,
				"the section's name \"%.60s...\" is %zu bytes long; the most is %d",
				name, strlen(name), SECTION_NAME_MAX);
	return !*c && c - name <= SECTION_NAME_MAX;
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

static void on_section(void *user, unsigned line, const char *header, const char *mistake)
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
		complain(loader, line, NULL, mistake);
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

/* ---- keys ---- */

static void unknown_key(struct loader *loader, unsigned line, const char *name)
{
	const struct schema_key *elsewhere = schema_find(name, ~0u);
	const char *meant = schema_suggest(name, loader->where);
	char what[300] = "no such key; uringproxy.conf(5) has them all";

	if (elsewhere && elsewhere->where & IN_EVERY_SERVICE) {
		int used = snprintf(what, sizeof(what), "has no meaning here; it belongs in");
		for (unsigned where = IN_DEFAULTS; where <= IN_RESPONDER; where <<= 1)
			if (elsewhere->where & where)
				used += snprintf(what + used, sizeof(what) - (size_t)used, " %s",
						 schema_section_of(where)->title);
	} else if (elsewhere) {
		snprintf(what, sizeof(what), "has no meaning here; it belongs in %s",
			 schema_section_of(elsewhere->where)->title);
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
	static const struct reader_events events = {on_section, on_value, on_mistake};

	loader->where = 0;
	loader->section = NULL;
	loader->title = NULL;
	loader->saw_section = false;
	memset(loader->line_of, 0, sizeof(loader->line_of));
	reader_run(text, size, &events, loader);
}
