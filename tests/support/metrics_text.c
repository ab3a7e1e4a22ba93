#include "support/metrics_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 20000, NAME_MAX_ = 128 };

static char mistake[600];

__attribute__((format(printf, 1, 2))) static const char *wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(mistake, sizeof(mistake), format, arguments);
	va_end(arguments);
	return mistake;
}

struct page {
	char *text;
	char *lines[LINES_MAX];
	size_t count;
	char *families[LINES_MAX]; /* of which a head was seen */
	size_t family_count;
	/* The family whose samples may come now, as its TYPE says. */
	char name[NAME_MAX_], type[NAME_MAX_];
	/* The bucket before, and its labels without le. */
	double bucket, le;
	char *bucket_labels;
};

/* A copy of the labels without le, to free. */
static char *labels_without_le(const char *line)
{
	const char *open = strchr(line, '{'), *le = strstr(line, "le=\"");
	size_t length = open ? strcspn(open, " ") : 0;
	char *copy = strndup(open ? open : "", length), *at;

	if (le && (at = strstr(copy, "le=\""))) {
		char *end = strchr(at + 4, '"') + 1;

		while (at > copy && at[-1] == ',')
			at--;
		memmove(at, end, strlen(end) + 1);
		if (strcmp(copy, "{}") == 0)
			copy[0] = 0;
	}
	return copy;
}

static const char *take_type(struct page *page, char *line)
{
	if (sscanf(line, "# TYPE %127s %127s", page->name, page->type) != 2)
		return wrong("no TYPE in: %s", line);
	for (size_t i = 0; i < page->family_count; i++)
		if (strcmp(page->families[i], page->name) == 0)
			return wrong("a second time the family %s", page->name);
	page->families[page->family_count++] = strdup(page->name);
	free(page->bucket_labels);
	page->bucket_labels = NULL;
	return NULL;
}

static const char *take_bucket(struct page *page, const char *line, double value)
{
	const char *text = strstr(line, "le=\"");
	char *labels = labels_without_le(line);
	double le = text ? strtod(text + 4, NULL) : 0;
	bool same = page->bucket_labels && strcmp(labels, page->bucket_labels) == 0;

	if (!text)
		wrong("a bucket without le: %s", line);
	else if (same && value < page->bucket)
		wrong("buckets are not cumulative at: %s", line);
	else if (same && le <= page->le)
		wrong("buckets are not in order at: %s", line);
	free(page->bucket_labels);
	page->bucket_labels = labels;
	page->bucket = value;
	page->le = le;
	return mistake[0] ? mistake : NULL;
}

static const char *take_count(struct page *page, const char *line, double value)
{
	char *labels = labels_without_le(line);
	bool same = page->bucket_labels && strcmp(labels, page->bucket_labels) == 0;

	free(labels);
	if (!same || page->le < 1e300)
		return wrong("no +Inf before: %s", line);
	if (value != page->bucket)
		return wrong("not as many as in +Inf: %s", line);
	return NULL;
}

static const char *take_sample(struct page *page, const char *line, bool openmetrics)
{
	size_t length = strcspn(line, "{ "), name = strlen(page->name);
	const char *suffix = line + name, *space = strrchr(line, ' ');
	size_t rest = length > name ? length - name : 0;
	char *end;
	double value;

	if (length < name || strncmp(line, page->name, name) != 0)
		return wrong("not of %s, the family before it: %s", page->name, line);
	if (!space)
		return wrong("no value: %s", line);
	value = strtod(space + 1, &end);
	if (end == space + 1 || *end)
		return wrong("no number: %s", line);
	if (strcmp(page->type, "histogram") == 0) {
		if (rest == 7 && strncmp(suffix, "_bucket", 7) == 0)
			return take_bucket(page, line, value);
		if (rest == 6 && strncmp(suffix, "_count", 6) == 0)
			return take_count(page, line, value);
		return rest == 4 && strncmp(suffix, "_sum", 4) == 0 ? NULL
								    : wrong("what is %s", line);
	}
	if (openmetrics && strcmp(page->type, "counter") == 0)
		return rest == 6 && strncmp(suffix, "_total", 6) == 0
			       ? NULL
			       : wrong("no _total: %s", line);
	return rest == 0 ? NULL : wrong("not of %s: %s", page->name, line);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* By names and labels, which are what is before the last blank. */
static const char *find_twice(struct page *page)
{
	for (size_t i = 0; i < page->count; i++)
		*strrchr(page->lines[i], ' ') = 0;
	qsort(page->lines, page->count, sizeof(page->lines[0]), compare_lines);
	for (size_t i = 1; i < page->count; i++)
		if (strcmp(page->lines[i - 1], page->lines[i]) == 0)
			return wrong("twice: %s", page->lines[i]);
	return NULL;
}

static const char *take_lines(struct page *page, bool openmetrics)
{
	const char *why = NULL;
	bool ended = false;
	char *save = NULL;

	for (char *line = strtok_r(page->text, "\n", &save); line && !why;
	     line = strtok_r(NULL, "\n", &save)) {
		if (ended)
			return wrong("behind the end: %s", line);
		if (strncmp(line, "# TYPE ", 7) == 0) {
			why = take_type(page, line);
		} else if (openmetrics && strcmp(line, "# EOF") == 0) {
			ended = true;
		} else if (line[0] != '#') {
			if (page->count == LINES_MAX)
				return wrong("more samples than a test can look at");
			page->lines[page->count++] = line;
			why = take_sample(page, line, openmetrics);
		}
	}
	if (!why && openmetrics && !ended)
		return wrong("no # EOF");
	return why ? why : find_twice(page);
}

const char *metrics_text_mistake(const char *text, bool openmetrics)
{
	struct page *page = calloc(1, sizeof(*page));
	const char *why;

	mistake[0] = 0;
	if (*text && text[strlen(text) - 1] != '\n') {
		free(page);
		return wrong("the last line does not end");
	}
	page->text = strdup(text);
	why = take_lines(page, openmetrics);
	for (size_t i = 0; i < page->family_count; i++)
		free(page->families[i]);
	free(page->bucket_labels);
	free(page->text);
	free(page);
	return why;
}

double metrics_text_value(const char *text, const char *sample)
{
	size_t length = strlen(sample);

	for (const char *at = text; (at = strstr(at, sample)); at += length)
		if ((at == text || at[-1] == '\n') && at[length] == ' ')
			return strtod(at + length, NULL);
	return -1;
}
