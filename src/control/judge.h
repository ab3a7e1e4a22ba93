/*
 * What is wrong with a configuration on this machine, though its file is right:
 * CPUs and interfaces that are not there, names of kernel features that are none,
 * logs that cannot be opened.  It is judged beside what is wrong in the file, whose
 * lines may be refused, so that both are told in one run.
 */
#ifndef CONTROL_JUDGE_H
#define CONTROL_JUDGE_H

#include "config/report.h"

#include <errno.h>

/*
 * What the start and `-t` look at.  0; -EINVAL where the configuration is to blame; or
 * what the system said.  It is all in the report.
 */
int judge_config(const struct config *config, struct report *report) must_check;

/*
 * Besides, for `-t`, what the start finds out by doing it: where to listen, and what
 * the limits of this machine make of the settings.  Results as above.
 */
int judge_start(const struct config *config, struct report *report) must_check;

/* Of two results the one to end with: what is to be corrected comes before what may pass. */
static inline int judge_worse(int a, int b)
{
	return b == -EINVAL || a == 0 ? b : a;
}

#endif
