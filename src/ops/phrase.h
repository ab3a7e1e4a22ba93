/*
 * A line that is being composed, in room that is its caller's and sized so that it cannot
 * run out.  Written for lines of the access log, of which there are many: numbers and times
 * are put without printf(3).
 */
#ifndef OPS_PHRASE_H
#define OPS_PHRASE_H

#include "base/compiler.h"

#include <string.h>

struct phrase {
	char *bytes;
	size_t used, size;
};

/* So much may still be put. */
static inline size_t phrase_room(const struct phrase *phrase)
{
	return phrase->size - phrase->used;
}

static inline void phrase_put(struct phrase *phrase, const char *bytes, size_t count)
{
	assert(count <= phrase_room(phrase));
	memcpy(phrase->bytes + phrase->used, bytes, count);
	phrase->used += count;
}

/* Text of ours, as it is; the length of a literal is known when this is compiled. */
static inlined void phrase_say(struct phrase *phrase, const char *text)
{
	phrase_put(phrase, text, strlen(text));
}

void phrase_number(struct phrase *phrase, uint64_t number);
/* Microseconds as milliseconds: "0.231". */
void phrase_ms(struct phrase *phrase, uint64_t us);
/* The time now: "2026-11-22T18:29:27.123Z". */
void phrase_now(struct phrase *phrase);
/* The same of a time that is so long ago. */
void phrase_ago(struct phrase *phrase, uint64_t ago_ms);

/*
 * What others may have written, cut after so many bytes: for people, printable and in one
 * line; and as a JSON string (RFC 8259) with its quotes, where what is no UTF-8 becomes
 * U+FFFD.
 */
void phrase_plain(struct phrase *phrase, const char *value, size_t most);
void phrase_quoted(struct phrase *phrase, const char *value, size_t most);

#endif
