/*
 * Numbers as people read them, for pages and tables: "1,204", "2.4 GB", "1 day 3 h".
 */
#ifndef CONTROL_WORDS_H
#define CONTROL_WORDS_H

#include "ops/histogram.h"

#define WORDS_MAX 48

/* All return text. */
const char *words_number(char text[WORDS_MAX], uint64_t number);
const char *words_bytes(char text[WORDS_MAX], uint64_t bytes); /* "512 B", "2.4 GB" */
/* In its two largest units; less than a second as "0.25 ms", "12 us". */
const char *words_duration(char text[WORDS_MAX], uint64_t units, uint64_t units_per_second);
/* "2026-11-28 03:00:01 UTC" of milliseconds since 1970. */
const char *words_time(char text[WORDS_MAX], uint64_t ms);
/* What so much of all is not above: "up to 0.5 ms", "more than 4.1 s", "" of nothing. */
const char *words_quantile(char text[WORDS_MAX], const struct histogram_total *total,
			   const struct histogram_scale *scale, double quantile);

#endif
