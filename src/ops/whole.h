/*
 * Lines that stay whole, whatever a write takes of them.
 *
 * Whole lines are gathered in a buffer and leave it in pieces.  Of a line that was
 * taken in part, the rest comes next, after however long; and the whole line again
 * where it cannot, since the file is another.  A file that was left with half a
 * line, by whomever, is given the newline it lacks before anything else.
 */
#ifndef OPS_WHOLE_H
#define OPS_WHOLE_H

#include "base/compiler.h"

#include <sys/stat.h>

struct whole {
	char *bytes;    /* lines; for the journal, one entry */
	size_t used;    /* of them */
	size_t written; /* taken already: of the first line, once whole_settle() was called */
	bool cut;       /* what is there ends within a line */
};

/* Room for so many bytes.  -ENOMEM. */
int whole_init(struct whole *whole, size_t size) must_check;
void whole_done(struct whole *whole);

/* The rest goes into a new file, or after what somebody left in an old one. */
void whole_begin(struct whole *whole, bool cut);
/* Whether the file that fd writes ends within a line, as far as it is ours to read. */
bool whole_ends_within(int fd, const struct stat *status);

/*
 * What to write next, as many lines as fit into so many bytes, of a line that does not a
 * part: its size, 0 when all is written; and then how much of it was taken.
 */
size_t whole_next(const struct whole *whole, size_t most, const char **ret_bytes);
void whole_taken(struct whole *whole, size_t size);
/* Forget the lines that are out, so that there is room. */
void whole_settle(struct whole *whole);

/* Lines that are not out, or not all of them. */
uint64_t whole_pending(const struct whole *whole);

#endif
