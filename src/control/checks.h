/*
 * All the checks of servers there are, on the main thread.
 *
 * Who wants to know of a server watches it: gives the terms of the check, and is told after each.
 * Watchers of the same terms -- the same address, asked the same, as often -- share one check,
 * however many pools the server stands in, and what is known of it goes on while anybody
 * watches: over a reload, whose watchers come before the old ones go.
 *
 *     watcher --+
 *     watcher --+-- target: pace (when), health (what it counts to), dialogue (what is said)
 *     watcher --+      +-- run: a probe that is under way, one at a time, and others that part
 *
 * One timer of the loop is set for whatever is due first, since the schedule is a wheel.  Of a
 * turn that has much to do the rest is left to the next, so that nobody waits for it.
 */
#ifndef CONTROL_CHECKS_H
#define CONTROL_CHECKS_H

#include "base/list.h"
#include "control/dialogue.h"
#include "ops/events.h"
#include "pool/health.h"

struct checks;
struct departure;
struct target;

/* Texts are copied. */
struct check_terms {
	struct dialogue_terms dialogue;
	struct address address;            /* INET or UNIX */
	const struct departure *departure; /* where it comes from; NULL: anywhere */
	uint32_t every_ms, fast_ms, timeout_ms;
	uint32_t rise, fall;
};

/* What is known of a server. */
struct check_news {
	const struct health *health;
	const struct check_result *last; /* CHECK_UNKNOWN: there was none */
	const char *title;               /* of the check: "http GET /" */
	const struct address *address;   /* ... and where */
	bool changed;      /* by the last one: up, down, or known for the first time */
	uint32_t alike;    /* checks in a row with the same outcome */
	uint64_t alike_ms; /* when the first of them began */
};

/* It takes no watcher away before it returns. */
typedef void check_told(void *owner, const struct check_news *news);

struct watcher {
	struct target *target; /* NULL: it watches nothing */
	struct list link;
	check_told *told;
	void *owner;
};

/* The same seed, and the same answers, is the same schedule.  0 or a negative errno. */
int checks_open(struct checks **ret_checks, struct events *events, uint64_t seed) must_check;
/* Nobody watches.  NULL is fine. */
void checks_close(struct checks *checks);

/*
 * Watch from now on.  0, -ENOMEM, or -EINVAL with why.  Of those that come in one turn the first
 * checks are made in the next, and the second ones spread over the interval.
 */
int checks_watch(struct checks *checks, struct watcher *watcher, const struct check_terms *terms,
		 char why[VALUE_WHY_MAX]) must_check;
void checks_unwatch(struct checks *checks, struct watcher *watcher);

/* What is known so far. */
struct check_news checks_known(const struct watcher *watcher);

/* A connection to it has failed; refused: there is nobody, which a check finds out at once. */
void checks_hurry(struct checks *checks, const struct watcher *watcher, bool refused);

/* How many targets there are, and of how many nothing is known. */
uint32_t checks_count(const struct checks *checks);
uint32_t checks_unknown(const struct checks *checks);

/*
 * The check in words, as a sentence about its outcome begins: "http GET /primary on :8008"; where
 * it goes is said where that is not the server's own address.  Returns text.
 */
const char *check_title(const struct check_news *news, const struct address *server, char *text,
			size_t size);

#endif
