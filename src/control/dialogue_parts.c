#include "control/dialogue_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dialogue_say(struct dialogue *dialogue, const void *bytes, size_t size)
{
	uint8_t *words = realloc(dialogue->words, dialogue->word_count + size + 1);

	if (!words)
		return -ENOMEM;
	memcpy(words + dialogue->word_count, bytes, size);
	dialogue->words = words;
	dialogue->word_count += size;
	return 0;
}

int dialogue_say_text(struct dialogue *dialogue, const char *text)
{
	return dialogue_say(dialogue, text, strlen(text));
}

int dialogue_expect(struct dialogue *dialogue, const char *text, char *why)
{
	dialogue->expected = malloc(strlen(text) + 1);
	dialogue->expected_text = strdup(text);
	if (!dialogue->expected || !dialogue->expected_text)
		return -ENOMEM;
	return expect_parse_answer(dialogue->expected, &dialogue->expected_count,
				   &dialogue->anywhere, text, why);
}

int dialogue_name(struct dialogue *dialogue, const char *format, ...)
{
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(&dialogue->title, format, arguments);
	va_end(arguments);
	if (r < 0)
		dialogue->title = NULL; /* what it is then is not promised */
	return r < 0 ? -ENOMEM : 0;
}

enum dialogue_turn dialogue_cut_short(const struct heard *heard, struct check_result *result)
{
	char quote[CHECK_QUOTE_MAX];

	if (heard->count >= DIALOGUE_HEARD_MAX)
		check_conclude(result, CHECK_L7RSP, "answered %zu bytes without what is wanted",
			       heard->count);
	else if (heard->count)
		check_conclude(result, CHECK_L7RSP, "was closed after it said %s",
			       check_quote(heard->bytes, heard->count, quote));
	else
		check_conclude(result, CHECK_L7RSP, "was closed without an answer");
	return DIALOGUE_OVER;
}

enum dialogue_turn dialogue_unwanted(const struct dialogue *dialogue, const struct heard *heard,
				     struct check_result *result)
{
	char quote[CHECK_QUOTE_MAX];

	/* It is bad enough; what remains of its line says why. */
	if (!heard->all && heard->count < CHECK_QUOTE_MAX &&
	    !memchr(heard->bytes, '\n', heard->count))
		return DIALOGUE_LISTEN;
	check_conclude(result, CHECK_L7STS, "answered %s, wanted %.80s",
		       check_quote(heard->bytes, heard->count, quote), dialogue->expected_text);
	return DIALOGUE_OVER;
}

enum dialogue_turn dialogue_compare(const struct dialogue *dialogue, const struct heard *heard,
				    struct check_result *result)
{
	size_t count = dialogue->expected_count;
	bool found;

	if (dialogue->anywhere)
		found = memmem(heard->bytes, heard->count, dialogue->expected, count);
	else if (memcmp(heard->bytes, dialogue->expected,
			heard->count < count ? heard->count : count) != 0)
		return dialogue_unwanted(dialogue, heard, result);
	else
		found = heard->count >= count;
	if (!found)
		return DIALOGUE_LISTEN;
	check_conclude(result, CHECK_L7OK, "answered %.80s", dialogue->expected_text);
	return DIALOGUE_OVER;
}
