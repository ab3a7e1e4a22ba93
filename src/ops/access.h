/*
 * The access log: a line for each finished connection, where the operator
 * wants it -- standard error, a file, or the journal with fields of its own.
 *
 * Every worker has a queue of its own, so nothing is shared and nothing locked:
 * lines are put there, and once per turn access_flush() tells the thread that
 * writes logs (ops/writer.h), which waits for readers and disks.  No worker
 * does: lines that find the queue full are dropped and counted.
 *
 *   session 42 [proxy web] client 192.0.2.7:51034 listener 0.0.0.0:80 upstream
 *     10.0.0.5:80: idle timeout (idle_timeout = 1h, [proxy web] line 14), client
 *     side while relaying (311 up, 9120 down, 3600127 ms)      -- in one line
 *   {"time":"2026-11-22T18:29:27.123Z","id":42,"section":"[proxy web]", ...}
 *
 * In a file the text has the time in front.  The journal has the text as
 * MESSAGE, and URINGPROXY_CLIENT and so on: JSON's names in capitals.
 */
#ifndef OPS_ACCESS_H
#define OPS_ACCESS_H

#include "ops/lines.h"
#include "ops/sink.h"

enum access_format { ACCESS_TEXT, ACCESS_JSON };

/* A finished connection.  Strings are only read, and NULL where there is nothing to say. */
struct access_record {
	uint64_t id;
	const char *section; /* the configuration's title: "[proxy web]" */
	const char *client;  /* addresses as text */
	const char *listener;
	const char *upstream;
	const char *reason; /* why it ended, in words: "idle timeout" */
	const char *key;    /* what governs that: "idle_timeout = 1h, [proxy web] line 14" */
	const char *side;   /* whose doing it was: "client", "upstream" */
	const char *phase;  /* when: "connecting", "relaying" */
	int error;          /* a positive errno, 0 for none */
	uint64_t bytes_up, bytes_down;
	uint64_t duration_ms;
};

/* What one worker puts its lines into. */
struct access_queue {
	struct lines lines;
	bool fresh; /* there is something that the thread has not been told of */
};

/*
 * Open the access log, for so many workers; writer_start() was before.  path is the
 * file (created 0640), or for SINK_JOURNAL another socket than journald's own,
 * NULL otherwise; place is what its messages begin with, "/etc/uringproxy.conf:9:
 * [log] access".  Both stay the caller's and valid until access_close(), and the
 * target is not SINK_NONE.  0 or a negative errno.  There is one at a time.
 */
int access_open(enum sink_target target, enum access_format format, const char *path,
		const char *place, unsigned workers) must_check;

/* Whether access_open() would succeed, without opening or making anything: 0, or why not. */
int access_check(enum sink_target target, const char *path) must_check;

/* The queue of a worker; NULL while there is no access log. */
struct access_queue *access_queue(unsigned worker);

/* Add a line.  Nothing happens without a queue. */
void access_write(struct access_queue *queue, const struct access_record *record);

/* Have written what was added. */
void access_flush_lines(struct access_queue *queue);
static inline void access_flush(struct access_queue *queue)
{
	if (queue && queue->fresh)
		access_flush_lines(queue);
}

/*
 * Open the file anew, soon: it has been renamed.  Upon failure the old one stays in use.
 * Returns what writer_reopened() (ops/writer.h) comes to when it is done, and the bell is as
 * there; 0: there is no access log.
 */
uint64_t access_reopen(int bell);

/* Write what there is, for at most so long, and close; the workers have ended.  Harmless without.
 */
void access_close(unsigned patience_ms);

/* Lines lost so far: those that found their queue full, and what access_close() left behind. */
uint64_t access_dropped(void);

#endif
