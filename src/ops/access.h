/*
 * The access log: a line for each finished connection, where the operator
 * wants it -- standard error, a file, or the journal with fields of its own.
 *
 * Every worker has a writer of its own, with its own descriptor and buffer, so
 * nothing is shared and nothing locked.  Lines gather in the buffer and leave
 * once per turn by access_flush(): a file gets them in one write(2), a pipe or
 * a socket in as many whole lines at a time as it keeps in one piece.  Nothing
 * waits for a reader: what cannot be taken stays buffered and is offered again by
 * each flush while access.used says so, and lines that find the buffer full are
 * dropped and counted.  (A file's write waits for its disk as any write does.)
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

#include "base/compiler.h"

enum access_target { ACCESS_OFF, ACCESS_STDERR, ACCESS_JOURNAL, ACCESS_FILE };
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

struct access {
	enum access_target target;
	enum access_format format;
	const char *path;
	int fd;
	bool is_file, is_socket;
	char *buffer; /* whole lines */
	size_t used;
	uint64_t lines;   /* given to access_write() */
	uint64_t dropped; /* of them: lost because the target did not take them in time */
	int error;        /* errno of the last failure, 0 after a success */
};

/*
 * Open the target.  path is the file (created 0640), or for ACCESS_JOURNAL
 * another socket than journald's own, NULL otherwise; it stays the caller's
 * and valid until access_close().  0, or a negative errno and a writer that is off.
 */
int access_open(struct access *access, enum access_target target, enum access_format format,
		const char *path) must_check;

/* Open the target anew: the file has been renamed.  Upon failure the old one stays in use. */
int access_reopen(struct access *access) must_check;

/* Add a line; to the journal it goes at once.  Nothing happens while the target is ACCESS_OFF. */
void access_write(struct access *access, const struct access_record *record);

/* Send what has gathered. */
void access_flush_lines(struct access *access);
static inline void access_flush(struct access *access)
{
	if (access->used)
		access_flush_lines(access);
}

/* Flush once more and close; what is not taken now is dropped.  Harmless on a writer that is off.
 */
void access_close(struct access *access);

#endif
