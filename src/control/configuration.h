/*
 * Reading the configuration for a start, a test or a look: what is wrong with it is told in
 * the log, all of it in one run.
 */
#ifndef CONTROL_CONFIGURATION_H
#define CONTROL_CONFIGURATION_H

#include "config/config.h"
#include "control/commandline.h"

/*
 * What the command line names, judged as it says; the caller's to be done with.  EX_OK, or
 * the exit status, and there is none.
 */
int configuration_read(struct config *config, const struct commandline *line) must_check;

/* The exit status for a result: EX_CONFIG for -EINVAL, EX_OSERR for another error. */
int configuration_status(int result);

#endif
