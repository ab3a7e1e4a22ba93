/*
 * The words of a line of theirs.  Both have quotation marks and backslashes, which are taken
 * off; the words are the caller's, in memory of its own.
 */
#ifndef IMPORT_WORDS_H
#define IMPORT_WORDS_H

#include "base/compiler.h"

#define WORDS_MAX 64

struct words {
	char *words[WORDS_MAX + 1]; /* NULL behind the last */
	int count;
	unsigned line;   /* where they begin */
	char end;        /* what ended them: ';', '{', '}' of nginx, '\n', or 0: the text */
	bool cut;        /* there were more, or they were too long */
	char text[4096]; /* the words, one behind the other */
	char shown[300]; /* the line as it is written, for comments */
};

struct words_reader {
	const char *at, *end;
	unsigned line; /* of what is read next */
};

/* The next line that has a word; false: there is none. */
bool words_line(struct words_reader *reader, struct words *words) must_check;
/* The next directive of nginx, or the end of a block, which has no words; false: there is none. */
bool words_directive(struct words_reader *reader, struct words *words) must_check;

/* Whether the word of that number is this one. */
bool words_is(const struct words *words, int n, const char *word);
/* The word of that number, or "". */
const char *words_at(const struct words *words, int n);

#endif
