/*
 * The one thread that writes logs, so that nobody else waits for whoever reads
 * them: not for a pipe that is full, a journald that is frozen, a disk that hangs.
 *
 *   main, workers --> queue of the log -------------> outlet --> standard error
 *   worker 0 ------> queue --+
 *   worker 1 ------> queue --+----------------------> outlet --> the access log
 *
 * Producers put lines into bounded queues (ops/lines.h) and wake the thread,
 * where it sleeps, by an eventfd(2).  Lines of the log are written at once;
 * those of the access log too while they are few, and otherwise what has
 * gathered in WRITER_NAP_MS, so that a busy worker wakes nobody.
 *
 * What does not fit is dropped and counted, what cannot be written waits, and both are
 * told (ops/outlet.h): the first failure of an outlet on the other one.
 *
 * Files are opened anew by this thread as well, since that waits for the disk too.
 */
#ifndef OPS_WRITER_H
#define OPS_WRITER_H

#include "ops/sink.h"

#define WRITER_NAP_MS  10
#define WRITER_WAKE_AT (64u * 1024) /* bytes in a queue that are worth waking it from a nap */

/* What access.c hands over: the sink is open, and SINK_NONE where lines go to standard error. */
struct writer_access {
	struct sink sink;
	struct lines **queues; /* the last one is the writer's own, for what it has to say there */
	unsigned count;
	const char *place; /* "/etc/uringproxy.conf:9: [log] access" */
	const char *name;  /* "/var/log/uringproxy/access.log", "the journal" */
	/* Put something about the logs themselves into the queue, as a line of the access log. */
	void (*note)(struct lines *queue, const char *text);
};

/*
 * Start the thread, all its signals blocked: what is logged (ops/log.h) goes
 * through it to standard error from now on.  0, or a negative errno, and lines
 * are written directly as before.
 */
int writer_start(void) must_check;

/*
 * What is said last is written, for at most so long, and the thread ends: before
 * the process does.  One that does not get to run has it written by the caller,
 * and one that hangs goes on.  Harmless without.
 */
void writer_stop(unsigned patience_ms);

/* Before an abort(): wait until all that was logged is written, at most so long. */
void writer_flush(unsigned patience_ms);

/* There are lines in a queue of the access log; `used` of them is its lines_used(). */
void writer_wake_access(uint32_t used);

/* The access log, which stays the caller's and is touched by the thread only until it is detached.
 */
void writer_attach(struct writer_access *access);
/*
 * Open its file anew, soon.  That is done, or has failed, when writer_reopened() is no
 * less than what this returns, and the bell, an eventfd(2) or -1, is rung then.  It
 * may be rung later, too, so it stays open.
 */
uint64_t writer_reopen(int bell);
/* How many are done; *ret_result is 0, or the negative errno of the last. */
uint64_t writer_reopened(int *ret_result);
/*
 * Write what is left for at most so long, and close.  Lines that could not be
 * written are in *ret_lost.  False when the thread hangs in a write: then the
 * access log is never to be touched again.
 */
bool writer_detach(unsigned patience_ms, uint64_t *ret_lost);

#endif
