/*
 * From a configuration to an engine, with limits fitted to the machine, and to editions,
 * with servers listed as far as they are known.  Whatever is wrong is logged here, all of
 * it, with the remedy; the caller only needs to give up.
 */
#ifndef CONTROL_BUILD_H
#define CONTROL_BUILD_H

#include "config/report.h"
#include "control/mode.h"
#include "control/resolve.h"
#include "pool/server.h"
#include "session/edition.h"
#include "session/engine.h"

#include <errno.h>

/* Which strategy serves a section: the one thing that main.c alone can know. */
typedef const struct strategy *strategy_finder(const struct config_section *section);

/*
 * What the machine makes of the configuration.  0, or -EINVAL for what the configuration is
 * to blame for and other negative errnos for the system.
 */
int build_engine(struct engine *engine, const struct config *config,
		 const struct mode *mode) must_check;

/* What editions are made with, one after the other. */
struct build_means {
	struct ledger *ledger;
	struct servers *servers;
	struct resolver *resolver; /* of this configuration */
	strategy_finder *find;
};

/*
 * The configuration brought to life; it stays the caller's.  0 or a negative errno;
 * build_edition_done() in either case, when no worker has it any more.
 */
int build_edition(struct edition *edition, const struct config *config, uint64_t number,
		  const struct build_means *means) must_check;
void build_edition_done(struct edition *edition);

/*
 * For `-t`: what the machine would make of the settings, without names and servers, in
 * the report.  0, or a negative errno where it would not do at all.
 */
int build_try(const struct config *config, const struct mode *mode,
	      struct report *report) must_check;

/*
 * What the engine that runs makes of another configuration, in the report; *ret_connections is
 * how many there may be at once then.  0, or a negative errno where it would not do at all.
 */
int build_refit(const struct engine *engine, const struct config *config, struct report *report,
		uint32_t *ret_connections) must_check;

/*
 * What the system said, for a function that says -EINVAL of the configuration: there
 * is nothing to correct in that, and a restart may help.
 */
static inline int build_of_system(int error)
{
	return error == -EINVAL ? -EOPNOTSUPP : error;
}

#endif
