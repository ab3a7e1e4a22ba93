/*
 * The servers that the main thread looks after: those of the edition of the day.
 *
 *     checks.h      watches each by its check ----+
 *     workers       say which fail, and which     +--> its vitals (pool/vitals.h), a line in the
 *                   have been ejected ------------+    log, and what follows from it: other
 *                                                      rosters, connections that are ended
 *
 * What is known of a server is its own and survives editions.  A change is one line, with cause,
 * counts and consequence; rosters are made again once for all that changes in a turn.
 */
#ifndef CONTROL_WARDS_H
#define CONTROL_WARDS_H

#include "control/checks.h"
#include "control/crew.h"
#include "control/replaced.h"
#include "session/edition.h"

struct wards_means {
	struct events *events;
	struct crew *crew;
	/* What some servers are has changed: of pools that are stale, rosters are to be made. */
	void (*changed)(void *owner);
	void *owner;
};

struct wards {
	struct wards_means means;
	struct checks *checks;
	struct event *change, *slow;
	const struct config *config; /* of the day */
	struct list list;
	uint64_t round;
	bool waits; /* whoever runs the loop, until nobody is wondered at */
};

/* Looks after nobody.  0 or a negative errno. */
int wards_open(struct wards *wards, const struct wards_means *means) must_check;
/* Also of one that is not open. */
void wards_close(struct wards *wards);

/*
 * These are looked after from now on, and others not any more: another edition is that of the
 * day, names stand for others, or an operator has said something.  Those that join start slowly, if
 * they are to, but not at the start of all.  What cannot be checked for want of memory is logged,
 * and counts as well.
 */
void wards_look(struct wards *wards, const struct edition *edition, bool at_start);

/* Whether there is anybody of whom nothing is known, and who is checked. */
bool wards_wonder(const struct wards *wards);

/* Workers have something to say (engine.news). */
void wards_hear(struct wards *wards);

/* What is to be seen of a server's checks; texts are the ward's, until the next one. */
struct wards_glance {
	const char *word;   /* of the last: "L7OK" */
	const char *text;   /* ... "http GET /primary on :8008 answered 503, wanted 200" */
	const char *health; /* "up", "up 2/3" */
	uint64_t took_ns;
	uint64_t failures; /* checks that failed, since it is looked after */
};
/* Whether it is checked, and something is known of that. */
bool wards_glance(const struct server *server, struct wards_glance *ret_glance);

#endif
