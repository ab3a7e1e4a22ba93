/*
 * The servers of a section: those that are known at start, and behind them those
 * whose names are answered later.  None is taken away or changed, so workers need
 * to be told of nothing but how many there are.
 */
#ifndef CONTROL_ROSTER_H
#define CONTROL_ROSTER_H

#include "control/resolve.h"
#include "pool/server.h"
#include "session/edition.h"

/* Whose servers, and what they are found with. */
struct roster {
	struct section *section;
	struct servers *servers;
	struct ledger *ledger;
	struct resolver *resolver;
};

/* What is known, and room for what is asked for.  Whatever is wrong has been logged. */
int roster_open(const struct roster *roster) must_check;

/* One of the section's names has been answered; workers may be running. */
void roster_extend(const struct roster *roster, const struct resolution *answer);

#endif
