/*
 * Metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0 for who
 * asks for it.  Families and samples, nothing of what they count.
 *
 *	exposition_family(&page, "x_up", EXPOSITION_GAUGE, "Whether it is up.");
 *	exposition_count(&page, (struct exposition_label[]){{"name", "a"}}, 1, 1);
 *	...
 *	exposition_end(&page);
 *
 * All samples of a family follow its beginning, and no two have the same labels: that
 * is up to the caller, and tests/support/metrics_text.h finds it out.
 */
#ifndef CONTROL_EXPOSITION_H
#define CONTROL_EXPOSITION_H

#include "base/sheet.h"
#include "ops/histogram.h"

enum exposition_format {
	EXPOSITION_TEXT, /* Prometheus 0.0.4 */
	EXPOSITION_OPENMETRICS,
};

enum exposition_type {
	EXPOSITION_COUNTER, /* its name ends in _total */
	EXPOSITION_GAUGE,
	EXPOSITION_HISTOGRAM,
	EXPOSITION_TYPE_COUNT,
};

struct exposition_label {
	const char *name;
	const char *value; /* whatever it is, it is escaped */
};

struct exposition {
	struct sheet *sheet; /* the caller's */
	enum exposition_format format;
	/* The family that is being written, the caller's strings; its head is not yet there. */
	const char *name, *help;
	enum exposition_type type;
	bool has_head;
};

/* What an Accept header, NULL for none, asks for; and the Content-Type of that. */
enum exposition_format exposition_format_of(const char *accept);
const char *exposition_content_type(enum exposition_format format);
const char *exposition_type_name(enum exposition_type type);

/*
 * From here on samples of that family; help is a sentence in one line without
 * backslashes and quotes.  A family without samples leaves nothing.
 */
void exposition_family(struct exposition *page, const char *name, enum exposition_type type,
		       const char *help);

/* One sample: a whole number; whole units, so many a second, in seconds; or any number. */
void exposition_count(struct exposition *page, const struct exposition_label *labels,
		      unsigned label_count, uint64_t value);
void exposition_seconds(struct exposition *page, const struct exposition_label *labels,
			unsigned label_count, uint64_t units, uint64_t units_per_second);
void exposition_number(struct exposition *page, const struct exposition_label *labels,
		       unsigned label_count, double value);
/* All samples of one set of labels of a histogram, its buckets added up. */
void exposition_histogram(struct exposition *page, const struct exposition_label *labels,
			  unsigned label_count, const struct histogram_scale *scale,
			  const struct histogram_total *total);

/* Nothing comes behind it. */
void exposition_end(struct exposition *page);

#endif
