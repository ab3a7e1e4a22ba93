/*
 * Text that grows as it is written: an answer, a page, a table.
 *
 * Memory that is not there is told once, at the end: what is written after that goes
 * nowhere, and sheet_text() is NULL.  So writers have no errors to look at.
 *
 *	struct sheet sheet = {0};
 *	sheet_add(&sheet, "<td>%u</td><td>", count);
 *	sheet_add_html(&sheet, name);
 *	text = sheet_text(&sheet);
 *	...
 *	sheet_done(&sheet);
 */
#ifndef BASE_SHEET_H
#define BASE_SHEET_H

#include "base/compiler.h"

/* All zeroes: nothing is written. */
struct sheet {
	char *bytes; /* used of them, and a zero byte */
	size_t used, room;
	bool failed;
};

void sheet_put(struct sheet *sheet, const char *bytes, size_t count);
void sheet_add(struct sheet *sheet, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Text of others, as each language has it.  What is no UTF-8 becomes U+FFFD; a control
 * character is a question mark where the language cannot say it.  A string of JSON comes
 * with its quotes, the value of a Prometheus label without, and HTML is good within
 * quotes and without.
 */
void sheet_add_json(struct sheet *sheet, const char *text);
void sheet_add_html(struct sheet *sheet, const char *text);
void sheet_add_label(struct sheet *sheet, const char *text);

/* What is written, "" at first; the sheet's.  NULL where memory has run out. */
const char *sheet_text(const struct sheet *sheet);
/* Free it, and begin anew with nothing. */
void sheet_done(struct sheet *sheet);

#endif
