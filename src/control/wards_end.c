#include "control/wards_parts.h"

#include "worker/census.h"

#include "ops/log.h"

#include <stdlib.h>

/* An order to one worker, which does not outlive its server: nothing there is read of it. */
struct end_order {
	struct census_order census;
	struct glance_filter filter;
};

static void ended(struct order *order)
{
	free(container_of(order, struct end_order, census.order));
}

static void end_at(struct crew *crew, const struct server *server, enum reason reason)
{
	for (uint32_t i = 0; i < crew->count; i++) {
		struct end_order *order = calloc(1, sizeof(*order));

		if (!order) {
			(void)log_no_memory("ending the connections of a server");
			return;
		}
		order->filter.serves = server;
		order->census = (struct census_order){
			.order = {.kind = ORDER_CENSUS, .done = ended},
			.filter = &order->filter,
			.below = UINT64_MAX,
			.kills = true,
			.reason = reason,
		};
		crew_send(crew, i, &order->census.order);
	}
}

void ward_end_connections(struct ward *ward, enum reason reason)
{
	if (atomic_load(&ward->server->active))
		end_at(ward->wards->means.crew, ward->server, reason);
}

void ward_end_backups(struct ward *ward)
{
	const struct pool *pool = ward->pool;

	if (ward->tier == CONFIG_PRIORITY_BACKUP)
		return;
	for (uint32_t i = 0; i < pool->count; i++)
		if (pool->members[i].tier == CONFIG_PRIORITY_BACKUP &&
		    atomic_load(&pool->members[i].server->active))
			end_at(ward->wards->means.crew, pool->members[i].server,
			       REASON_PRIMARY_BACK);
}
