#include "config/change.h"

#include "config/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX ((size_t)VALUE_CPUS_TEXT_MAX)

/* ---- Values ---------------------------------------------------------------------------------- */

static const void *owner_of(const struct schema_key *key, const struct config *config,
			    const struct config_section *section)
{
	if (key->owner == OWNER_CONFIG)
		return config;
	return key->owner == OWNER_SETTINGS ? (const void *)&section->settings : section;
}

/* Its values before and now, as text; whether they are different. */
static bool differs(const struct schema_key *key, const void *before, const void *now,
		    char ret_before[VALUE_MAX], char ret_now[VALUE_MAX])
{
	char text[VALUE_MAX];

	snprintf(ret_before, VALUE_MAX, "%s", schema_format(key, before, text, sizeof(text)));
	snprintf(ret_now, VALUE_MAX, "%s", schema_format(key, now, text, sizeof(text)));
	return strcmp(ret_before, ret_now) != 0;
}

/* ---- What is different ----------------------------------------------------------------------- */

static void compare_keys(const struct config *before, const struct config_section *section_before,
			 const struct config *now, const struct config_section *section_now,
			 unsigned where, struct report *report)
{
	char old[VALUE_MAX], new[VALUE_MAX];

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->where & where) || schema_is_list(key) ||
		    (section_now && !schema_applies(key, section_now)) ||
		    !differs(key, owner_of(key, before, section_before),
			     owner_of(key, now, section_now), old, new))
			continue;
		report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0, "%s %s: %s is %s now",
			   section_now           ? section_now->title
			   : key->where & IN_LOG ? "[log]"
						 : "[global]",
			   key->name, old, new);
	}
}

static bool is_same_line(const struct config_endpoint *a, const struct config_endpoint *b)
{
	return !strcmp(a->text, b->text) &&
	       !strcmp(a->options ? a->options : "", b->options ? b->options : "");
}

static bool has_line(const struct config_endpoint *lines, size_t count,
		     const struct config_endpoint *line)
{
	for (size_t i = 0; i < count; i++)
		if (is_same_line(&lines[i], line))
			return true;
	return false;
}

struct endpoints {
	const struct config_endpoint *lines;
	size_t count;
};

/* Those that are not among the others. */
static void tell_others(const char *title, const char *key, struct endpoints these,
			struct endpoints others, const char *what, struct report *report)
{
	for (size_t i = 0; i < these.count; i++) {
		const struct config_endpoint *line = &these.lines[i];

		if (!has_line(others.lines, others.count, line))
			report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0, "%s %s %s%s%s is %s",
				   title, key, line->text, line->options ? " " : "",
				   line->options ? line->options : "", what);
	}
}

static void compare_lines(const char *title, const char *key, struct endpoints before,
			  struct endpoints now, struct report *report)
{
	tell_others(title, key, before, now, "gone", report);
	tell_others(title, key, now, before, "new", report);
}

static void compare_listens(const struct config_section *before, const struct config_section *now,
			    struct report *report)
{
	compare_lines(now->title, "listen",
		      (struct endpoints){before->listens, before->listen_count},
		      (struct endpoints){now->listens, now->listen_count}, report);
}

static int by_line(const void *a, const void *b)
{
	const struct config_line *one = *(const struct config_line *const *)a;
	const struct config_line *other = *(const struct config_line *const *)b;

	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return strcmp(one->text, other->text);
}

static bool is_same_repeated(const struct config_line *a, const struct config_line *b)
{
	return !by_line(&a, &b);
}

/* In an order of their texts, since there may be 100,000; NULL without memory, which is told. */
static const struct config_line **sort_lines(const struct config_section *section,
					     struct report *report)
{
	const struct config_line **lines = calloc(section->line_count + 1, sizeof(*lines));

	report->failed |= !lines;
	for (size_t i = 0; lines && i < section->line_count; i++)
		lines[i] = &section->lines[i];
	if (lines)
		qsort(lines, section->line_count, sizeof(*lines), by_line);
	return lines;
}

/* Those lines whose order counts that are not among the others'; how many. */
static size_t tell_other_lines(const struct config_section *these,
			       const struct config_section *others, const char *what,
			       struct report *report)
{
	const struct config_line **sorted = sort_lines(others, report);
	size_t count = 0;

	for (size_t i = 0; sorted && i < these->line_count; i++) {
		const struct config_line *line = &these->lines[i];

		if (bsearch(&line, sorted, others->line_count, sizeof(*sorted), by_line))
			continue;
		report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0, "%s %s %s is %s", these->title,
			   schema_keys[line->key].name, line->text, what);
		count++;
	}
	free(sorted);
	return count;
}

