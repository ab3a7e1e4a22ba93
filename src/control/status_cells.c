#include "control/status_parts.h"

#include "control/words.h"

void table_begin(struct sheet *sheet, const char *const *heads)
{
	sheet_add(sheet, "<table>\n<thead><tr>");
	for (; *heads; heads++)
		sheet_add(sheet, "<th>%s</th>", *heads);
	sheet_add(sheet, "</tr></thead>\n<tbody>\n");
}

void table_end(struct sheet *sheet)
{
	sheet_add(sheet, "</tbody>\n</table>\n");
}

void cell_begin(struct sheet *sheet, const char *head)
{
	sheet_add(sheet, "<td data-is=\"%s\">", head);
}

void cell_end(struct sheet *sheet)
{
	sheet_add(sheet, "</td>");
}

void cell_text(struct sheet *sheet, const char *head, const char *text)
{
	cell_begin(sheet, head);
	sheet_add_html(sheet, text);
	cell_end(sheet);
}

/* What is short stays in one line. */
static void begin_short(struct sheet *sheet, const char *head)
{
	sheet_add(sheet, "<td class=\"short\" data-is=\"%s\">", head);
}

void cell_number(struct sheet *sheet, const char *head, uint64_t number)
{
	char text[WORDS_MAX];

	begin_short(sheet, head);
	sheet_add(sheet, "%s", words_number(text, number));
	cell_end(sheet);
}

void cell_of(struct sheet *sheet, const char *head, uint64_t number, uint64_t most)
{
	char text[WORDS_MAX], limit[WORDS_MAX];

	begin_short(sheet, head);
	sheet_add(sheet, "%s", words_number(text, number));
	if (most)
		sheet_add(sheet, " of %s", words_number(limit, most));
	cell_end(sheet);
}

void cell_rate(struct sheet *sheet, const char *head, uint64_t bytes_per_second)
{
	char text[WORDS_MAX];

	begin_short(sheet, head);
	sheet_add(sheet, "%s/s", words_bytes(text, bytes_per_second));
	cell_end(sheet);
}

void cell_quantiles(struct sheet *sheet, const char *head, const struct histogram_total *total,
		    const struct histogram_scale *scale)
{
	char half[WORDS_MAX], most[WORDS_MAX];

	words_quantile(half, total, scale, 0.5);
	words_quantile(most, total, scale, 0.99);
	cell_begin(sheet, head);
	if (half[0])
		sheet_add(sheet, "%s; p99 %s", half, most);
	cell_end(sheet);
}

/* The reasons that are not the plain one, with how often. */
void cell_add_reasons(struct sheet *sheet, const uint64_t *ended, unsigned width)
{
	const char *before = "";
	char text[WORDS_MAX];

	for (unsigned reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		uint64_t count = 0;

		for (unsigned i = 0; i < width; i++)
			count += ended[reason * width + i];
		if (!count || reason == REASON_COMPLETED || reason == REASON_ANSWERED)
			continue;
		sheet_add(sheet, "%s%s %s", before, words_number(text, count),
			  reason_name((enum reason)reason));
		before = ", ";
	}
}
