/*
 * What `uringproxy top` shows: three views of rows that the daemon answers, sorted and filtered.
 */
#ifndef CONTROL_COMMAND_TOP_H
#define CONTROL_COMMAND_TOP_H

#include "control/table.h"

#include <jansson.h>

enum top_view { TOP_PROXIES, TOP_SERVERS, TOP_CONNECTIONS, TOP_VIEW_COUNT };

struct top_rows {
	const json_t **rows; /* borrowed of what was answered */
	size_t count;
};

/* "proxies", as the answer calls the list, too. */
const char *top_view_name(enum top_view view);
/* The heads of its columns; and the next one that rows can be sorted by, from 0 on. */
const char *const *top_heads(enum top_view view);
unsigned top_next_sort(enum top_view view, unsigned sort);

/*
 * Those of the answer with the text in any of their words (NULL: all), by that column: the
 * greatest first, words as in a dictionary.  0 or -ENOMEM; top_rows_done() after that.
 */
int top_choose(enum top_view view, const json_t *answer, const char *text, unsigned sort,
	       struct top_rows *ret_rows) must_check;
void top_rows_done(struct top_rows *rows);
/* A line for each, into a table that was started with top_heads(). */
void top_fill(enum top_view view, const struct top_rows *rows, struct table *table);

/* What a key asks the daemon for, of a row; all zeroes: of none. */
struct top_deed {
	char question[120]; /* whether that is meant; or where the key does something */
	const char *method;
	char *target;     /* encoded; NULL: there was no memory */
	json_t *body;     /* NULL: none */
	const char *done; /* to be said when it is */
};

/* d, r or k: false where that key does nothing to such a row, or there is none.  top_deed_done()
 * in either case. */
bool top_deed(enum top_view view, int key, const json_t *row, struct top_deed *ret_deed);
void top_deed_done(struct top_deed *deed);

/* Give connections "bytes_up_per_second" and so on, by what the same ones had so long before. */
void top_rate(json_t *connections, const json_t *before, double seconds);

#endif
