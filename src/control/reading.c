#include "control/reading.h"

#include "session/hop.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>

struct reading *reading_make(void)
{
	return calloc(1, sizeof(struct reading));
}

void reading_free(struct reading *reading)
{
	if (!reading)
		return;
	sockets_close(&reading->sockets);
	for (uint32_t i = 0; reading->tenancies && i < reading->workers; i++)
		tenancy_free(reading->tenancies[i]);
	free(reading->tenancies);
	free(reading->retire);
	build_edition_done(&reading->edition);
	resolver_close(&reading->resolver);
	config_done(&reading->config);
	free(reading);
}

static int make_tenancies(struct reading *reading, uint32_t workers)
{
	reading->tenancies = calloc(workers, sizeof(*reading->tenancies));
	reading->retire = calloc(workers, sizeof(*reading->retire));
	if (!reading->tenancies || !reading->retire)
		return log_no_memory("a configuration");
	reading->workers = workers;
	for (uint32_t i = 0; i < workers; i++) {
		reading->tenancies[i] = tenancy_make(&reading->edition, i);
		if (!reading->tenancies[i])
			return log_no_memory("a worker's part of a configuration");
		reading->retire[i].order.kind = ORDER_RETIRE;
		reading->retire[i].tenancy = reading->tenancies[i];
	}
	return 0;
}

int reading_build(struct reading *reading, uint64_t number, uint32_t workers,
		  const struct reading_means *means)
{
	const struct build_means parts = {means->ledger, means->servers, &reading->resolver,
					  means->find};
	int r = build_edition(&reading->edition, &reading->config, number, &parts);

	return r < 0 ? r : make_tenancies(reading, workers);
}

int reading_bind(struct reading *reading, const struct reading_means *means)
{
	int r = sockets_open(&reading->sockets, &reading->config, means->entrances,
			     &reading->resolver, means->activation);

	hop_prepare(&reading->edition, reading->resolver.changes);
	sockets_prepare_hops(&reading->sockets, &reading->edition);
	return r;
}

uint32_t reading_used(const struct reading *reading)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < reading->workers; i++)
		used += atomic_load_explicit(&reading->tenancies[i]->used, memory_order_relaxed);
	return used;
}
