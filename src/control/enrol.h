/*
 * Servers that an operator adds to a pool, and takes out of it, while the daemon runs.
 *
 *   added      what it is, is said as a `server` line says it; it is a member as the others are
 *   removed    no new connections; those that it has go on, and it is gone when they are
 *              (leaving.h).  A check that is under way is not heard any more.
 *
 * Either holds until the next configuration is adopted, which says itself what servers there
 * are: that is told in the log.  What comes from a host name is up to the name.
 */
#ifndef CONTROL_ENROL_H
#define CONTROL_ENROL_H

#include "config/value.h"
#include "control/enlist.h"
#include "control/find_server.h"

struct enrolment {
	const char *pool, *name; /* whom */
	const char *line;        /* "10.0.3.9:5432 weight=2": add it; NULL: remove it */
	const char *by;          /* who says so */

	const struct server *server; /* who it was, once it is done */

	/* Where it is not done: as which answer, and why. */
	unsigned status;
	const char *code;
	char why[VALUE_WHY_MAX + 100];
	char hint[FIND_SERVER_HINT_MAX];
};

/* It is not done.  -EINVAL. */
int enrol_refuse(struct enrolment *enrolment, unsigned status, const char *code, const char *hint,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/*
 * The pool has it, but its roster has not.  0; or -EINVAL, and the enrolment says why; what the
 * log says of it is said.
 */
int enrol_add(struct pool *pool, const struct pool_means *means,
	      struct enrolment *enrolment) must_check;

/* Whom it means, if that may be removed; NULL: it says why not. */
struct server *enrol_find(const struct edition *edition, struct enrolment *enrolment);
/* The pool has that server no more from now on, and its roster has it still.  Whether it had. */
bool enrol_remove(struct pool *pool, const struct pool_means *means, const struct server *server,
		  uint64_t now_ms);

/* Another edition takes the place of one: what was said of that has come to its end. */
void enrol_tell_over(const struct edition *edition, const struct edition *before);

#endif
