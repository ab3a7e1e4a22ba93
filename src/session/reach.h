/*
 * What one worker knows of reaching one server: what the first exchange with it is like, who
 * waits until it can be connected to, and whether it may lead back here.  It lives as long as
 * the server does, whichever sections and editions lead to that.  Whether it lets itself be
 * connected to is known to all workers: pool/server.h.
 */
#ifndef SESSION_REACH_H
#define SESSION_REACH_H

#include "base/list.h"
#include "session/handshake.h"
#include "session/shortage.h"

struct branch;
struct server;
struct servers_reaches;
struct sessions;

struct reach {
	struct server *server;
	_Atomic uint64_t *cell; /* what the worker counts under the server's name */
	struct handshake handshake;
	struct list link; /* in sessions.recovering: it has answered, and is still called failing */
	struct shortage_line ports, backlog;
	bool is_here;     /* its address is one of this machine's ... */
	uint64_t look_ms; /* ... which is to be looked at again then */
	_Alignas(64) char end[];
};

/* What servers are to have of so many workers. */
struct servers_reaches reach_of_servers(uint32_t workers);

void reach_init(struct reach *reach, struct server *server);
/* The worker's way to that server, whose account is known. */
struct reach *reach_to(struct server *server, uint32_t worker);

/* An attempt at the server failed (negative errno), by no fault of this machine. */
void reach_failed(struct sessions *all, struct reach *reach, int error);

/* One has succeeded: if it was ejected, it is not any more. */
void reach_took(struct sessions *all, struct reach *reach);

/* A connection has come back to that section. */
void reach_returned(struct sessions *all, struct branch *branch);

/* It is connected to, and was failing. */
void reach_answered(struct sessions *all, struct reach *reach);

/* For the worker's timer: say what is over. */
void reach_settle(struct sessions *all);

/* Nothing is under its edition any more: what is not over is not told. */
void reach_forget_returned(struct branch *branch);
/*
 * Servers may go: none is watched any more.  Those that stay are again, as soon as one is
 * connected to.
 */
void reach_forget_recovering(struct sessions *all);

#endif
