/*
 * Being asked over HTTP, where nobody who asks can make the main thread wait.
 *
 *   clients <--> a thread of its own: libmicrohttpd -- requests --> eventfd, the handler
 *                                                   <-- http_answer() ---- on the main thread
 *
 * The thread reads and checks a request, refuses by itself what is no question for us
 * (http_rules.h, bodies that are too long), and puts the connection to sleep while
 * the main thread has the request.  The handler may answer at once, or keep the request
 * and answer later; who has not answered within HTTP_PATIENCE_MS has the thread
 * answer 503, and what it says afterwards is dropped.
 *
 * A request may also be turned into a stream: text that the main thread pushes as
 * it comes (server-sent events).  A comment each second finds out who is gone.
 *
 * Everything here is called on the main thread, and nothing of it blocks but
 * http_close(), for HTTP_FAREWELL_MS at most.
 */
#ifndef CONTROL_HTTP_H
#define CONTROL_HTTP_H

#include "base/compiler.h"

#include "ops/events.h"

#include <sys/types.h>

#define HTTP_BODY_MAX        (64u << 10) /* of a request; more is answered 413 */
#define HTTP_STREAM_MAX      (64u << 10) /* bytes that a stream holds for a slow reader */
#define HTTP_ARGUMENTS_MAX   32
#define HTTP_CONNECTIONS_MAX 128 /* of one listening socket */
#define HTTP_PATIENCE_MS     5000
#define HTTP_FAREWELL_MS     500

struct http;

/* Who asks, as far as the kernel says: of a unix socket. */
struct http_peer {
	bool known;
	uid_t uid;
	pid_t pid;
	char comm[16]; /* what the process is called, printable; empty: not known */
};

struct http_argument {
	const char *name, *value; /* decoded; the value is "" where there is none */
};

/* The handler's until it is answered. */
struct http_request {
	const char *method; /* "GET" */
	const char *path;   /* decoded, without the query */
	const char *accept; /* the header; "": there is none */
	const char *body;   /* ends with a 0 that does not count */
	size_t body_size;
	const struct http_argument *arguments; /* of the query, in its order */
	size_t argument_count;
	struct http_peer peer;
};

typedef void http_handler(void *owner, struct http_request *request);

struct http_listener {
	int fd;           /* listening, non-blocking; remains the caller's */
	const char *text; /* as it was asked for, also what Host may say; until http_close() */
	bool read_only;   /* anything but GET and HEAD is refused */
};

/*
 * Serve these sockets until http_close(), in a thread of that name (at most 15 bytes).
 * 0, or a negative errno and nothing is held: -ENOMEM, -EMFILE, -EAGAIN (no more
 * threads), -EIO: the library says no and the log why.
 */
int http_open(struct http **ret_http, const char *name, const struct http_listener *listeners,
	      size_t listener_count, struct events *events, http_handler *handler,
	      void *owner) must_check;

/*
 * Take no more requests, answer 503 to those that are not answered and end the streams.
 * Who still has a request may answer it afterwards, to no effect; of a stream its
 * handler is told as if the client had gone.  NULL is fine.
 */
void http_close(struct http *http);

/* What the query says of that name, the first time; NULL: nothing. */
const char *http_argument(const struct http_request *request, const char *name);

/* A header of the answer, before it; both are copied.  Without memory it is left out. */
void http_header(struct http_request *request, const char *name, const char *value);

/*
 * Answer, once; the request is gone then.  The body is copied.  Where there is no memory
 * for that, it is answered 503.
 */
void http_answer(struct http_request *request, unsigned status, const char *content_type,
		 const void *body, size_t size);
/* The same with a body that was allocated, which is freed. */
void http_give(struct http_request *request, unsigned status, const char *content_type, char *body,
	       size_t size);
/*
 * {"error": {"code": "no_such_server", "message": ..., "hint": ...}}; hint may be NULL.
 * What is not printable ASCII in the texts becomes "?".
 */
void http_error(struct http_request *request, unsigned status, const char *code,
		const char *message, const char *hint);

/* Take so much longer than HTTP_PATIENCE_MS, from now on. */
void http_extend(struct http_request *request, unsigned milliseconds);

/* ---- Streams --------------------------------------------------------------------------------- */

/*
 * Answer 200 and text that is pushed from now on.  When the client is gone, or the server
 * closes, gone is told, once, on the main thread, and the request is no more; it is not
 * told inside of the functions below.  0; -ENOMEM, and the request is as before.
 */
int http_stream(struct http_request *request, const char *content_type, events_handler *gone,
		void *owner) must_check;
/*
 * All of text or nothing: 0; -ENOBUFS where a slow reader leaves no room, which is counted,
 * and said in the stream when there is room again ("event: lost", "data: COUNT").
 */
int http_push(struct http_request *request, const char *text, size_t size);
/* What could not be pushed so far. */
uint64_t http_lost(const struct http_request *request);
/* The last is said; gone is not told any more. */
void http_stream_end(struct http_request *request);

#endif
