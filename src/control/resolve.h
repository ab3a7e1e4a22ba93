/*
 * The host names of a configuration (resolution.h), asked for and heard of.
 *
 * Names are asked for at start, all at once.  What is answered within
 * RESOLVE_START_MS is there when the first connection is; what is not, is said
 * once, and asked for again, ever less often, until it is: boots without name
 * servers are as common as slow ones.  Names of servers are asked for again and again
 * from then on, each in its time.  What another reading knows of them is used at once, and
 * nobody waits for it.  A server that leads back to its own section (config/loops.h) is left out.
 *
 * The main thread's own: workers see the rosters that are made of it.
 */
#ifndef CONTROL_RESOLVE_H
#define CONTROL_RESOLVE_H

#include "config/loops.h"
#include "config/report.h"
#include "control/resolution.h"
#include "names/names.h"
#include "ops/events.h"
#include "session/section.h"

#define RESOLVE_START_MS    2000
#define RESOLVE_TEST_MS     30000 /* more than the resolver's own patience, usually */
#define RESOLVE_LISTENS_MAX 64    /* addresses of a name that is listened on */

struct resolver {
	const struct config *config;
	const struct resolver *before; /* what was known, while it is waited for */
	struct names *names;           /* NULL: there are no names */
	struct resolution *list;
	uint32_t count;
	uint32_t *by_line; /* numbers in the list, in the order of where the lines are */
	uint32_t *by_name; /* by hash of the name: the first of the list, counted from 1 ... */
	uint32_t *next;    /* ... and the next one of that hash, likewise */
	uint32_t missing;  /* have had no answer */
	bool changes;      /* there are servers among them: what they stand for may change */
	char change[RESOLUTION_CHANGE_MAX]; /* of what resolver_turn() has returned last */
	struct loops loops;
	struct report *report; /* for what is to be said, and then nothing is asked for again;
				  NULL: the log */
};

/*
 * Ask for every name.  What another reading knows (NULL: there is none) is used where there
 * is no answer, until resolver_settle().  Whatever is wrong has been logged.  0 or a negative
 * errno.
 */
int resolver_open(struct resolver *resolver, const struct config *config,
		  const struct resolver *before) must_check;
void resolver_close(struct resolver *resolver);

/*
 * Run the loop until all are answered, or so many milliseconds have passed: what is
 * missing then is logged.  -EINTR: somebody else has stopped the loop.
 */
int resolver_wait(struct resolver *resolver, struct events *events,
		  uint64_t milliseconds) must_check;

/* Whether nothing is to be waited for any more: all are answered, or will not be soon. */
bool resolver_has_heard(const struct resolver *resolver);
/* Take the answers that are there. */
void resolver_hear(struct resolver *resolver);
/* The waiting is over: what is not answered, and not known from before, is missing: logged. */
void resolver_settle(struct resolver *resolver);

/*
 * For a reading that asks no more: the next `server` line that stands for something else in
 * the other one, as it does here from now on; or NULL.
 */
const struct resolution *resolver_learn(struct resolver *resolver, const struct resolver *other);

/*
 * For `-t --resolve`, all in one: which names are not answered, for a while, and which
 * servers would be left out.  0, or a negative errno that has been logged.
 */
int resolver_test(const struct config *config, struct report *report) must_check;

/* The answer of that line, or NULL while there is none. */
const struct resolution *resolver_answer(const struct resolver *resolver,
					 const struct config_endpoint *endpoint);

/* Can be read when resolver_turn() has something; -1 where there are no names. */
int resolver_descriptor(const struct resolver *resolver);
/* When to call resolver_turn() at the latest, with or without an answer; UINT64_MAX: never. */
uint64_t resolver_due_ms(const struct resolver *resolver);
/*
 * Ask again where it is time; the next line that has been answered for the first time (then
 * resolver.change is ""), or that stands for something else, or NULL.
 */
const struct resolution *resolver_turn(struct resolver *resolver, uint64_t now_ms);

/* A line in the log or the report: what is to be known of a place in the configuration. */
void resolve_warn(const struct resolver *resolver, const struct config_endpoint *endpoint,
		  const char *place, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "file:line: [section] server", as messages begin, or without a line what is in no file;
 * returns text. */
#define RESOLVE_PLACE_MAX 600
const char *resolve_place(const struct config *config, const struct config_section *section,
			  const struct config_endpoint *endpoint, bool listens, char *text);

/*
 * Whether a server of the pool, or of the proxy that has servers itself, may be there: not
 * where it would lead back to a proxy that uses it, which is logged, and where 0 is returned.
 * 1 or -ENOMEM otherwise.
 */
int resolve_leads_on(struct resolver *resolver, const struct config_section *pool,
		     const struct config_endpoint *endpoint,
		     const struct address *address) must_check;

#endif
