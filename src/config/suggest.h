/*
 * What may have been meant by a word that is none: of those there are, the one that is a
 * slip of the hand away.
 */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include "base/compiler.h"

#define SUGGEST_WORD_MAX 64 /* of a word so much is compared, with its NUL */

struct suggest {
	char wanted[SUGGEST_WORD_MAX];
	const char *best; /* of those offered; NULL: none is near */
	unsigned distance;
};

void suggest_begin(struct suggest *suggest, const char *word);
/* One that there is; of several that are as near the first stays. */
void suggest_offer(struct suggest *suggest, const char *word);

/* Whether they are the same, written in any case and with any '-' and '_'. */
bool suggest_is_same(const char *a, const char *b);

#endif
