/*
 * Where lines are written: standard error, a file (or pipe) by its path, or the journal.
 *
 * Nothing here waits for a reader: a pipe, a socket and a terminal take what
 * they take, and the rest stays in the sink's buffer.  A disk is waited for as
 * any write waits, which is why only the writer's thread calls these functions.
 *
 * Lines stay whole, whatever happens (ops/whole.h): a file gets as many as there
 * are in one write(2), a pipe as many as it keeps in one piece (PIPE_BUF).
 */
#ifndef OPS_SINK_H
#define OPS_SINK_H

#include "base/compiler.h"
#include "ops/lines.h"
#include "ops/whole.h"

enum sink_target { SINK_NONE, SINK_STDERR, SINK_JOURNAL, SINK_FILE };

#define SINK_BUFFER ((size_t)64 * 1024)

struct sink {
	enum sink_target target;
	const char *path;
	int fd;
	bool is_file, is_socket;
	bool may_wait; /* not ours to make non-blocking: poll(2) is asked before each write */
	struct whole lines;
};

/*
 * Open the target.  path is the file (created 0640; no untrusted link is
 * followed, ops/path.h), or for SINK_JOURNAL another socket than journald's own,
 * NULL otherwise; it stays the caller's and valid until sink_close().  0, or a
 * negative errno and a sink of target SINK_NONE.
 */
int sink_open(struct sink *sink, enum sink_target target, const char *path) must_check;
void sink_close(struct sink *sink);

/* Open the target anew: the file has been renamed.  Upon failure the old one stays in use. */
int sink_reopen(struct sink *sink) must_check;

/* One line from the queue into the buffer; false when there is none or no room before a flush. */
bool sink_take(struct sink *sink, struct lines *queue);

bool sink_is_empty(const struct sink *sink);

/* Lines in the buffer that are not out, or not all of them. */
uint64_t sink_pending(const struct sink *sink);

/*
 * Write what is in the buffer: 0 when all of it is out, -EAGAIN when the target
 * takes no more now (poll(2) sink->fd for POLLOUT), or why it cannot be written,
 * -ENOSPC for one.  What is not out stays, but for -EMSGSIZE: a journal entry
 * that never will be.
 */
int sink_flush(struct sink *sink);

/* What would help against a positive errno of opening or writing; "" where we do not know. */
const char *sink_remedy(enum sink_target target, int error);

#endif
