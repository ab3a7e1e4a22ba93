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

/*
 * Serve until told to stop; signals are blocked.  0, or a negative errno that has been
 * logged.
 */
int supervise(struct engine *engine, const struct mode *mode, struct sockets *sockets,
	      struct resolver *resolver, struct events *events) must_check;

#endif
