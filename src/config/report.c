#include "config/report.h"

#include "base/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 100 /* of a kind: more help nobody, and a binary file has one on each line */
#define TEXT_MAX 2000

static void append(struct report *report, const struct report_line *line)
{
	struct report_line *lines = grow(report->lines, report->count, 1, sizeof(*lines));

	if (lines)
		report->lines = lines;
	if (!lines || !line->text) {
		free(line->text);
		report->failed = true;
		return;
	}
	lines[report->count++] = *line;
}

__attribute__((format(printf, 6, 0))) static void add(struct report *report, enum report_kind kind,
						      unsigned file, unsigned line,
						      const char *place, const char *format,
						      va_list arguments)
{
	size_t *found = &report->found[kind];
	struct report_line one = {.kind = kind, .file = file, .line = line};
	char text[TEXT_MAX];

	if ((*found)++ > KEPT_MAX)
		return;
	if (*found <= KEPT_MAX) {
		vsnprintf(text, sizeof(text), format, arguments);
	} else {
		snprintf(text, sizeof(text), "more than %d %s; the rest is not shown", KEPT_MAX,
			 kind == REPORT_MISTAKE ? "mistakes" : "warnings");
		one.file = REPORT_NOWHERE;
		place = "";
	}
	if (asprintf(&one.text, "%s%s", place, text) < 0)
		one.text = NULL;
	append(report, &one);
}

void report_add(struct report *report, enum report_kind kind, unsigned file, unsigned line,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(report, kind, file, line, "", format, arguments);
	va_end(arguments);
}

void report_key(struct report *report, enum report_kind kind, const struct config *config,
		const struct config_section *section, const char *key, const char *format, ...)
{
	const struct config_origin *origin = config_origin(config, section, key);
	char place[CONFIG_PLACE_MAX + 2];
	va_list arguments;

	config_place(config, section, key, place, CONFIG_PLACE_MAX);
	memcpy(place + strlen(place), ": ", sizeof(": "));
	va_start(arguments, format);
	add(report, kind, origin->line ? origin->file : REPORT_NOWHERE, origin->line, place, format,
	    arguments);
	va_end(arguments);
}

static int compare(const struct report_line *a, const struct report_line *b)
{
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

/* Of one line, what was found first stays first. */
void report_sort(struct report *report)
{
	size_t kept = 0;

	for (size_t i = 0; i < report->count; i++) {
		struct report_line one = report->lines[i];
		bool is_known = false;
		size_t at = kept;

		for (; at && compare(&one, &report->lines[at - 1]) < 0; at--)
			;
		for (size_t j = at; j && !compare(&one, &report->lines[j - 1]); j--)
			is_known |= !strcmp(one.text, report->lines[j - 1].text);
		if (is_known) {
			report->found[one.kind]--;
			free(one.text);
			continue;
		}
		memmove(&report->lines[at + 1], &report->lines[at],
			(kept++ - at) * sizeof(*report->lines));
		report->lines[at] = one;
	}
	report->count = kept;
}

const char *report_first_mistake(const struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->lines[i].kind == REPORT_MISTAKE)
			return report->lines[i].text;
	return NULL;
}

void report_done(struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->lines[i].text);
	free(report->lines);
	*report = (struct report){0};
}
