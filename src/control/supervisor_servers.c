#include "control/supervisor_parts.h"

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
