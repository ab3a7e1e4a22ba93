/*
 * The main thread's life: start the workers, tell the service manager, wait for
 * signals, feed the watchdog while every worker turns, hand on what names and
 * addresses come late, stop.
 *
 *   SIGTERM, SIGINT   stop accepting, let connections finish for drain_timeout;
 *                     the second one ends them now
 *   SIGUSR1, SIGHUP   open the access log anew (it has been renamed)
 *   SIGUSR2           write the counters to the log
 */
#ifndef CONTROL_SUPERVISOR_H
#define CONTROL_SUPERVISOR_H

#include "control/build.h"
#include "control/serve.h"
#include "control/sockets.h"

/* What is served, and how. */
struct service_plan {
	struct engine *engine;
	const struct mode *mode;
	struct edition *edition; /* the first */
	struct sockets *sockets; /* its */
	struct resolver *resolver;
	struct servers *servers;
	struct ledger *ledger;
	struct serve *control; /* who may ask; NULL: nobody */
	struct events *events;
};

/*
 * Serve until told to stop; signals are blocked.  0, or a negative errno that has been
 * logged.
 */
int supervise(const struct service_plan *plan) must_check;

#endif
