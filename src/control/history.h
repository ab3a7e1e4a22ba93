/*
 * What came lately: the last ten minutes as points, and how much each second by name.
 *
 * A snapshot has totals only.  Whoever takes one every HISTORY_EVERY_MS hands it in; the
 * difference to the one before, by the names of proxies and servers, is a rate.  What
 * was not there before, and what counts less than before, has none yet.
 */
#ifndef CONTROL_HISTORY_H
#define CONTROL_HISTORY_H

#include "control/metrics.h"

#define HISTORY_EVERY_MS 2000
#define HISTORY_POINTS   300 /* ten minutes */

/* The totals of one name, and what they grew by. */
struct history_entry {
	char *name; /* with what it belongs to: "proxy/web", "web/app1" */
	uint64_t connections, bytes_up, bytes_down;
	struct metrics_rates rates;
};

struct history_list {
	struct history_entry *entries; /* in the order of the snapshot */
	size_t count;
};

/* All zeroes: nothing was handed in yet. */
struct history {
	struct metrics_point points[HISTORY_POINTS]; /* the oldest first */
	size_t point_count;
	uint64_t at_ms; /* of the last snapshot */
	uint64_t connections, bytes;
	struct histogram_total lag; /* of all workers */
	struct history_list proxies, servers;
};

/*
 * Take a snapshot's totals.  0, or -ENOMEM, and then it is as if this one had not been
 * handed in.
 */
int history_take(struct history *history, const struct metrics_snapshot *snapshot) must_check;

/* Put points and rates into a snapshot; the points stay the history's, until the next. */
void history_show(const struct history *history, struct metrics_snapshot *snapshot);

void history_done(struct history *history);

#endif
