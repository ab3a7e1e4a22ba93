/*
 * The listening sockets of one reading of the configuration: which there are to be, opened
 * one by one, and handed to workers.
 *
 * A listen line makes an opening, or one for each address of a name, or one for each socket
 * that systemd passed.  What it opens is an entrance (entrance.h), unless the process has
 * that already.  Those that come later, while workers run -- addresses that are not this
 * machine's yet, and names that are not answered -- are opened by sockets_turn().
 */
#ifndef CONTROL_SOCKETS_H
#define CONTROL_SOCKETS_H

#include "control/entrance.h"
#include "control/resolve.h"
#include "session/edition.h"
#include "worker/accept.h"

#include "ops/activation.h"

struct follower;
struct opening;

struct sockets {
	const struct config *config;
	struct entrances *entrances;
	struct opening *openings;
	uint32_t count;
	struct follower *followers; /* narrower entrances of before, under wide ones of this */
	uint32_t follower_count;
};

/*
 * Find them, or bind them: nothing that can be seen from outside has changed by then.  0, or
 * a negative errno that has been logged; sockets_close() in either case.
 */
int sockets_open(struct sockets *sockets, const struct config *config, struct entrances *entrances,
		 struct resolver *resolver, struct activation *activation) must_check;
/* ... and listen on them.  Result as above. */
int sockets_listen(struct sockets *sockets) must_check;
/* They are named by this reading no more: what no other names is closed. */
void sockets_close(struct sockets *sockets);
/* Its entrances are this reading's again: another one, that had found them, is none after all. */
void sockets_claim(struct sockets *sockets);

/* Which servers may be these sockets: hop.h. */
void sockets_prepare_hops(const struct sockets *sockets, struct edition *edition);

/*
 * All that are open, or those that were not offered to workers yet, for a worker under that
 * edition; offers is to be freed.  -ENOMEM.
 */
int sockets_offer(const struct sockets *sockets, const struct edition *edition, uint32_t worker,
		  bool all, struct accept_order *order) must_check;
/* ... and they have been, to all. */
void sockets_offered(struct sockets *sockets);
/* An offer is back: what the worker did not take, since it stops, is closed. */
void sockets_offer_back(struct accept_order *order);

/*
 * An answer's addresses are opened by the next sockets_turn(), which says whether there are
 * sockets to be offered.
 */
void sockets_extend(struct sockets *sockets, const struct resolution *answer);
uint64_t sockets_due_ms(const struct sockets *sockets); /* UINT64_MAX: never */
bool sockets_turn(struct sockets *sockets, uint64_t now_ms);
/* What is open of opening `index` of .count, and whose it is; NULL: it is not open. */
const struct entrance *sockets_entrance(const struct sockets *sockets, uint32_t index,
					const struct config_section **ret_section);
uint32_t sockets_listening(const struct sockets *sockets);
uint32_t sockets_waiting(const struct sockets *sockets); /* for an address */

#endif
