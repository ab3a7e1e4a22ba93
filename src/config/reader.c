#include "config/reader.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEY_SHOWN_MAX 60 /* bytes of a key that a message repeats */

/* Debian's inih lets its line length be set; plain ones lack the variable, and its declaration. */
extern int ini_max_line __attribute__((weak)); /* NOLINT(readability-redundant-declaration) */

struct reader {
	const struct reader_events *events;
	void *user;
	const char *at, *end; /* what is still to be read */
	unsigned line;        /* the number of the line read last */
	char text[READER_LINE_MAX + 1];
};

__attribute__((format(printf, 2, 3))) static void mistake(struct reader *reader, const char *format,
							  ...)
{
	char what[500];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	reader->events->mistake(reader->user, reader->line, what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the blanks off both ends; returns the new beginning. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t");
	length = strlen(text);
	while (length && is_blank(text[length - 1]))
		text[--length] = 0;
	return text;
}

static void cut_comment(char *text)
{
	for (char *c = text; *c; c++)
		if ((*c == ';' || *c == '#') && (c == text || is_blank(c[-1]))) {
			*c = 0;
			return;
		}
}

/*
 * The next line into reader->text, without its end; false when it is not one
 * that can be read, which has then been said.
 */
static bool take_line(struct reader *reader, size_t line_max)
{
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const char *line = reader->at, *end = newline ? newline : reader->end;
	size_t length;

	reader->at = newline ? newline + 1 : reader->end;
	reader->line++;
	if (end > line && end[-1] == '\r')
		end--;
	length = (size_t)(end - line);
	if (length > line_max) {
		mistake(reader, "the line is %zu bytes long; the most that can be read is %zu",
			length, line_max);
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c == 0)
			mistake(reader,
				"byte %zu of the line is NUL; this has to be a text file "
				"(UTF-8 without NUL bytes)",
				i + 1);
		else if (c == 0x7f || (c < ' ' && c != '\t'))
			mistake(reader,
				"byte %zu of the line is the control character 0x%02x; remove it",
				i + 1, c);
		else
			continue;
		return false;
	}
	memcpy(reader->text, line, length);
	reader->text[length] = 0;
	return true;
}

static void take_section(struct reader *reader, char *line)
{
	char *close = strchr(line, ']'), what[300] = "";

	if (!close)
		snprintf(what, sizeof(what), "\"%.60s\" has no closing bracket; write %.60s]", line,
			 line);
	else if (close[1])
		snprintf(what, sizeof(what),
			 "\"%.60s\" follows the section's closing bracket; it belongs on a line of "
			 "its own",
			 trim(close + 1));
	if (close)
		*close = 0;
	reader->events->section(reader->user, reader->line, trim(line + 1), *what ? what : NULL);
}

static size_t key_length(const char *line)
{
	return strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}

/* Says what a line without "=" should have been, going by its first word. */
static void missing_equals(struct reader *reader, const char *line)
{
	size_t key = key_length(line), gap = strspn(line + key, " \t:");

	if (key && key <= KEY_SHOWN_MAX && gap && line[key + gap])
		mistake(reader, "\"%.80s\" has no \"=\" after the key; write %.*s = %.80s", line,
			(int)key, line, line + key + gap);
	else
		mistake(reader, "\"%.80s\" has no \"=\"; write KEY = VALUE", line);
}

/* Whether inih, too, will find the key to end at the first "=". */
static bool is_assignment(struct reader *reader, const char *line)
{
	const char *equals = strchr(line, '=');
	size_t key = key_length(line);

	if (equals && key && line + key + strspn(line + key, " \t") == equals)
		return true;
	if (!equals)
		missing_equals(reader, line);
	else if (equals == line)
		mistake(reader, "\"%.80s\" has no key before the \"=\"", line);
	else
		mistake(reader,
			"\"%.*s\" is not a key; a key is one word of letters, digits, \"_\" and "
			"\"-\"",
			(int)(equals - line > KEY_SHOWN_MAX ? KEY_SHOWN_MAX : equals - line), line);
	return false;
}

/*
 * inih's fgets: the next line that is an assignment.  Every other line becomes
 * an empty one, so that a call is a line.
 */
static char *next_line(char *line, int size, void *stream)
{
	struct reader *reader = stream;
	/* inih's room has to hold "\r\n" and the NUL as well */
	size_t room = size > 3 ? (size_t)size - 3 : 0;
	char *text;

	if (reader->at == reader->end)
		return NULL;
	snprintf(line, (size_t)size, "\n");
	if (!take_line(reader, room < READER_LINE_MAX ? room : READER_LINE_MAX))
		return line;
	cut_comment(reader->text);
	text = trim(reader->text);
	if (*text == '[')
		take_section(reader, text);
	else if (*text && is_assignment(reader, text))
		snprintf(line, (size_t)size, "%s\n", text);
	return line;
}

static int on_assignment(void *user, const char *section, const char *key, const char *value)
{
	struct reader *reader = user;
	size_t length = strlen(value);
	char unquoted[READER_LINE_MAX + 1];

	(void)section; /* headers never reach inih */
	if (*value != '"' && *value != '\'') {
		reader->events->value(reader->user, reader->line, key, value);
		return 1;
	}
	if (length < 2 || value[length - 1] != *value) {
		mistake(reader,
			"%.60s: the quotation mark is not closed; values need none, and \" ;\" or "
			"\" #\" begins a comment even between them",
			key);
		return 1;
	}
	snprintf(unquoted, sizeof(unquoted), "%.*s", (int)length - 2, value + 1);
	reader->events->value(reader->user, reader->line, key, trim(unquoted));
	return 1;
}

void reader_run(const char *text, size_t size, const struct reader_events *events, void *user)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader reader = {.events = events, .user = user, .at = text, .end = text + size};

	if (size >= strlen(mark) && !memcmp(text, mark, strlen(mark)))
		reader.at += strlen(mark);
	if (&ini_max_line)
		ini_max_line = READER_LINE_MAX + 3;
	/* its result is the first line it did not understand: there are none left */
	(void)ini_parse_stream(next_line, &reader, on_assignment, &reader);
}
