/*
 * Being asked: the sockets of [control] and [metrics], and what is answered there.
 *
 * Both are served by a thread of their own (http.h), so that who keeps one busy does not
 * shut out who needs the other.  What may be asked is the table in verbs.c.
 */
#ifndef CONTROL_SERVE_H
#define CONTROL_SERVE_H

#include "config/report.h"

#include "ops/activation.h"
#include "ops/events.h"

struct serve;

/* What the supervisor knows of the whole. */
struct serve_status {
	const char *state; /* "serving", "draining by operator", "draining", "stopping" */
	bool ready;        /* it is the first of these */
	const char *mode;  /* why there are so many workers, and what polls; static */
	uint32_t edition;
	uint32_t workers, connections, connections_max;
	uint32_t sockets;                          /* that listen */
	uint32_t names_missing, addresses_missing; /* not resolved; not this machine's */
	const char *mistake; /* of the last reload, which was not done for it; NULL: none */
};

/* An edition that was replaced, and is not over. */
struct serve_edition {
	uint64_t number;
	uint32_t used;        /* connections, and listening sockets, that are under it */
	uint64_t replaced_ms; /* by clock_now_ms() */
};

typedef void serve_status_teller(void *owner, struct serve_status *ret_status);

/*
 * All there is to be seen: 0, or -ENOMEM.  It is good until the handler that asked for it
 * returns, and the next is asked for.
 */
struct metrics_snapshot;
typedef int serve_snapshot_teller(void *owner, const struct metrics_snapshot **ret_snapshot);

struct reload_call;
typedef void serve_reloader(void *owner, struct reload_call *call);

/* The old editions, the oldest first, from 0 on; false: there are no more. */
typedef bool serve_edition_teller(void *owner, size_t index, struct serve_edition *ret_edition);
struct steering;

/* The names of the configuration that is in force. */
struct resolver;
typedef const struct resolver *serve_names_teller(void *owner);

/* A server is added or removed; false: the enrolment says why not. */
struct enrolment;
typedef bool serve_enroller(void *owner, struct enrolment *enrolment);

/* An order goes to a worker, who may have ended. */
struct order;
typedef void serve_sender(void *owner, uint32_t worker, struct order *order);

/* Whom the answers come from, on the main thread. */
struct serve_tellers {
	serve_status_teller *status;
	serve_snapshot_teller *snapshot;
	serve_reloader *reload;
	serve_edition_teller *old_edition;
	serve_names_teller *names;
	void *owner;
	struct steering *steering;
	serve_enroller *enrol;
	serve_sender *send;
	uint32_t workers; /* there are */
};

/*
 * For judge_config(): whether the sockets could be bound, where it is a test, and not a start,
 * which finds that out itself.  Results as there.
 */
int serve_judge(const struct config *config, bool test, struct report *report) must_check;

/*
 * Bind what the configuration names, which remains the caller's, and may go afterwards.  0,
 * and *ret_serve may be asked for already, though it waits; or a negative errno that has been
 * logged.  serve_close() otherwise.
 */
int serve_bind(struct serve **ret_serve, const struct config *config,
	       struct activation *activation) must_check;
/* Whether there is a socket to ask at. */
bool serve_can_be_asked(const struct serve *serve);
/* Answer from now on.  Result as above. */
int serve_start(struct serve *serve, struct events *events,
		const struct serve_tellers *tellers) must_check;
/* Answer nobody any more, before the events and the teller go. */
void serve_stop(struct serve *serve);
/* ... and close the sockets, and remove their files.  NULL is fine. */
void serve_close(struct serve *serve);

#endif
