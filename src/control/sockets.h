/*
 * The listening sockets: which there are to be, opened one by one, and handed to workers.
 *
 * A listen line makes an opening, or one for each address of a name, or one for each socket
 * that systemd passed.  What is opened is an entrance, with a socket for each worker: the
 * workers' own from when they have taken them.  Those that come later, while workers run --
 * addresses that are not this machine's yet, and names that are not answered -- are opened
 * by sockets_turn().
 */
#ifndef CONTROL_SOCKETS_H
#define CONTROL_SOCKETS_H

#include "control/bind.h"
#include "control/resolve.h"
#include "session/edition.h"
#include "worker/accept.h"

#include "ops/activation.h"

struct opening;

struct sockets {
	const struct config *config;
	struct opening *openings;
	uint32_t count;
	uint32_t workers;
	uint64_t patient_until_ms; /* with addresses in use, for all together */
};

/* 0, or a negative errno that has been logged; sockets_close() in either case. */
int sockets_open(struct sockets *sockets, const struct config *config, uint32_t workers,
		 struct resolver *resolver, struct activation *activation) must_check;
/* Close what no worker has taken, and remove the paths of the unix sockets we bound. */
void sockets_close(struct sockets *sockets);

/* Which servers may be these sockets: hop.h. */
void sockets_prepare_hops(const struct sockets *sockets, struct edition *edition);

/*
 * What is open and was not offered to that worker yet, for a worker under that edition;
 * offers is to be freed.  -ENOMEM.
 */
int sockets_offer(struct sockets *sockets, const struct edition *edition, uint32_t worker,
		  struct accept_order *order) must_check;

/*
 * An answer's addresses are opened by the next sockets_turn(), which says whether there are
 * sockets to be offered.
 */
void sockets_extend(struct sockets *sockets, const struct resolution *answer);
uint64_t sockets_due_ms(const struct sockets *sockets); /* UINT64_MAX: never */
bool sockets_turn(struct sockets *sockets, uint64_t now_ms);
uint32_t sockets_listening(const struct sockets *sockets);
uint32_t sockets_waiting(const struct sockets *sockets); /* for an address */

#endif
