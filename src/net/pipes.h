/*
 * Pipes for splicing, a worker's own.  Made when a lane first needs one more
 * than there are, kept for the next, at most `most` of them: a lane without
 * one copies.  A lane holds a pipe only while bytes are in it.
 */
#ifndef NET_PIPES_H
#define NET_PIPES_H

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
	uint16_t open; /* there are so many now */
	uint16_t made; /* so many have been made at some time */
};

void pipes_init(struct pipes *pipes, uint32_t most);
void pipes_close(struct pipes *pipes);

/* An empty pipe of size bytes or what the system grants; PIPES_NONE when there is none to have. */
uint16_t pipes_take(struct pipes *pipes, uint32_t size);
/* Whether there are any; and close those that were free all the time since the last call. */
static inline bool pipes_any(const struct pipes *pipes)
{
	return pipes->open > 0;
}
void pipes_trim(struct pipes *pipes);

/* Give it back: empty, or with bytes in it that nobody wants. */
void pipes_give(struct pipes *pipes, uint16_t index, bool empty);

#endif
