/*
 * A request between the two threads, and who may touch what of it.  Only http*.c include
 * this.
 *
 *   thread:  made, filled in ---> asked ----------------------------> answered, sent
 *   main:                           \--> handler, http_answer() --/
 *
 * What both may touch is under the lock of the server.  Either side lets go of a call
 * once, and whoever is the second frees it: so a client may go while the main thread
 * holds its request, and the server while somebody still means to answer.
 */
#ifndef CONTROL_HTTP_CALL_H
#define CONTROL_HTTP_CALL_H

#include "base/list.h"
#include "control/http.h"

#include <pthread.h>

#define HTTP_HEADERS_MAX 4

struct MHD_Connection;
struct MHD_Daemon;

enum http_state {
	HTTP_READING,  /* the thread's alone */
	HTTP_ASKED,    /* the main thread is to answer */
	HTTP_ANSWERED, /* the answer is there, and nobody changes it */
	HTTP_STREAMS,
	HTTP_OVER, /* the client is gone, or has its answer */
};

struct http_answer {
	unsigned status;
	char *type, *body; /* allocated; the body until the library has it */
	size_t size;
	struct {
		char *name, *value;
	} headers[HTTP_HEADERS_MAX];
	unsigned header_count;
};

struct http_call {
	struct http_request request; /* constant once it is asked */
	struct http *http;           /* NULL: closed, for the main thread's eyes */
	struct list node;            /* the thread's: in waiting or streams */
	struct list held;            /* the main thread's: what it has not answered */
	struct list posted;          /* under the lock: in asked or in answered */

	/* The thread's alone. */
	struct MHD_Connection *connection;
	char *method, *path, *accept, *body;
	size_t body_size;
	bool too_long;
	struct http_argument arguments[HTTP_ARGUMENTS_MAX];
	bool asleep, streaming;
	bool closes; /* the connection ends with the answer */

	/* Under the lock. */
	enum http_state state;
	bool main_has, thread_has;
	uint64_t due_ms; /* HTTP_ASKED: when patience ends */
	struct http_answer answer;
	struct http_stream {
		char *bytes; /* HTTP_STREAM_MAX of them; NULL: it is no stream */
		size_t used;
		uint64_t lost, told; /* events that did not fit, and those of them that were told */
		bool ended;
		events_handler *gone; /* the main thread's */
		void *owner;
	} stream;
};

/* A listening socket, which is a daemon of the library. */
struct http_port {
	struct http *http;
	struct http_listener listener;
	struct MHD_Daemon *daemon;
	int epoll_fd;
	bool local;
	unsigned link_count;
	struct list links; /* its connections, by when they began to wait */
};

struct http {
	char name[16];
	struct events *events;
	struct event *asked_event;
	http_handler *handler;
	void *owner;
	struct list held; /* what the handler has not answered yet */

	int asked_fd, bell_fd; /* eventfds: for the main thread, and for the other */
	pthread_t thread;
	struct http_port *ports;
	struct pollfd *fds; /* the bell and the ports, one behind the other */
	size_t port_count;

	pthread_mutex_t lock;
	struct list asked, answered; /* under the lock, by posted */
	bool closing;

	/* The thread's alone. */
	struct list waiting, streams;
	uint64_t swept_ms;
	bool troubled;
	char host_name[65];
};

/* All zeroes but for what is said; NULL without memory. */
struct http_call *http_call_new(struct http *http, struct MHD_Connection *connection);
void http_call_free(struct http_call *call);

/* Set an error's answer; without memory an empty one with that status. */
void http_call_error(struct http_answer *answer, unsigned status, const char *code,
		     const char *message, const char *hint);
void http_answer_done(struct http_answer *answer);

/* Whether the main thread has said that it is to end. */
bool http_is_closing(struct http *http);
/* To ring one of the bells. */
void http_ring(int fd);

/* The thread: pthread_create(3)'s, of a server. */
void *http_thread(void *argument);
/* Start and stop a port's daemon.  0, or a negative errno. */
int http_port_open(struct http_port *port) must_check;
void http_port_close(struct http_port *port);

#endif
