/* What is counted in the ledger under the name of a section, or of a server. */
#ifndef SESSION_TALLY_H
#define SESSION_TALLY_H

#include "lane/road.h"
#include "session/reason.h"
#include "session/refused.h"

enum tally {
	TALLY_CONNECTIONS, /* accepted; of a server, that it took */
	TALLY_BYTES_UP,    /* of connections that have ended, as their records say */
	TALLY_BYTES_DOWN,
	TALLY_RETRIES, /* attempts at another server after one had failed */
	TALLY_ENDED,   /* by reason and side: tally_ended(); of a server, attempts that failed */
	TALLY_REFUSED = TALLY_ENDED + REASON_COUNT * SIDE_COUNT, /* of a section, by cause */
	TALLY_COUNT = TALLY_REFUSED + REFUSED_COUNT,
};

static inline uint32_t tally_refused(enum refused_cause cause)
{
	return TALLY_REFUSED + cause;
}

static inline uint32_t tally_ended(unsigned reason, unsigned side)
{
	return TALLY_ENDED + reason * SIDE_COUNT + side;
}

#endif
