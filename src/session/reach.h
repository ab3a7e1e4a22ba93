/*
 * What one worker knows of reaching one server: what the first exchange with it is like, who
 * waits until it can be connected to, and whether it may lead back here.  Whether it lets
 * itself be connected to is known to all workers: pool/server.h.
 */
#ifndef SESSION_REACH_H
#define SESSION_REACH_H

#include "base/list.h"
#include "base/spell.h"
#include "session/handshake.h"
#include "session/shortage.h"

struct branch;
struct sessions;

struct reach {
	struct branch *branch;  /* whose array of them this is in */
	struct server *server;  /* its member's; NULL: its worker has not used it yet ... */
	_Atomic uint64_t *cell; /* ... and what the worker counts under the server's name */
	struct handshake handshake;
	struct list link; /* in sessions.recovering: it has answered, and is still called failing */
	struct shortage_line ports, backlog;
	struct spell returning;     /* connections to it that came back: hop.h */
	struct list returning_link; /* in sessions.returning meanwhile */
	bool is_here;               /* its address is one of this machine's ... */
	uint64_t look_ms;           /* ... which is to be looked at again then */
};

void reach_init(struct reach *reach, struct branch *branch);
/* Its member is known: .server and .cell, for that worker. */
void reach_meet(struct reach *reach, uint32_t worker);

/* An attempt at the server failed (negative errno), by no fault of this machine. */
void reach_failed(struct sessions *all, struct reach *reach, int error);

/* A connection has come back to its section, whose first server this is. */
void reach_returned(struct sessions *all, struct reach *reach);

/* It is connected to, and was failing. */
void reach_answered(struct sessions *all, struct reach *reach);

/* For the worker's timer: say what is over. */
void reach_settle(struct sessions *all);

/* Nothing is under its edition any more: what is not over is not told. */
void reach_forget(struct reach *reach);

#endif