static void compare_repeated(const struct config_section *before, const struct config_section *now,
			     struct report *report)
{
	size_t others = tell_other_lines(before, now, "gone", report);

	others += tell_other_lines(now, before, "new", report);
	for (size_t i = 0; !others && i < now->line_count; i++)
		if (i >= before->line_count ||
		    !is_same_repeated(&before->lines[i], &now->lines[i])) {
			report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0,
				   "%s %s: its lines are in another order", now->title,
				   schema_keys[now->lines[i].key].name);
			return;
		}
}

static const struct config_section *find_section(const struct config *config, const char *title)
{
	const struct config_section *section;

	for (size_t i = 0; (section = config_section_at(config, i)); i++)
		if (!strcmp(section->title, title))
			return section;
	return NULL;
}

static void compare_section(const struct config *before, const struct config_section *old,
			    const struct config *now, const struct config_section *section,
			    struct report *report)
{
	compare_listens(old, section, report);
	compare_lines(section->title, "server", (struct endpoints){old->servers, old->server_count},
		      (struct endpoints){section->servers, section->server_count}, report);
	compare_repeated(old, section, report);
	compare_keys(before, old, now, section, (unsigned)IN_PROXY << section->kind, report);
}

void config_compare(const struct config *before, const struct config *now, struct report *report)
{
	const struct config_section *section, *old;

	compare_keys(before, NULL, now, NULL, IN_GLOBAL | IN_LOG, report);
	for (size_t i = 0; (old = config_section_at(before, i)); i++)
		if (!find_section(now, old->title))
			report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0, "%s is gone",
				   old->title);
	for (size_t i = 0; (section = config_section_at(now, i)); i++) {
		old = find_section(before, section->title);
		if (old)
			compare_section(before, old, now, section, report);
		else
			report_add(report, REPORT_NOTE, REPORT_NOWHERE, 0, "%s is new",
				   section->title);
	}
}

/* ---- What stays ------------------------------------------------------------------------------ */

static int keep_key(const struct schema_key *key, struct config *now, const struct config *before,
		    struct report *report)
{
	char old[VALUE_MAX], new[VALUE_MAX], why[VALUE_WHY_MAX];

	if (!differs(key, before, now, old, new))
		return 0;
	report_key(report, REPORT_WARNING, now, NULL, key->name,
		   "%s needs a restart; until then %s is in force", new, old);
	return schema_set(key, now, old, why);
}

static size_t add_lines(const struct config_section *section, char *text, size_t size, size_t used)
{
	for (size_t i = 0; i < section->listen_count; i++) {
		const struct config_endpoint *line = &section->listens[i];

		used += (size_t)snprintf(text ? text + used : NULL, text ? size - used : 0,
					 "%s%s %s %s\n", section->title,
					 line->read_only ? " read_only" : "", line->text,
					 line->options ? line->options : "");
	}
	return used;
}

char *config_asked(const struct config_section *section)
{
	size_t size = add_lines(section, NULL, 0, 0) + 1;
	char *text = calloc(1, size);

	if (text)
		(void)add_lines(section, text, size, 0);
	return text;
}

/* Not so as it was at the start. */
static int keep_asked(const struct config_section *now, const char *in_force,
		      const struct config *config, struct report *report)
{
	char *asked = config_asked(now), place[CONFIG_PLACE_MAX] = "";

	if (!asked)
		return -ENOMEM;
	if (now->line)
		snprintf(place, sizeof(place), "%s:%u: ", config->files[now->file], now->line);
	if (strcmp(asked, in_force) != 0)
		report_add(report, REPORT_WARNING, now->line ? now->file : REPORT_NOWHERE,
			   now->line,
			   "%s%s listen: a change needs a restart; until then it is as before",
			   place, now->title);
	free(asked);
	return 0;
}

int config_keep(struct config *now, const struct config *before,
		const struct config_in_force *in_force, struct report *report)
{
	int r;

	for (size_t i = 0; i < SCHEMA_KEY_COUNT; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!key->restart || schema_is_list(key))
			continue;
		r = keep_key(key, now, before, report);
		if (r < 0)
			return r;
	}
	r = keep_asked(&now->control, in_force->control, now, report);
	return r < 0 ? r : keep_asked(&now->metrics, in_force->metrics, now, report);
}
