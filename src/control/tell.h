/*
 * What is told in the log: what a report has found, how it is served, what was counted.
 */
#ifndef CONTROL_TELL_H
#define CONTROL_TELL_H

#include "config/report.h"

struct engine;
struct mode;
struct worker;

/* Log all of it, in the order of the lines. */
void tell_report(struct report *report);

/*
 * What was chosen and why, and what this kernel lacks of what we would like to use: dropped
 * are the IORING_SETUP_* flags that the rings do without.
 */
void tell_mode(const struct engine *engine, const struct mode *mode, const struct config *config,
	       uint32_t dropped);

/* All workers' counters, in two lines: what happened, and why connections ended. */
void tell_counters(const struct worker *workers, uint32_t count, const char *when);

#endif
