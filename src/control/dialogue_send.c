/*
 * check = send: anything that is said by a fixed text and answered by one.  What it expects may
 * be left out, and what it sends: then the server is the first to speak, as SMTP has it.
 */
#include "control/dialogue_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int say(struct dialogue *dialogue, const char *text, char *why)
{
	uint8_t *bytes = malloc(strlen(text) + 1);
	size_t size;
	int r = bytes ? expect_parse_bytes(bytes, &size, text, why) : -ENOMEM;

	if (r == 0)
		r = dialogue_say(dialogue, bytes, size);
	free(bytes);
	return r;
}

static const struct dialogue_kind nothing_expected;

static int open_send(struct dialogue *dialogue, const struct dialogue_terms *terms,
		     const struct address *address, char *why)
{
	int r = terms->send ? say(dialogue, terms->send, why) : 0;

	(void)address;
	if (r == 0 && terms->expect)
		r = dialogue_expect(dialogue, terms->expect, why);
	else if (r == 0)
		dialogue->kind = &nothing_expected;
	return r < 0 ? r : dialogue_name(dialogue, "send");
}

static const struct dialogue_kind nothing_expected = {.name = "send", .open = open_send};
const struct dialogue_kind dialogue_send = {
	.name = "send", .open = open_send, .hear = dialogue_compare};
