/*
 * What a session's record will say and the session itself has no use of: the servers it has
 * tried in vain, and what the kernel knew of the way to each side when its sockets were
 * closed.  Kept beside the sessions, by slot, and touched only where records are written.
 */
#ifndef SESSION_MEMO_H
#define SESSION_MEMO_H

#include "lane/road.h"
#include "loop/wire.h"

#include <netinet/in.h>
#include <sys/types.h>

struct reach;
struct session;
struct sessions;

#define MEMO_TRIED_MAX 8

struct memo {
	uint64_t of; /* the session's id, and one: records may be wanted only now and then */
	struct wire wires[SIDE_COUNT];
	bool has_wire[SIDE_COUNT];
	bool is_local; /* the client is a process of this machine: */
	uid_t uid;
	pid_t pid;
	uint32_t failed;      /* attempts, in all */
	uint32_t tried_count; /* of the first few */
	struct memo_tried {
		const struct reach *reach;
		int error; /* negative errno */
		uint32_t ms;
	} tried[MEMO_TRIED_MAX];
};

/* Whether records are written, so that what they say must be known. */
bool memo_wanted(const struct sessions *all);

/* The session begins, and records are written: its client is asked for. */
void memo_begin(struct session *session);
/* The same of a client that is none of a session, and *ret_client is who it is. */
void memo_look(struct memo *memo, int client_fd, struct sockaddr_in6 *ret_client);
/* The attempt at its server has failed (negative errno). */
void memo_tried(struct session *session, int error);

/* A side's socket is still open: what the kernel says of the way there; and of both. */
void memo_wire(struct session *session, unsigned side, const struct wire *wire);
void memo_look_at_wires(struct session *session);

/* The session's; an empty one where records were not written when it began. */
const struct memo *memo_of(const struct session *session);

#endif
