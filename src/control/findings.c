#include "control/findings.h"

#include "base/sheet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_WIDTH 28 /* a longer one moves what is behind it, and no other line */

static const char *const level_names[] = {
	[FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "fail"};
static_assert(array_size(level_names) == FINDING_LEVEL_COUNT, "every level has a name");

const char *finding_level_name(enum finding_level level)
{
	assert(level < FINDING_LEVEL_COUNT);
	return level_names[level];
}

static void free_finding(struct finding *finding)
{
	free(finding->what);
	free(finding->value);
	free(finding->remedy);
}

void findings_add(struct findings *findings, enum finding_level level, const char *what,
		  const char *value, const char *remedy)
{
	struct finding *list = reallocarray(findings->list, findings->count + 1, sizeof(*list));
	struct finding finding = {level, strdup(what), strdup(value), strdup(remedy)};

	findings->found[level]++;
	if (list)
		findings->list = list;
	if (list && finding.what && finding.value && finding.remedy) {
		list[findings->count++] = finding;
	} else {
		free_finding(&finding);
		findings->failed = true;
	}
}

void findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free_finding(&findings->list[i]);
	free(findings->list);
	*findings = (struct findings){0};
}

static int written(const struct findings *findings, FILE *out)
{
	if (fflush(out) == EOF || ferror(out))
		return errno ? -errno : -EIO;
	return findings->failed ? -ENOMEM : 0;
}

static size_t longest(const struct findings *findings, size_t offset, size_t most)
{
	size_t longest = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const char *text;
		size_t length;

		memcpy(&text, (const char *)&findings->list[i] + offset, sizeof(text));
		length = strlen(text);
		if (length > longest && length <= most)
			longest = length;
	}
	return longest;
}

int findings_print(const struct findings *findings, FILE *out)
{
	int what = (int)longest(findings, offsetof(struct finding, what), SIZE_MAX);
	int value = (int)longest(findings, offsetof(struct finding, value), VALUE_WIDTH);

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		if (*finding->remedy)
			fprintf(out, "%-4s  %-*s  %-*s  %s\n", level_names[finding->level], what,
				finding->what, value, finding->value, finding->remedy);
		else
			fprintf(out, "%-4s  %-*s  %s\n", level_names[finding->level], what,
				finding->what, finding->value);
	}
	return written(findings, out);
}

int findings_print_json(const struct findings *findings, FILE *out)
{
	struct sheet sheet = {0};
	const char *text;

	sheet_add(&sheet, "{\"can_serve\":%s,\"warnings\":%zu,\"findings\":[",
		  findings->found[FINDING_FAIL] ? "false" : "true", findings->found[FINDING_WARN]);
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		sheet_add(&sheet, "%s\n{\"level\":\"%s\",\"what\":", i ? "," : "",
			  level_names[finding->level]);
		sheet_add_json(&sheet, finding->what);
		sheet_add(&sheet, ",\"value\":");
		sheet_add_json(&sheet, finding->value);
		sheet_add(&sheet, ",\"remedy\":");
		sheet_add_json(&sheet, finding->remedy);
		sheet_add(&sheet, "}");
	}
	sheet_add(&sheet, "\n]}\n");
	text = sheet_text(&sheet);
	if (text)
		fputs(text, out);
	sheet_done(&sheet);
	return text ? written(findings, out) : -ENOMEM;
}
