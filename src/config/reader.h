/*
 * The lines of an INI file, each with its number.
 *
 * inih splits key from value; everything it would do silently is done here
 * first, on the line before inih sees it.  Without that, version 55 as Debian
 * ships it
 *   - gives the handler no line number,
 *   - cuts a line at 200 bytes and reads the rest as another line,
 *   - takes an indented line for a continuation of the value before,
 *   - never mentions a section that holds no key, nor that one begins again,
 *   - cuts a section's name at 49 bytes,
 *   - takes ':' for '=', so that "listen [::1]:80" sets the key "listen [",
 *   - knows ' ;' as the beginning of a comment but not ' #',
 *   - stops looking at a NUL byte, and reports the first bad line only.
 *
 * The file may begin with a byte order mark and have CR LF line ends.  A
 * comment begins with ';' or '#', at the start of a line or after a blank.
 * Values may stand in a pair of quotation marks, which are taken off.
 */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "base/compiler.h"

/* The longest line, without its end. */
#define READER_LINE_MAX 4000

/* Called in the order of the file.  All text is the reader's and lasts for the call. */
struct reader_events {
	/* What stands between the brackets, trimmed; mistake is what is wrong with them or NULL. */
	void (*section)(void *user, unsigned line, const char *name, const char *mistake);
	void (*value)(void *user, unsigned line, const char *key, const char *value);
	/* The line is not as it should be and is passed over; what is wrong, without full stop. */
	void (*mistake)(void *user, unsigned line, const char *what);
};

void reader_run(const char *text, size_t size, const struct reader_events *events, void *user);

#endif
