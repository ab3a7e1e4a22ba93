/*
 * Asking the daemon that runs, for the subcommands: one request over its control socket.
 *
 * HTTP/1.0, so that an answer ends where the connection does, a stream's too.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "base/compiler.h"

#define CLIENT_SOCKET "/run/uringproxy/control.sock"

/* The exit statuses of the subcommands. */
enum {
	CLIENT_DONE = 0,
	CLIENT_REFUSED = 1,
	CLIENT_NO_DAEMON = 3,
	CLIENT_NOT_FOUND = 4,
};

struct client_answer {
	unsigned status;
	char *body; /* ends with a 0 that does not count; to be freed */
	size_t size;
};

/* A line of a body, without its end; false: enough. */
typedef bool client_line(void *owner, const char *line);

/*
 * Ask for a target such as "/v1/status?x=1", which is encoded already; body may be
 * NULL.  0, or a negative errno: -EBADMSG for an answer that is none.
 */
int client_ask(const char *socket, const char *method, const char *target, const char *body,
	       struct client_answer *ret_answer) must_check;
/* The same, line by line as they come; *ret_answer is the status, or an error with its body. */
int client_follow(const char *socket, const char *target, client_line *line, void *owner,
		  struct client_answer *ret_answer) must_check;

/* Say on standard error why a socket could not be asked; returns CLIENT_NO_DAEMON. */
int client_cannot(const char *socket, int error);

#endif
