/*
 * What the daemon has to say: one line per event on standard error.
 *
 * Between writer_start() and writer_stop() lines go through a bounded queue to
 * the thread that writes logs (ops/writer.h), in the order in which they were
 * said, and nobody waits for their reader: what does not fit is dropped, counted,
 * and told when there is room again.  Before and after, each is written at once
 * by a write(2) of its own of at most 2 KiB, which pipes, sockets and appended
 * files keep in one piece.
 *
 * Where standard error is the journal's own stream (fstat(2) agrees with
 * $JOURNAL_STREAM, see systemd.exec(5)), lines carry a <3>..<7> priority;
 * elsewhere they begin with "error: " or the like, and information is plain.
 * Control characters in a message become '?': nobody forges a second line.
 */
#ifndef OPS_LOG_H
#define OPS_LOG_H

#include "ops/lines.h"

enum log_level {
	LOG_LEVEL_ERROR,   /* what stops the daemon, or a part of it */
	LOG_LEVEL_WARNING, /* work is refused or a wish cannot be met */
	LOG_LEVEL_INFO,    /* start, stop, what was chosen and why */
	LOG_LEVEL_DEBUG,   /* ordinary network ends and the like */
	LOG_LEVEL_COUNT,
};

/* Show this level and what is worse, and find out where standard error leads. */
void log_open(enum log_level level);

/* Lines that did not fit. */
uint64_t log_dropped(void);

/* Another level from now on; from any thread. */
void log_set_level(enum log_level level);

bool log_enabled(enum log_level level);

/*
 * Write a line whatever the level; the macros below ask log_enabled() first.
 * errno is left as it was.
 */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Whoever wants to hear what this thread has to say that is as bad as a warning, shown or
 * not, besides; NULL: nobody any more.  The text is without priority and end of line.
 */
typedef void log_hearer(void *owner, enum log_level level, const char *text);
void log_hear(log_hearer *hearer, void *owner);

/* An error that says what there was no memory for, and what limits it; returns -ENOMEM. */
int log_no_memory(const char *what);

/* The arguments are evaluated only where the level is shown. */
#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write(level, __VA_ARGS__);                                             \
	} while (0)
#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* ---- For the writer -------------------------------------------------------------------------- */

/*
 * Put lines into *ret_queue from now on and call wake(), from any thread, after
 * each; the queue stays the log's and valid until log_directly().  0 or a
 * negative errno.
 */
int log_queue(void (*wake)(void), struct lines **ret_queue) must_check;

/* Lines are written at once again; nobody looks into the queue any more. */
void log_directly(void);

#endif
