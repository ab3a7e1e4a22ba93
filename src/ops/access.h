/*
 * The access log: a line for each finished connection, and now and then for those that
 * are still open, and for how many clients were refused, where the operator
 * wants it -- standard error, a file, or the journal with fields of its own.
 *
 * Every worker has a queue of its own, so nothing is shared and nothing locked:
 * lines are put there, and once per turn access_flush() tells the thread that
 * writes logs (ops/writer.h), which waits for readers and disks.  No worker
 * does: lines that find the queue full are dropped and counted.
 *
 *   session 42 [proxy web] client 192.0.2.7:51034 listener 0.0.0.0:80 upstream
 *     10.0.0.5:80: idle timeout (idle_timeout = 1h, [proxy web] line 14), client
 *     side while relaying, worker 0, edition 1, connected in 0.231 ms, first byte
 *     after 1.204 ms (311 up, 9120 down, 3600127 ms)               -- in one line
 *   {"time":"2026-11-22T18:29:27.123Z","id":42,"worker":0,"edition":1, ...}
 *
 * or as HAProxy's tcplog has it, where who was refused has no line.  In a file the text has the
 * time in front.  The journal has the text as MESSAGE, and URINGPROXY_CLIENT and so on: JSON's
 * names in capitals.
 */
#ifndef OPS_ACCESS_H
#define OPS_ACCESS_H

#include "ops/lines.h"
#include "ops/sink.h"

/* What a record is of. */
enum access_event {
	ACCESS_ENDED,
	ACCESS_OPEN,
	ACCESS_REFUSED, /* of all clients that a section refused for one reason, for some time */
};

enum access_format { ACCESS_TEXT, ACCESS_JSON, ACCESS_HAPROXY };

/* The way to one side, as the kernel had it at the end. */
struct access_wire {
	bool known;
	uint64_t rtt_us, rtt_min_us;
	uint64_t retransmits, lost; /* segments: sent again, in all; missing at the end */
	uint64_t delivery_rate;     /* bytes a second, as of late */
};

/* A server that was tried in vain. */
struct access_tried {
	const char *server;
	int error; /* a positive errno */
	uint64_t ms;
};
#define ACCESS_TRIED_MAX 8

/*
 * A connection, finished or still open; or clients that were refused, of which there are only the
 * section, how many they are, why, and in duration_ms how long ago the first of them was.  Strings
 * are only read, and NULL where there is nothing to say.
 */
struct access_record {
	enum access_event event;
	uint64_t id;
	uint64_t worker, edition;
	const char *title;  /* the section, as the configuration has it: "[proxy web]" */
	const char *proxy;  /* ... its name: "web" */
	const char *kind;   /* ... and what it is: "proxy", "echo" */
	uint64_t refused;   /* clients */
	bool has_addresses; /* ... from about so many: */
	uint64_t addresses;
	const char *listener; /* addresses as text */
	const char *client;
	const char *client_real; /* who connected, where he says that the client is another */
	bool is_local;           /* the client is a process of this machine: */
	uint64_t uid, pid;
	const char *sni, *alpn; /* what it asked for in TLS; no byte of these is but a letter */
	const char *pool;       /* that has the servers */
	const char *server, *server_address;
	const struct access_tried *tried;
	uint64_t tried_count;
	bool is_queued; /* it has waited for a place at a server, in all: */
	uint64_t queue_ms;
	bool is_connected, is_answered; /* by the server, after so long: */
	uint64_t connect_us, first_byte_us;
	uint64_t duration_ms;
	uint64_t bytes_up, bytes_down;
	const char *reason;      /* why it ended: "idle-timeout" */
	const char *reason_text; /* "idle timeout (idle_timeout = 1h, [proxy web] line 14)" */
	const char *side;        /* whose doing it was: "client", "upstream" */
	const char *phase;       /* when: "connecting", "relaying" */
	int error;               /* a positive errno, 0 for none */
	struct access_wire client_wire, server_wire;
	/* For ACCESS_HAPROXY only: how it says why, and how many there were at the end. */
	char termination[3];
	uint64_t active, active_of_proxy, active_of_server, retries;
	uint64_t queued_before; /* that waited when it came into the queue */
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

/* Whether so much waits to be written that what can wait should. */
bool access_is_behind(const struct access_queue *queue);

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
