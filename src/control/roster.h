/*
 * The servers of a section: those that are known at start, and behind them those
 * whose names are answered later.  None is taken away or changed, so workers need
 * to be told of nothing but how many there are.
 */
#ifndef CONTROL_ROSTER_H
#define CONTROL_ROSTER_H

#include "control/resolve.h"

/* What is known, and room for what is asked for.  Whatever is wrong has been logged. */
int roster_open(struct section *section, struct resolver *resolver) must_check;
void roster_close(struct section *section);

/* One of the section's names has been answered; workers may be running. */
void roster_extend(struct section *section, struct resolver *resolver,
		   const struct resolution *answer);

#endif
