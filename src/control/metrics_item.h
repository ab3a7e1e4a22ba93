/*
 * One thing that is counted, a worker or a server, with the labels that name it, and
 * the samples of families that need more than one number of it.
 */
#ifndef CONTROL_METRICS_ITEM_H
#define CONTROL_METRICS_ITEM_H

#include "control/metrics.h"

#define METRICS_LABELS_MAX 5

struct metrics_item {
	const struct metrics_snapshot *snapshot;
	const void *at; /* a struct metrics_WORD of its scope; the snapshot itself */
	struct exposition_label labels[METRICS_LABELS_MAX];
	unsigned label_count;
	char index[16]; /* a worker's, as its label has it */
};

/* One label more; both strings stay the caller's. */
void item_label(struct metrics_item *item, const char *name, const char *value);

/* The samples of an item, of the family that the page has come to. */
typedef void metrics_printer(struct exposition *page, const struct metrics_item *item);

metrics_printer item_print_build;
metrics_printer item_print_reloads;
metrics_printer item_print_dropped;
metrics_printer item_print_paused;
metrics_printer item_print_proxy_bytes;
metrics_printer item_print_server_bytes;
metrics_printer item_print_ended;
metrics_printer item_print_refused;
metrics_printer item_print_failures;
metrics_printer item_print_free_ports;
metrics_printer item_print_state;
metrics_printer item_print_rulings;
metrics_printer item_print_check_seconds;
metrics_printer item_print_check_failures;
metrics_printer item_print_name_results;
metrics_printer item_print_name_age;

#endif
