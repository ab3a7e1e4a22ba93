/*
 * The parts of the status page, and the cells of its tables.
 *
 * A cell bears the head of its column, which shows beside it where there is no room
 * for a row of heads, as on a phone.
 */
#ifndef CONTROL_STATUS_PARTS_H
#define CONTROL_STATUS_PARTS_H

#include "base/sheet.h"
#include "control/metrics.h"

/* The last ten minutes; nothing without points. */
void status_graphs(struct sheet *sheet, const struct metrics_snapshot *snapshot);
/* A table for each pool. */
void status_servers(struct sheet *sheet, const struct metrics_snapshot *snapshot);

/* A table and its heads, of which NULL is the last; they are ours, as are those of cells. */
void table_begin(struct sheet *sheet, const char *const *heads);
void table_end(struct sheet *sheet);

/* What is written between them is HTML. */
void cell_begin(struct sheet *sheet, const char *head);
void cell_end(struct sheet *sheet);

/* Text of others. */
void cell_text(struct sheet *sheet, const char *head, const char *text);
void cell_number(struct sheet *sheet, const char *head, uint64_t number);
/* "603 of 1,000"; most 0: there is no limit. */
void cell_of(struct sheet *sheet, const char *head, uint64_t number, uint64_t most);
void cell_rate(struct sheet *sheet, const char *head, uint64_t bytes_per_second);
/* The median, and what one in a hundred takes longer than. */
void cell_quantiles(struct sheet *sheet, const char *head, const struct histogram_total *total,
		    const struct histogram_scale *scale);
/*
 * Within a cell, "24 connect-refused, ...": the reasons that are not a plain end, with how
 * often; ended has width numbers of each of them.
 */
void cell_add_reasons(struct sheet *sheet, const uint64_t *ended, unsigned width);

#endif
