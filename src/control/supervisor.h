/*
 * The main thread's life: start the workers, tell the service manager, wait for
 * signals, feed the watchdog while every worker turns, hand on what names and
 * addresses come late, reload, stop.
 *
 *   SIGTERM, SIGINT   stop accepting, let connections finish for drain_timeout;
 *                     the second one ends them now
 *   SIGHUP            reload the configuration
 *   SIGUSR1           open the access log anew (it has been renamed)
 *   SIGUSR2           write the counters to the log
 */
#ifndef CONTROL_SUPERVISOR_H
#define CONTROL_SUPERVISOR_H

#include "control/mode.h"
#include "control/reading.h"
#include "control/serve.h"

/* What is served, and how. */
struct service_plan {
	const char *path;    /* of the configuration, to be read again */
	uint64_t started_ms; /* when names were asked for */
	struct engine *engine;
	const struct mode *mode;
	struct reading *reading; /* the first, bound; taken over */
	const struct reading_means *means;
	/* What is wrong with a configuration on this machine: judge.h. */
	int (*judge)(const struct config *config, struct report *report);
	struct serve *control; /* who may ask; NULL: nobody */
	struct events *events;
};

/*
 * Serve until told to stop; signals are blocked.  0, or a negative errno that has been
 * logged.
 */
int supervise(const struct service_plan *plan) must_check;

#endif
