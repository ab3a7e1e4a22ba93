#include "import/words.h"

#include <string.h>

static void begin(const struct words_reader *reader, struct words *words)
{
	words->count = 0;
	words->line = reader->line;
	words->end = 0;
	words->cut = false;
	words->words[0] = NULL;
	words->shown[0] = 0;
}

/* As it is written, up to where it ends; a line break is a blank. */
static void show(struct words *words, const char *from, const char *to)
{
	size_t length;

	while (from < to && strchr(" \t\r\n", *from))
		from++;
	length = (size_t)(to - from);
	if (length >= sizeof(words->shown))
		length = sizeof(words->shown) - 1;
	while (length && strchr(" \t\r\n", from[length - 1]))
		length--;
	memcpy(words->shown, from, length);
	words->shown[length] = 0;
}

static char next(struct words_reader *reader)
{
	char c = *reader->at++;

	if (c == '\n')
		reader->line++;
	return c;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * One word into text, from there on; returns behind its end, or NULL: there is no room.  A
 * line that ends is the end of what is quoted, too, unless it goes on over lines.
 */
static char *take_word(struct words_reader *reader, bool over_lines, char *to, const char *room)
{
	const char *ends = over_lines ? "\n;{}" : "\n#";
	char quote = 0;

	while (reader->at < reader->end) {
		char c = *reader->at;

		if (!quote && (is_blank(c) || strchr(ends, c)))
			break;
		if (c == '\n' && !over_lines)
			break;
		(void)next(reader);
		if (c == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (c == '"' || c == '\'')) {
			quote = c;
			continue;
		}
		if (c == '\\' && quote != '\'' && reader->at < reader->end)
			c = next(reader);
		if (to == room)
			return NULL;
		*to++ = c;
	}
	return to;
}

/* Up to the end of the line. */
static void skip_comment(struct words_reader *reader)
{
	while (reader->at < reader->end && *reader->at != '\n')
		reader->at++;
}

/* Words up to one of these, which stays. */
static void take_words(struct words_reader *reader, struct words *words, const char *ends,
		       bool over_lines)
{
	const char *room = words->text + sizeof(words->text) - 1;
	char *to = words->text;

	while (reader->at < reader->end) {
		char c = *reader->at, *end;

		if (c == '#')
			skip_comment(reader);
		else if (is_blank(c) || (over_lines && c == '\n'))
			(void)next(reader);
		else if (strchr(ends, c))
			return;
		else {
			if (!words->count)
				words->line = reader->line;
			end = take_word(reader, over_lines, to, room);
			if (!end || words->count == WORDS_MAX) {
				words->cut = true;
				to = end ? to : words->text;
				continue;
			}
			*end = 0;
			words->words[words->count++] = to;
			words->words[words->count] = NULL;
			to = end + (end < room);
		}
	}
}

bool words_line(struct words_reader *reader, struct words *words)
{
	while (reader->at < reader->end) {
		const char *from = reader->at;

		begin(reader, words);
		take_words(reader, words, "\n", false);
		show(words, from, reader->at);
		if (reader->at < reader->end)
			words->end = next(reader);
		if (words->count)
			return true;
	}
	return false;
}

bool words_directive(struct words_reader *reader, struct words *words)
{
	const char *from;

	while (reader->at < reader->end) {
		begin(reader, words);
		from = reader->at;
		take_words(reader, words, ";{}", true);
		show(words, from, reader->at);
		if (reader->at < reader->end)
			words->end = next(reader);
		if (words->count || words->end == '{' || words->end == '}')
			return true;
	}
	return false;
}

bool words_is(const struct words *words, int n, const char *word)
{
	return n < words->count && !strcmp(words->words[n], word);
}

const char *words_at(const struct words *words, int n)
{
	return n < words->count ? words->words[n] : "";
}
