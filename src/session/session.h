/*
 * A session: one client, its upstream, and two lanes of bytes between them.
 *
 *      GREETS           ACCEPTED or SERVED
 *  FREE ------> GREETING ----------------> CONNECTING or RELAYING, as from FREE:
 *
 *         ACCEPTED            CONNECTED
 *  FREE ------------> CONNECTING -------------> RELAYING
 *   ^ |                |      ^                  ^   |
 *   | |  ATTEMPT_FAILED|      |RETRY             |   |
 *   | |                v      |                  |   |
 *   | |               RETRYING                   |   | ENDED (from each)
 *   | |            WAITS |      ^ RETRY, with a    |   |
 *   | |                v      | place             |   |
 *   | |                QUEUED                    |   |
 *   | +-- SERVED (a service: no upstream) -------+   v
 *   +------------ QUIET, or CUT (from each) ------ CLOSING
 *
 * Only run() (session.c) writes .state.  What happens is noted, and stepped by when
 * nothing of the session is being handled any more: at once, or at the end of the turn
 * where a strategy is at work; and an end always then, so that descriptors are closed
 * and operations cancelled in one place.  In GREETING the client says where it comes from
 * or what it wants, before anything is done for it (greeting.h).  In RETRYING the failed upstream
 * socket is being emptied of operations; in CLOSING both are.  A slot is not free until its last
 * operation has completed: close(2) alone does not end a receive that is in the ring, it would
 * later swallow bytes of whoever gets the slot next.
 *
 * Halves that are closed are no states of the session: each lane has its own
 * small machine (lane.h), and ending.h says what a FIN or RST on one side does.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/compiler.h"
#include "base/list.h"
#include "guard/clients.h"
#include "lane/road.h"
#include "pool/tried.h"
#include "session/deadline.h"
#include "session/place.h"
#include "session/reason.h"

#include <netinet/in.h>
#include <sys/types.h>

struct desk;
struct hop;
struct introduced;
struct phase;
struct io_uring_cqe;
struct berth;
struct branch;
struct reach;
struct shortage_line;
struct sessions;

enum session_state {
	SESSION_FREE,
	SESSION_GREETING,
	SESSION_CONNECTING,
	SESSION_RETRYING,
	SESSION_QUEUED,
	SESSION_RELAYING,
	SESSION_CLOSING,
	SESSION_STATE_COUNT
};

enum session_event {
	SESSION_GREETS,
	SESSION_ACCEPTED,
	SESSION_SERVED,
	SESSION_CONNECTED,
	SESSION_ATTEMPT_FAILED,
	SESSION_RETRY,
	SESSION_WAITS,
	SESSION_ENDED,
	SESSION_QUIET,
	SESSION_CUT,
	SESSION_EVENT_COUNT
};

/* Whose doing it was that it ended: of REASON_KILLED. */
struct session_killer {
	uid_t uid; /* (uid_t)-1: not known */
	pid_t pid;
};

/* Why it ended: decided once. */
struct session_end {
	uint8_t reason; /* enum reason; REASON_NONE while it lives */
	uint8_t side;   /* where the cause was */
	uint8_t state;  /* enum session_state it was in */
	int error;      /* negative errno, or 0 */
};

