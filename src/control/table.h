/*
 * Tables for people: columns as wide as what is in them, cut where a terminal is not as wide.
 *
 *	struct table table;
 *	table_start(&table, (const char *const[]){"NAME", ">BYTES", NULL});
 *	table_add(&table, "%s", name);
 *	table_add(&table, "%llu", bytes);
 *	table_print(&table, stdout);
 *	table_done(&table);
 *
 * What is not printable is a question mark, whoever it comes from.
 */
#ifndef CONTROL_TABLE_H
#define CONTROL_TABLE_H

#include "base/compiler.h"
#include "base/sheet.h"

#include <stdio.h>

#define TABLE_COLUMNS_MAX 16

struct table {
	const char *const *heads; /* the caller's; ">" before one: to the right; NULL behind them */
	unsigned columns;
	char **cells; /* row by row, without the heads */
	size_t count, room;
	bool failed; /* there was no memory */
};

void table_start(struct table *table, const char *const *heads);
/* The next cell, in the order of reading. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines on a sheet, from row `first` on `rows` of them at most, no wider than that (0: as it is).
 */
void table_write(const struct table *table, struct sheet *sheet, size_t first, size_t rows,
		 unsigned width, bool colours);
/* All of it: 0, or -ENOMEM. */
int table_print(const struct table *table, FILE *out) must_check;
void table_done(struct table *table);

static inline size_t table_rows(const struct table *table)
{
	return table->count / table->columns;
}

/* Of a terminal: its columns; 0: it is none, or does not say. */
unsigned terminal_width(FILE *out);
/* Whether it may be coloured: a terminal, and no NO_COLOR. */
bool terminal_has_colours(FILE *out);

#endif
