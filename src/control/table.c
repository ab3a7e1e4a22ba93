#include "control/table.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP     2
#define LEAST   6 /* a column is not cut further */
#define BOLD    "\x1b[1m"
#define REGULAR "\x1b[0m"

/* ---- Text ------------------------------------------------------------------------------------ */

/* One character of it, as it may be shown: its bytes, and *ret_length of those it stands for. */
static const char *shown(const char *text, size_t *ret_length)
{
	static char one[5];
	size_t length = utf8_length(text);
	unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
	bool control = first < ' ' || first == 0x7f || (first == 0xc2 && second < 0xa0);

	*ret_length = length ? length : 1;
	if (!length || control)
		return "?";
	memcpy(one, text, length);
	one[length] = 0;
	return one;
}

/* In characters. */
static unsigned width_of(const char *text)
{
	unsigned width = 0;
	size_t length;

	for (; *text; text += length, width++)
		(void)shown(text, &length);
	return width;
}

static void put(struct sheet *sheet, const char *text, unsigned width, bool right, bool last)
{
	unsigned own = width_of(text), cut = own > width ? width : own;
	size_t length;

	if (right && (cut || !last))
		sheet_add(sheet, "%*s", (int)(width - cut), "");
	for (unsigned i = 0; i < cut; i++, text += length) {
		const char *character = shown(text, &length);

		sheet_add(sheet, "%s", own > width && i + 1 == cut ? "+" : character);
	}
	if (!last)
		sheet_add(sheet, "%*s", (int)(GAP + (right ? 0 : width - cut)), "");
}

/* ---- Filling --------------------------------------------------------------------------------- */

void table_start(struct table *table, const char *const *heads)
{
	*table = (struct table){.heads = heads};
	while (heads[table->columns])
		table->columns++;
	assert(table->columns > 0 && table->columns <= TABLE_COLUMNS_MAX);
}

void table_add(struct table *table, const char *format, ...)
{
	char **cells = table->cells, *text = NULL;
	va_list arguments;

	if (table->count == table->room) {
		table->room = table->room ? 2 * table->room : 256;
		cells = realloc(table->cells, table->room * sizeof(*cells));
	}
	va_start(arguments, format);
	if (!cells || vasprintf(&text, format, arguments) < 0)
		table->failed = true;
	va_end(arguments);
	if (cells)
		table->cells = cells;
	if (table->failed)
		table->room = table->count; /* whatever comes tries again */
	else
		table->cells[table->count++] = text;
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){0};
}

/* ---- Showing --------------------------------------------------------------------------------- */

static bool is_right(const struct table *table, unsigned column)
{
	return table->heads[column][0] == '>';
}

static const char *head(const struct table *table, unsigned column)
{
	return table->heads[column] + is_right(table, column);
}

/* As wide as needed, but all together no wider than that: the widest ones are cut. */
static void find_widths(const struct table *table, unsigned most, unsigned widths[])
{
	unsigned total = GAP * (table->columns - 1), widest;

	for (unsigned c = 0; c < table->columns; c++)
		widths[c] = width_of(head(table, c));
	for (size_t i = 0; i < table_rows(table) * table->columns; i++) {
		unsigned width = width_of(table->cells[i]), *column = &widths[i % table->columns];

		*column = width > *column ? width : *column;
	}
	for (unsigned c = 0; c < table->columns; c++)
		total += widths[c];
	for (; most && total > most; total--) {
		widest = 0;
		for (unsigned c = 1; c < table->columns; c++)
			widest = widths[c] > widths[widest] ? c : widest;
		if (widths[widest] <= LEAST)
			return;
		widths[widest]--;
	}
}

void table_write(const struct table *table, struct sheet *sheet, size_t first, size_t rows,
		 unsigned width, bool colours)
{
	unsigned widths[TABLE_COLUMNS_MAX];
	size_t all = table_rows(table);

	find_widths(table, width, widths);
	sheet_add(sheet, "%s", colours ? BOLD : "");
	for (unsigned c = 0; c < table->columns; c++)
		put(sheet, head(table, c), widths[c], is_right(table, c), c + 1 == table->columns);
	sheet_add(sheet, "%s\n", colours ? REGULAR : "");
	for (size_t row = first; row < all && row - first < rows; row++) {
		for (unsigned c = 0; c < table->columns; c++)
			put(sheet, table->cells[row * table->columns + c], widths[c],
			    is_right(table, c), c + 1 == table->columns);
		sheet_add(sheet, "\n");
	}
}

int table_print(const struct table *table, FILE *out)
{
	struct sheet sheet = {0};
	const char *text;

	table_write(table, &sheet, 0, SIZE_MAX, terminal_width(out), terminal_has_colours(out));
	text = table->failed ? NULL : sheet_text(&sheet);
	if (text)
		fputs(text, out);
	sheet_done(&sheet);
	return text ? 0 : -ENOMEM;
}

/* ---- Terminals ------------------------------------------------------------------------------- */

unsigned terminal_width(FILE *out)
{
	struct winsize size;

	return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool terminal_has_colours(FILE *out)
{
	const char *none = getenv("NO_COLOR");

	return isatty(fileno(out)) && (!none || !*none);
}