struct session {
	struct road road;
	struct sessions *all;
	struct branch *branch;         /* of its worker, for its section */
	struct desk *desk;             /* where its server is chosen; NULL: it has none, so far */
	struct introduced *introduced; /* what was said before its bytes; NULL: nothing */
	const struct phase *phase;     /* it is in; CLOSING's as soon as it is over */
	const char *listener;          /* that it came through, as text */
	uint8_t state;
	uint8_t asks;                 /* what is asked of it before it is served: greeting.h */
	uint16_t pending;             /* events that are still to be stepped by: a bit for each */
	bool stepping;                /* one of them is */
	bool over;                    /* it has ended: the reason is decided */
	bool resetting[SIDE_COUNT];   /* close with a RST */
	bool watched[SIDE_COUNT];     /* a poll for its reset is in flight */
	bool connect_polling;         /* a poll for the connect's outcome is in flight */
	bool woken;                   /* it tries for all in its line */
	bool failed;                  /* an attempt of this round has */
	bool exhausted;               /* nobody is left to try in this round */
	uint8_t place;                /* enum place: that it has among the connections */
	struct clients_place counted; /* ... and among those of its client, if it has one */
	bool served;                  /* it is counted among the connections of its server */
	bool reserved;                /* it has a place at its server: server_reserve() */
	bool retrying;                /* it is counted among those that go to another server */
	bool in_turn;                 /* what it waited for in the queue has come of it: chosen */
	bool awaits_names;            /* there are names of servers that had no answer */
	uint8_t chosen;               /* enum chosen: what came of choosing last */
	uint8_t queue_kind;           /* enum queue_kind: what it waits for, or last did */
	uint32_t failures;            /* servers that it could not be connected to, in all rounds */
	uint32_t attempts;            /* in this round ... */
	struct tried tried;           /* ... and at which servers */
	int connect_error;            /* of the last attempt that failed */
	int lacks;                    /* negative errno of a shortage met in this round, or 0 */
	uint64_t broken_ms;           /* when the first side broke */
	uint64_t taken_ms; /* when the other was last seen to take of what waits for it ... */
	int64_t taken;     /* ... and how many bytes it had taken then, in all: ending.c */
	struct deadlines deadlines;
	uint64_t started_ms, started_ns; /* the same */
	uint64_t attempt_ns;             /* when the attempt began */
	uint32_t connect_us;             /* how long the one that succeeded took */
	uint32_t first_byte_us;     /* from the start to what the server said first; 0: nothing */
	uint64_t id;                /* in the access log */
	struct list link;           /* in sessions.decided, or .quiet */
	struct hop *hop;            /* its connection to the server, if it is one */
	uint64_t came_by;           /* the key of the hop that its client is, or 0 */
	struct list waiting;        /* in line.sessions: shortage.h */
	struct list queued;         /* in a line of its desk: queued.h */
	bool was_queued;            /* it has waited for a place */
	uint32_t queued_before;     /* ... after so many */
	uint64_t queued_ns;         /* since then */
	uint64_t queue_ms;          /* so long in all, for places */
	struct shortage_line *line; /* where it stands, or last stood */
	struct reach *reach;        /* its way to the server being used; NULL: none so far */
	struct berth *berth;        /* where its connection to that came from; NULL: anywhere */
	struct reach *lacking;      /* to the one that what it lacks was to be used for */
	struct session_end end;
	struct session_killer killer;
	struct sockaddr_in6 client; /* for the access log: AF_INET, AF_INET6 or AF_UNIX (no name) */
};

/* The state an event leads to, or -1 where the event cannot happen. */
int session_next(enum session_state state, enum session_event event);

static inline struct session *session_of(const struct road *road)
{
	return container_of(road, struct session, road);
}

/* A client that has been let in, and what it holds. */
struct let_in {
	int fd;
	enum place place;
	struct clients_place counted; /* among the connections of its client; or nowhere */
};

/* For the worker: a session for that client.  What it holds is the session's from now on. */
void session_open(struct sessions *all, struct branch *branch, const char *listener,
		  const struct let_in *let_in);
void session_complete(struct session *session, struct op_tag tag, const struct io_uring_cqe *done);
/* A silent send of that tag has succeeded, at that time, unless it has said otherwise. */
void session_succeed(struct session *session, struct op_tag tag, uint64_t noted_ms);
/* Its timer fired. */
void session_expired(struct session *session);
/* For the first in loop.starved: lane_feed(). */
void session_feed(struct lane *lane);
/* Nothing is in flight in CLOSING: close, give back, log, release the slot. */
void session_bury(struct session *session);
/*
 * End it for this reason and bury it at once, whatever is in flight: for a worker that
 * leaves its ring (ring_leave()) afterwards, which is when the kernel lets go of the sockets
 * and the peers are told.  Completions that still come are for nobody.
 */
void session_cut(struct session *session, enum reason reason);

/* It has happened. */
void session_step(struct session *session, enum session_event event);
/* Before anything else is done with it: what has happened under a strategy, but for an end. */
void session_catch_up(struct session *session);
/* At the end of a turn's flushes: do what has been decided in it. */
void session_settle(struct sessions *all);

/*
 * End it.  The first call decides the reason, later ones change nothing.  A side
 * gets a FIN if the stream meant for it is whole -- its source said its end, and all
 * of it was sent --, otherwise a RST: a truncated stream never looks complete, whoever
 * cut it short, a time limit and the operator included.
 */
void session_end(struct session *session, enum reason reason, unsigned side, int error);

/* Cancel every operation on a side's descriptor; each still completes. */
void session_cancel_side(struct session *session, unsigned side);

#endif
