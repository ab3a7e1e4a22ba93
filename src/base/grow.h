/*
 * Arrays that grow: room for twice as much at each power of two, so that growing one item at
 * a time costs no more than the items do.
 */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include "base/compiler.h"

#include <stdlib.h>

/* How many there is room for where there are so many. */
static inline size_t grow_room(size_t count)
{
	size_t room = count ? 1 : 0;

	while (room < count)
		room *= 2;
	return room;
}

/*
 * Room for so many more items of that size behind so many: the array, perhaps elsewhere, or
 * NULL without memory, and it stays what it is.  It has grown by this alone, from NULL or
 * from one item; free(3) frees it.
 */
static inline void *grow(void *items, size_t count, size_t more, size_t size)
{
	size_t room = grow_room(count + more);

	return items && room == grow_room(count) ? items : reallocarray(items, room, size);
}

#endif
