#include "pool/tried.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_room(struct tried *tried, uint32_t words)
{
	uint64_t *more;

	if (words <= tried->words)
		return true;
	more = reallocarray(tried->more, words, sizeof(*more));
	if (!more)
		return false;
	memset(more + tried->words, 0, (words - tried->words) * sizeof(*more));
	tried->more = more;
	tried->words = words;
	return true;
}

int tried_add(struct tried *tried, uint32_t number)
{
	if (tried_has(tried, number))
		return 0;
	if (number < 64) {
		tried->first |= UINT64_C(1) << number;
	} else {
		uint32_t place = number - 64;

		if (!has_room(tried, place / 64 + 1))
			return -ENOMEM;
		tried->more[place / 64] |= UINT64_C(1) << place % 64;
	}
	tried->count++;
	return 0;
}

void tried_done(struct tried *tried)
{
	free(tried->more);
	*tried = (struct tried){0};
}
