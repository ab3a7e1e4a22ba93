/*
 * Where lines of several queues go, and how it fares there.
 *
 * Lines that cannot be written wait in the sink and in their queues; an outlet that
 * fails is tried again, ever later up to once a second.  Its first failure is told
 * somewhere else; when it is over, one line in the log says for how long and how
 * many lines were dropped, and where it failed again within a minute, ever later.
 *
 * The writer's thread alone calls these functions.
 */
#ifndef OPS_OUTLET_H
#define OPS_OUTLET_H

#include "ops/sink.h"

struct outlet {
	struct sink *sink;     /* NULL: they go nowhere */
	struct lines **queues; /* the last one is for what is said of logs themselves */
	unsigned count, first; /* of the queues; the one that is next to be first */
	const char *place;     /* what its messages begin with, "/etc/x.conf:9: access"; or "" */
	const char *name;      /* "the log", "/var/log/uringproxy/access.log" */
	/* Say somewhere else that it cannot be written, and what would help. */
	void (*tell)(const struct outlet *outlet, const char *why, const char *remedy);
	bool came;         /* lines of others than the last queue, since it was cleared */
	bool blocked;      /* until poll(2) says that it takes more */
	uint64_t retry_ms; /* after a failure: not before; 0: any time */
	uint32_t backoff_ms;

	bool troubled; /* lines were dropped, or it cannot be written */
	int error;     /* a negative errno where it is the latter */
	uint64_t since_ms, last_ms, ended_ms;
	uint32_t patience_ms;
	uint64_t dropped, told; /* lines of the queues, in all and as far as has been said */
};

/* Write what there is and what can be; true when there is more and it goes on. */
bool outlet_turn(struct outlet *outlet, uint64_t now_ms);

/* Whether nothing waits to be written. */
bool outlet_is_drained(const struct outlet *outlet);

/* Lines of its queues that were dropped. */
uint64_t outlet_dropped(const struct outlet *outlet);

/* It was in trouble, and that is over: say so. */
void outlet_end(struct outlet *outlet, uint64_t now_ms);

#endif
