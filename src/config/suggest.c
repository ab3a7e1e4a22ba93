#include "config/suggest.h"

#include <ctype.h>
#include <string.h>

/* A word without what may be written either way; cut, as none that there is is that long. */
static void normalize(const char *word, char plain[SUGGEST_WORD_MAX])
{
	size_t used = 0;

	for (; *word && used < SUGGEST_WORD_MAX - 1; word++)
		if (*word != '-' && *word != '_')
			plain[used++] = (char)tolower((unsigned char)*word);
	plain[used] = 0;
}

/* The next of its bytes that counts, in lower case; 0 at the end. */
static int next_of(const char **word)
{
	*word += strspn(*word, "-_");
	return **word ? tolower((unsigned char)*(*word)++) : 0;
}

bool suggest_is_same(const char *a, const char *b)
{
	int one, other;

	do {
		one = next_of(&a);
		other = next_of(&b);
	} while (one && one == other);
	return one == other;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many letters have to be added, removed, replaced or swapped with their
 * neighbour to make one word of the other (optimal string alignment).
 */
static unsigned distance_of(const char *a, const char *b)
{
	unsigned rows[3][SUGGEST_WORD_MAX];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t width = strlen(b);

	for (unsigned j = 0; j <= width; j++)
		above[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				       above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[width];
}

/* The most letters that a slip of the hand gets wrong in a word of that length. */
static unsigned slip(const char *word)
{
	return strlen(word) < 4 ? 1 : strlen(word) < 8 ? 2 : 3;
}

void suggest_begin(struct suggest *suggest, const char *word)
{
	*suggest = (struct suggest){0};
	normalize(word, suggest->wanted);
	suggest->distance = slip(suggest->wanted) + 1;
}

void suggest_offer(struct suggest *suggest, const char *word)
{
	char candidate[SUGGEST_WORD_MAX] = "";
	unsigned distance;

	normalize(word, candidate);
	distance = distance_of(suggest->wanted, candidate);
	if (distance >= suggest->distance)
		return;
	suggest->best = word;
	suggest->distance = distance;
}
