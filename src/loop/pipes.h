/*
 * Pipes for splicing, a worker's own.  Made when a lane first needs one more
 * than there are, kept for the next, at most `most` of them: a lane without
 * one copies.  A lane holds a pipe only while bytes are in it.
 *
 * That is for ever where its sink does not read.  The last eighth is therefore for
 * lanes that put into it only what their sink is certain to take at once, and give
 * it back in the same turn: so however many sinks stall, the others are spliced.
 */
#ifndef LOOP_PIPES_H
#define LOOP_PIPES_H

#include "base/compiler.h"

#define PIPES_MAX  128 /* of a worker, however many descriptors there are */
#define PIPES_NONE 0xffff

struct pipe_pair {
	int read_fd, write_fd; /* -1: not made */
	uint32_t size;         /* bytes */
	uint16_t next;         /* in the list of free ones */
	bool used;             /* since pipes_trim() */
};

struct pipes {
	struct pipe_pair pairs[PIPES_MAX];
	uint16_t free; /* empty ones, the last used first */
	uint16_t most;
	uint16_t reserve; /* of these are only lent for a moment */
	uint16_t taken;   /* by lanes, now */
	uint16_t open;    /* there are so many now */
	uint16_t made;    /* so many have been made at some time */
};

void pipes_init(struct pipes *pipes, uint32_t most);
void pipes_close(struct pipes *pipes);

/* How a lane means to use a pipe: until its sink has taken all, or for this moment only. */
enum pipes_use { PIPES_HOLD, PIPES_BORROW };

/*
 * An empty pipe of size bytes or what the system grants; PIPES_NONE when there is
 * none to have, or one so small that copying is cheaper.
 */
uint16_t pipes_take(struct pipes *pipes, uint32_t size, enum pipes_use use);
/* Whether there are any; and close those that were free all the time since the last call. */
static inline bool pipes_any(const struct pipes *pipes)
{
	return pipes->open > 0;
}
void pipes_trim(struct pipes *pipes);

/* Give it back: empty, or with bytes in it that nobody wants. */
void pipes_give(struct pipes *pipes, uint16_t index, bool empty);

#endif
