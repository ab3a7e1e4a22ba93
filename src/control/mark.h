/* Who has said something, and when. */
#ifndef CONTROL_MARK_H
#define CONTROL_MARK_H

#include "base/compiler.h"

#include <stdint.h>

#define MARK_BY_MAX 80

struct mark {
	char by[MARK_BY_MAX]; /* "user 0 (process 4242, uringproxy)"; "": it was not said */
	uint64_t at_ms;       /* since 1970 */
};

/* Now. */
struct mark mark_by(const char *by);

static inline bool mark_is_set(const struct mark *mark)
{
	return *mark->by;
}

#endif
