/*
 * What was looked at, one thing each: whether it is as it has to be, what it is, and
 * what to do where it is not.
 */
#ifndef CONTROL_FINDINGS_H
#define CONTROL_FINDINGS_H

#include "base/compiler.h"

#include <stdio.h>

enum finding_level {
	FINDING_OK,
	FINDING_WARN, /* something is less than it could be, or is switched off */
	FINDING_FAIL, /* nothing can be served */
	FINDING_LEVEL_COUNT,
};

struct finding {
	enum finding_level level;
	char *what, *value;
	char *remedy; /* "" where there is nothing to be done */
};

/* All zeroes: nothing was looked at. */
struct findings {
	struct finding *list;
	size_t count;
	size_t found[FINDING_LEVEL_COUNT];
	bool failed; /* there was no memory for one */
};

/* Add one; what, the value and the remedy, plain text in one line, are copied. */
void findings_add(struct findings *findings, enum finding_level level, const char *what,
		  const char *value, const char *remedy);
/* Free them. */
void findings_done(struct findings *findings);

const char *finding_level_name(enum finding_level level); /* "ok", "warn", "fail" */

/*
 * One line each, as a table or as an object of JSON.  0, or a negative errno: -ENOMEM
 * where one of them is missing, or what writing said.
 */
int findings_print(const struct findings *findings, FILE *out) must_check;
int findings_print_json(const struct findings *findings, FILE *out) must_check;

#endif
