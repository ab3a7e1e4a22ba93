/*
 * What the sessions of one worker have in common: their slots, what they know of servers
 * and wait for, and where the records go that they leave behind.
 */
#ifndef SESSION_SESSIONS_H
#define SESSION_SESSIONS_H

#include "base/list.h"
#include "base/slab.h"
#include "loop/loop.h"
#include "ops/access.h"
#include "session/engine.h"
#include "session/reason.h"
#include "session/shortage.h"

struct memo;
struct session;

/* Of one worker: where its connections wait for servers (queued.h). */
struct queues {
	struct list lines; /* those that it has used */
	bool due;          /* one of them is */
	bool is_closed;
	bool rings_again;         /* a bell could not be rung */
	uint32_t ringing;         /* bells of which it is not known yet */
	struct wheel_timer timer; /* for that, and for lines to be looked at again */
};

struct sessions {
	struct loop *loop;
	struct engine *engine;
	struct slab slab;
	struct memo *memos;            /* by slot */
	struct list decided;           /* what becomes of them is decided, and not done yet */
	struct list quiet;             /* in CLOSING with nothing in flight */
	struct list recovering;        /* reaches: their servers answer, and are called failing */
	struct list returning;         /* branches whose connections come back */
	struct list refused;           /* branches with clients whom no record has told of */
	struct refused_crowds *crowds; /* how many those were */
	struct shortages shortages;
	struct queues queues;
	uint64_t next_id;
	struct access_queue *access; /* NULL: no access log */
	uint64_t looks, looks_ms;    /* at the wires of those that end, until then: measure.h */
	_Atomic uint64_t
		reasons[REASON_COUNT]; /* connections ended, by reason; any thread may read */
};

/* Room for engine->sessions_max of them, and for hops.  -ENOMEM. */
int sessions_init(struct sessions *all, struct loop *loop, struct engine *engine) must_check;
void sessions_done(struct sessions *all);

/*
 * An id for a session: no other in the process has it, though nothing is shared.  Every worker
 * counts in steps of as many as there are: small numbers, and the worker is in them.
 */
static inline uint64_t sessions_next_id(struct sessions *all)
{
	uint64_t id = all->next_id;

	all->next_id += all->engine->worker_count;
	return id;
}

/* It is closed: its slot and its place among the connections are free again. */
void sessions_closed(struct sessions *all, struct session *session);

#endif
