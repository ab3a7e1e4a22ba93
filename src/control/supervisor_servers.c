#include "control/supervisor_parts.h"

#include "base/clock.h"
#include "control/enrol.h"

#include "ops/log.h"

#include <errno.h>

static int restate(struct supervisor *supervisor, const struct reading *reading,
		   const struct server *server)
{
	int result = 0;

	for (uint32_t i = 0; reading && i < reading->edition.pool_count; i++) {
		int r = pools_restate(&reading->edition.pools[i], server, &supervisor->replaced);

		result = result < 0 ? result : r;
	}
	return result;
}

/* The old ones first: a limit is the server's, and what the newest edition says of it is right. */
int supervisor_restate(void *owner, const struct server *server)
{
	struct supervisor *supervisor = owner;
	const struct reading *old = NULL;
	int result = 0;

	while ((old = reload_next_old(supervisor->reload, old)))
		result = restate(supervisor, old, server) < 0 ? -ENOMEM : result;
	if (restate(supervisor, supervisor->reading, server) < 0 ||
	    restate(supervisor, reload_next(supervisor->reload), server) < 0)
		result = -ENOMEM;
	wards_look(&supervisor->wards, &supervisor->reading->edition, false);
	crew_command(&supervisor->crew, ORDER_CATCH_UP);
	return result;
}

/* ---- Servers that an operator adds and removes ----------------------------------------------- */

static struct pool_means means_of(const struct supervisor *supervisor, struct reading *reading)
{
	const struct reading_means *means = supervisor->plan->means;

	return (struct pool_means){.config = &reading->config,
				   .servers = means->servers,
				   .ledger = means->ledger,
				   .resolver = &reading->resolver};
}

static bool is_busy(const struct supervisor *supervisor, struct enrolment *enrolment)
{
	if (!supervisor->signals && !reload_next(supervisor->reload))
		return false;
	(void)enrol_refuse(enrolment, 409, "busy", "ask again when it is over", "%s",
			   supervisor->signals ? "the daemon stops"
					       : "the configuration is being reloaded");
	return true;
}

static const struct server *add(struct supervisor *supervisor, struct enrolment *enrolment)
{
	struct reading *reading = supervisor->reading;
	struct found_server found;
	struct pool_means means = means_of(supervisor, reading);
	const struct pool *pool = find_pool(&reading->edition, enrolment->pool, &found);

	if (!pool) {
		(void)enrol_refuse(enrolment, 404, found.code, found.hint, "%s", found.why);
		return NULL;
	}
	if (enrol_add(&reading->edition.pools[pool - reading->edition.pools], &means, enrolment) <
	    0)
		return NULL;
	(void)find_server(&reading->edition, enrolment->pool, enrolment->name, &found);
	return found.member->server;
}

static void remove_in(struct supervisor *supervisor, struct reading *reading,
		      const struct server *server)
{
	struct pool_means means = means_of(supervisor, reading);

	for (uint32_t i = 0; i < reading->edition.pool_count; i++)
		(void)enrol_remove(&reading->edition.pools[i], &means, server, clock_now_ms());
}

/* Who waits under an old edition does not go there either. */
static const struct server *take_out(struct supervisor *supervisor, struct enrolment *enrolment)
{
	const struct server *server = enrol_find(&supervisor->reading->edition, enrolment);
	struct reading *old = NULL;

	if (!server)
		return NULL;
	while ((old = reload_next_old(supervisor->reload, old)))
		remove_in(supervisor, old, server);
	remove_in(supervisor, supervisor->reading, server);
	return server;
}

bool supervisor_enrol(void *owner, struct enrolment *enrolment)
{
	struct supervisor *supervisor = owner;
	const struct server *server;

	if (is_busy(supervisor, enrolment))
		return false;
	server = enrolment->line ? add(supervisor, enrolment) : take_out(supervisor, enrolment);
	if (!server)
		return false;
	enrolment->server = server;
	/* Without memory for a roster, which is logged, the next one has it. */
	(void)!supervisor_restate(supervisor, server);
	supervisor_refresh_status(supervisor);
	supervisor->leaving_ms = 0;
	events_set(supervisor->late, 0);
	return true;
}
