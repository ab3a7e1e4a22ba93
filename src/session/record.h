/*
 * What a session leaves behind: one line in the access log (or, at level debug,
 * in the log) and one count, both saying why it ended.
 *
 * bytes_up came from the client, bytes_down went to it; of a proxy only what has
 * reached the other side counts, a service is the other side itself.
 */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include "base/compiler.h"

#include "session/reason.h"

struct section;
struct session;
struct sessions;

void record_write(struct session *session);
/* It goes on: its line so far, and nothing is counted. */
void record_open(struct session *session);
/* Of a client that was accepted and waited for room in vain; its descriptor is still open. */
struct record_waited {
	const struct section *section;
	const char *listener; /* that it came through, as text */
	int client_fd;
	uint64_t since_ms;
};
void record_waited(struct sessions *all, const struct record_waited *client, enum reason reason);
/* Of clients that were refused for the same; nothing is counted. */
struct record_refused {
	const struct section *section;
	uint64_t count, since_ms;
	const char *reason, *reason_text;
	uint64_t addresses; /* that they came from; 0: nobody has counted */
};
void record_refused(struct sessions *all, const struct record_refused *clients);

#endif
