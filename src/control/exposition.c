#include "control/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const type_names[] = {
	[EXPOSITION_COUNTER] = "counter",
	[EXPOSITION_GAUGE] = "gauge",
	[EXPOSITION_HISTOGRAM] = "histogram",
};
static_assert(array_size(type_names) == EXPOSITION_TYPE_COUNT, "every type has a name");

const char *exposition_type_name(enum exposition_type type)
{
	assert(type < EXPOSITION_TYPE_COUNT);
	return type_names[type];
}

const char *exposition_content_type(enum exposition_format format)
{
	return format == EXPOSITION_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- Which of the two --------------------------------------------------------------------------
 */

/* One of the header's alternatives: its type, and the parameters that matter. */
struct range {
	char type[64];
	char version[16]; /* "" for none */
	double quality;
};

static void copy_word(char *word, size_t size, const char *from, size_t length)
{
	size_t before = strspn(from, " \t\"");

	before = before < length ? before : length;
	from += before;
	length -= before;
	while (length && strchr(" \t\"", from[length - 1]))
		length--;
	snprintf(word, size, "%.*s", (int)length, from);
}

/* The quality that a client gives is between 0 and 1; what is none of both is 0. */
static double quality_of(const char *text)
{
	char *end;
	double quality = strtod(text, &end);

	return end != text && quality >= 0 && quality <= 1 ? quality : 0;
}

static void take_parameter(struct range *range, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	char name[16], value[16];

	if (!equals)
		return;
	copy_word(name, sizeof(name), text, (size_t)(equals - text));
	copy_word(value, sizeof(value), equals + 1, length - (size_t)(equals + 1 - text));
	if (strcasecmp(name, "q") == 0)
		range->quality = quality_of(value);
	else if (strcasecmp(name, "version") == 0)
		snprintf(range->version, sizeof(range->version), "%s", value);
}

/* The next alternative; returns what is behind it, NULL where there was none. */
static const char *take_range(struct range *range, const char *accept)
{
	size_t length = strcspn(accept, ";,");

	if (!*accept)
		return NULL;
	*range = (struct range){.quality = 1};
	copy_word(range->type, sizeof(range->type), accept, length);
	accept += length;
	while (*accept == ';') {
		accept++;
		length = strcspn(accept, ";,");
		take_parameter(range, accept, length);
		accept += length;
	}
	return *accept == ',' ? accept + 1 : accept;
}

static bool is_openmetrics(const struct range *range)
{
	return strcasecmp(range->type, "application/openmetrics-text") == 0 &&
	       (!range->version[0] || strcmp(range->version, "1.0.0") == 0);
}

enum exposition_format exposition_format_of(const char *accept)
{
	double text = 0, openmetrics = 0;
	struct range range;

	while (accept && (accept = take_range(&range, accept))) {
		if (is_openmetrics(&range) && range.quality > openmetrics)
			openmetrics = range.quality;
		if (strcasecmp(range.type, "text/plain") == 0 && range.quality > text)
			text = range.quality;
	}
	return openmetrics > 0 && openmetrics >= text ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT;
}

/* ---- Families and samples ----------------------------------------------------------------------
 */

void exposition_family(struct exposition *page, const char *name, enum exposition_type type,
		       const char *help)
{
	page->name = name;
	page->type = type;
	page->help = help;
	page->has_head = false;
}

/* OpenMetrics calls a counter by its name without _total, and its sample with it. */
static void add_head(struct exposition *page)
{
	int length = (int)strlen(page->name);

	if (page->has_head)
		return;
	if (page->format == EXPOSITION_OPENMETRICS && page->type == EXPOSITION_COUNTER)
		length -= (int)strlen("_total");
	sheet_add(page->sheet, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, page->name, page->help,
		  length, page->name, type_names[page->type]);
	page->has_head = true;
}

/* "name_suffix{a="b",le="0.5"} ", of which le is NULL for all but buckets. */
static void add_name(struct exposition *page, const char *suffix,
		     const struct exposition_label *labels, unsigned label_count, const char *le)
{
	const char *before = "{";

	add_head(page);
	sheet_add(page->sheet, "%s%s", page->name, suffix);
	for (unsigned i = 0; i < label_count; i++, before = ",") {
		sheet_add(page->sheet, "%s%s=\"", before, labels[i].name);
		sheet_add_label(page->sheet, labels[i].value);
		sheet_put(page->sheet, "\"", 1);
	}
	if (le) {
		sheet_add(page->sheet, "%sle=\"%s\"", before, le);
		before = ",";
	}
	sheet_add(page->sheet, "%s ", *before == ',' ? "}" : "");
}

/* Exactly: a sum that has grown for months still shows what came in the last minute. */
#define SECONDS_MAX 48
static const char *seconds_text(char text[SECONDS_MAX], uint64_t units, uint64_t per_second,
				const char *whole)
{
	uint64_t rest = units % per_second;
	int digits = 0, length;

	for (uint64_t power = 1; power < per_second; power *= 10)
		digits++;
	if (rest == 0) {
		snprintf(text, SECONDS_MAX, "%" PRIu64 "%s", units / per_second, whole);
		return text;
	}
	length = snprintf(text, SECONDS_MAX, "%" PRIu64 ".%0*" PRIu64, units / per_second, digits,
			  rest);
	while (text[length - 1] == '0')
		text[--length] = 0;
	return text;
}

void exposition_count(struct exposition *page, const struct exposition_label *labels,
		      unsigned label_count, uint64_t value)
{
	assert(page->type != EXPOSITION_HISTOGRAM);
	add_name(page, "", labels, label_count, NULL);
	sheet_add(page->sheet, "%" PRIu64 "\n", value);
}

void exposition_seconds(struct exposition *page, const struct exposition_label *labels,
			unsigned label_count, uint64_t units, uint64_t units_per_second)
{
	char text[SECONDS_MAX];

	assert(page->type != EXPOSITION_HISTOGRAM);
	add_name(page, "", labels, label_count, NULL);
	sheet_add(page->sheet, "%s\n", seconds_text(text, units, units_per_second, ""));
}

void exposition_number(struct exposition *page, const struct exposition_label *labels,
		       unsigned label_count, double value)
{
	assert(page->type != EXPOSITION_HISTOGRAM);
	add_name(page, "", labels, label_count, NULL);
	if (isnan(value))
		sheet_add(page->sheet, "NaN\n");
	else if (isinf(value))
		sheet_add(page->sheet, "%sInf\n", value < 0 ? "-" : "+");
	else
		sheet_add(page->sheet, "%.9g\n", value);
}

void exposition_histogram(struct exposition *page, const struct exposition_label *labels,
			  unsigned label_count, const struct histogram_scale *scale,
			  const struct histogram_total *total)
{
	char le[SECONDS_MAX], sum[SECONDS_MAX];
	uint64_t count = 0;

	assert(page->type == EXPOSITION_HISTOGRAM);
	for (unsigned i = 0; i <= scale->buckets; i++) {
		count += total->counts[i];
		if (i < scale->buckets)
			seconds_text(le, histogram_end(scale, i), scale->units_per_second, ".0");
		else
			strcpy(le, "+Inf");
		add_name(page, "_bucket", labels, label_count, le);
		sheet_add(page->sheet, "%" PRIu64 "\n", count);
	}
	add_name(page, "_sum", labels, label_count, NULL);
	sheet_add(page->sheet, "%s\n", seconds_text(sum, total->sum, scale->units_per_second, ""));
	add_name(page, "_count", labels, label_count, NULL);
	sheet_add(page->sheet, "%" PRIu64 "\n", count);
}

void exposition_end(struct exposition *page)
{
	if (page->format == EXPOSITION_OPENMETRICS)
		sheet_add(page->sheet, "# EOF\n");
}
