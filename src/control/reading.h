/*
 * A reading of the configuration: the edition that workers live under, and what the main
 * thread alone keeps for it.
 *
 *   made ---> names asked for ---> built ---> bound ---> adopted by all workers: current
 *     |             |                |          |                  |
 *     +-------------+----------------+----------+--> freed         v  another is adopted
 *                    where it is wrong, nothing was changed    old ---> freed, when the last
 *                                                              worker has nothing under it
 */
#ifndef CONTROL_READING_H
#define CONTROL_READING_H

#include "control/build.h"
#include "control/sockets.h"
#include "session/tenancy.h"
#include "worker/worker.h"

struct reading {
	struct config config;
	struct resolver resolver;
	struct edition edition;
	struct sockets sockets;
	uint32_t workers;            /* that there are tenancies for */
	struct tenancy **tenancies;  /* one for each worker */
	struct retire_order *retire; /* likewise */
	struct list link;            /* with other old ones */
	uint64_t replaced_ms;        /* when another became current; 0: none did */
	uint64_t expired_ms;         /* ... so long ago that its connections were ended; 0: not */
	uint32_t retiring;           /* workers that have something under it, once that was asked */
};

/* An empty one, for its configuration to be read into.  NULL: no memory. */
struct reading *reading_make(void);
/* No worker has anything under it.  NULL is fine. */
void reading_free(struct reading *reading);

/* What all readings are built with. */
struct reading_means {
	struct ledger *ledger;
	struct servers *servers;
	strategy_finder *find;
	struct entrances *entrances;
	struct activation *activation;
};

/*
 * The edition, and a tenancy for each worker, with the names as far as they are answered.
 * 0, or a negative errno that has been logged.
 */
int reading_build(struct reading *reading, uint64_t number, uint32_t workers,
		  const struct reading_means *means) must_check;
/* Its sockets, which do not listen yet.  Result as above. */
int reading_bind(struct reading *reading, const struct reading_means *means) must_check;

/* Connections, and listening sockets, that workers have under it. */
uint32_t reading_used(const struct reading *reading);

#endif
