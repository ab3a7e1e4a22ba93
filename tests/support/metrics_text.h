/*
 * What `promtool check metrics` does not see in a page of metrics: families in parts,
 * two samples of the same labels, buckets that are not cumulative, a _count that is not
 * the +Inf bucket, samples without a head, a page that does not end.
 */
#ifndef TESTS_SUPPORT_METRICS_TEXT_H
#define TESTS_SUPPORT_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong, a sentence in static storage; NULL: nothing.  openmetrics: # EOF ends it. */
const char *metrics_text_mistake(const char *text, bool openmetrics);

/* The number behind "NAME{LABELS} " or "NAME ", as written; -1 where there is none. */
double metrics_text_value(const char *text, const char *sample);

#endif
