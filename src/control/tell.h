/*
 * What a report has found, in the log.
 */
#ifndef CONTROL_TELL_H
#define CONTROL_TELL_H

#include "config/report.h"

/* Log all of it, in the order of the lines. */
void tell_report(struct report *report);

#endif
