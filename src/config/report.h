/*
 * What is to be said of a configuration: what is wrong in its files, what this
 * machine has not got for it, what will have less effect than is written.  Whoever
 * looks adds what it finds; who asked shows all of it, in the order of the files'
 * lines, so that one run is enough to mend everything.
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include "config/config.h"

#include <limits.h>

enum report_kind {
	REPORT_MISTAKE,
	REPORT_WARNING,
	REPORT_NOTE, /* of a default that depends on the machine */
	REPORT_KIND_COUNT,
};

struct report_line {
	enum report_kind kind;
	unsigned file, line; /* index into config.files; line 0: of the file as a whole */
	char *text;          /* "FILE:LINE: [section] key: ...", without full stop */
};

/* All zeroes: nothing is to be said. */
struct report {
	struct report_line *lines;
	size_t count;
	size_t found[REPORT_KIND_COUNT]; /* of which no more are kept than anybody would read */
	bool failed;                     /* there was no memory for one */
};

#define REPORT_NOWHERE UINT_MAX /* for file: it is of no line, and comes last */

/* Add one, complete with its place. */
__attribute__((format(printf, 5, 6))) void report_add(struct report *report, enum report_kind kind,
						      unsigned file, unsigned line,
						      const char *format, ...);

/* Begins with the key's config_place(), and stands there. */
__attribute__((format(printf, 6, 7))) void report_key(struct report *report, enum report_kind kind,
						      const struct config *config,
						      const struct config_section *section,
						      const char *key, const char *format, ...);

/* In the order of files and lines, and what is the same once. */
void report_sort(struct report *report);
/* The first mistake, or NULL where there is none. */
const char *report_first_mistake(const struct report *report);
void report_done(struct report *report);

#endif
