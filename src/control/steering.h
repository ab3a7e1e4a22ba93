/*
 * What an operator says to the daemon while it runs, beside the configuration: it holds
 * until it is taken back, or the daemon ends, whatever editions come and go; and it is
 * known who said it, and when.
 *
 * Drained is the whole daemon, or what has a name: it takes no new connections and
 * keeps those it has.  Its sockets stay open: who comes is accepted and reset, so
 * that nobody waits in a queue, and it serves again as soon as it is told to
 * (worker/accept.h).  What is drained is said in the ledger's account of that name, or in the
 * engine, and outlives the edition there.  As a whole the daemon is not ready at once and
 * takes no more after [global] drain_announce.
 *
 * What is said of a server is kept with it (rulings.h), and its pools are told.
 */
#ifndef CONTROL_STEERING_H
#define CONTROL_STEERING_H

#include "control/mark.h"
#include "control/rulings.h"
#include "session/edition.h"

#include "ops/log.h"

struct engine;
struct event;
struct events;

/* A proxy or service that is drained. */
struct steering_drain {
	struct steering_drain *next;
	struct account *account; /* called as the section is titled, "[proxy web]" */
	char *name;              /* "web"; allocated */
	struct mark said;
};

/* Pools are to be told of what is said of a server.  0 or -ENOMEM. */
typedef int steering_restate(void *owner, const struct server *server);

struct steering_place {
	struct events *events;
	struct engine *engine;
	const struct edition *edition; /* the current one */
	void (*changed)(void *owner);  /* the daemon is drained, or not any more; or a server is */
	/* What holds for that server is another: its pools' rosters.  0 or -ENOMEM, logged. */
	steering_restate *ruled;
	void *owner;
};

/* All zeroes: nobody can say anything, and nothing has been said. */
struct steering {
	struct steering_place place;
	enum log_level level, configured; /* what is logged; what the configuration says */
	struct mark level_said;
	struct mark drained;     /* the whole daemon */
	uint64_t refuses_ms;     /* ... when it takes no more, by clock_now_ms() */
	struct event *announced; /* then */
	struct steering_drain *drains;
	struct rulings rulings;    /* of servers */
	struct event *rulings_due; /* one is over */
};

/* 0, or a negative errno of events_add_timer(). */
int steering_begin(struct steering *steering, const struct steering_place *place) must_check;
void steering_end(struct steering *steering);
/* Another edition has become the current one. */
void steering_adopted(struct steering *steering, const struct edition *edition);

/* Log so much from now on, and until a configuration comes that says otherwise than now. */
void steering_log_level(struct steering *steering, enum log_level level, const char *by);
/* "error", "warning" ...: as [log] level says it, ending with NULL. */
const char *const *steering_levels(void);

/*
 * Drain the sections of that name, or the whole daemon (NULL).  What is drained already
 * remains as it was said first.  0, -ENOENT: there is none of that name, or -ENOMEM.
 */
int steering_drain(struct steering *steering, const char *name, const char *by) must_check;
/*
 * Take that back; of the whole daemon, what was said of sections stays said.  0, also where
 * nothing was drained; -ENOENT as above, where nothing of that name is drained either.
 */
int steering_undrain(struct steering *steering, const char *name, const char *by) must_check;
/*
 * Say something of a server.  0, or -ENOMEM, logged: then
 * it is not so for every worker yet, and it can be said again.
 */
int steering_rule(struct steering *steering, struct server *server,
		  const struct rulings_change *change, const char *by) must_check;
/* Whether the whole daemon is; and whether it has been announced for long enough. */
bool steering_is_drained(const struct steering *steering);
bool steering_refuses(const struct steering *steering);

#endif
