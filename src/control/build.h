/*
 * From a configuration to an engine: servers listed as far as they are known, limits
 * fitted to the machine, listening sockets opened.  Whatever is wrong is logged
 * here, all of it, with the remedy; the caller only needs to give up.
 */
#ifndef CONTROL_BUILD_H
#define CONTROL_BUILD_H

#include "config/report.h"
#include "control/bind.h"
#include "control/mode.h"
#include "control/resolve.h"
#include "session/engine.h"

#include "ops/activation.h"

#include <errno.h>

/* Which strategy serves a section: the one thing that main.c alone can know. */
typedef const struct strategy *strategy_finder(const struct config_section *section);

/*
 * Sections and limits.  0, or -EINVAL for what the configuration is to blame
 * for and other negative errnos for the system.  build_done() in either case.
 */
int build_engine(struct engine *engine, const struct config *config, const struct mode *mode,
		 struct resolver *resolver, strategy_finder *find) must_check;
void build_done(struct engine *engine);

/*
 * For `-t`: what the machine would make of the settings, without names and servers, in
 * the report.  0, or a negative errno where it would not do at all.
 */
int build_try(const struct config *config, const struct mode *mode,
	      struct report *report) must_check;

/*
 * What the system said, for a function that says -EINVAL of the configuration: there
 * is nothing to correct in that, and a restart may help.
 */
static inline int build_of_system(int error)
{
	return error == -EINVAL ? -EOPNOTSUPP : error;
}

/* The sockets of every worker. */
struct sockets {
	struct listening *list;   /* worker by worker, count of each; who takes one leaves -1 */
	struct opening *openings; /* what is, or will be, behind each of the count */
	struct bind_path *paths;  /* of unix sockets we bound, by listen line */
	uint32_t count;
	uint32_t workers;
	uint64_t patient_until_ms; /* with addresses in use, for all together */
};

int build_sockets(struct sockets *sockets, const struct engine *engine, struct resolver *resolver,
		  struct activation *activation) must_check;
/* Close what no worker has taken, and remove the paths of the unix sockets we bound. */
void build_sockets_done(struct sockets *sockets, const struct engine *engine);

/*
 * Those that come later, while workers run: addresses that are not this machine's
 * yet, and names that are not answered.  An answer's addresses are opened by the next
 * sockets_turn(), which says whether there are sockets to be taken by the workers.
 */
void sockets_extend(struct sockets *sockets, const struct resolution *answer);
uint64_t sockets_due_ms(const struct sockets *sockets); /* UINT64_MAX: never */
bool sockets_turn(struct sockets *sockets, uint64_t now_ms);
uint32_t sockets_open(const struct sockets *sockets);
uint32_t sockets_waiting(const struct sockets *sockets); /* for an address */

#endif
