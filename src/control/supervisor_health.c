#include "control/supervisor_parts.h"

#include "base/clock.h"

#include "ops/log.h"

/* ---- Rosters --------------------------------------------------------------------------------- */

static void publish(struct supervisor *supervisor, struct pool *pool)
{
	const struct roster *old;

	if (pool_publish(pool, &old) < 0)
		(void)log_no_memory("the servers");
	else
		replaced_add(&supervisor->replaced, old);
}

/* Under another edition it is called the same, and its servers are the same. */
static void publish_in(struct supervisor *supervisor, const struct reading *reading,
		       const struct pool *pool)
{
	struct pool *same = reading && reading->edition.by_account
				    ? edition_pool_of(&reading->edition, pool->account)
				    : NULL; /* one that is being built has none yet */

	if (same)
		publish(supervisor, same);
}

/* The old ones first: a limit is the server's, and what the newest edition says of it is right. */
static void publish_everywhere(struct supervisor *supervisor, const struct pool *pool)
{
	const struct reading *old = NULL;

	while ((old = reload_next_old(supervisor->reload, old)))
		publish_in(supervisor, old, pool);
	publish_in(supervisor, supervisor->reading, pool);
	publish_in(supervisor, reload_next(supervisor->reload), pool);
}

static void on_change(void *owner)
{
	struct supervisor *supervisor = owner;
	const struct edition *edition = &supervisor->reading->edition;
	bool any = false;

	for (uint32_t i = 0; i < edition->pool_count; i++) {
		if (!edition->pools[i].stale)
			continue;
		publish_everywhere(supervisor, &edition->pools[i]);
		any = true;
	}
	/* Somebody may wait for a server that there is now. */
	if (any)
		crew_command(&supervisor->crew, ORDER_CATCH_UP);
}

/* ---- The start ------------------------------------------------------------------------------- */

int supervisor_open_wards(struct supervisor *supervisor)
{
	int r = wards_open(&supervisor->wards, &(struct wards_means){
						       .events = supervisor->events,
						       .crew = &supervisor->crew,
						       .changed = on_change,
						       .owner = supervisor,
					       });

	return r < 0 ? events_cannot("look after the servers", r) : 0;
}

static void on_late(void *owner)
{
	struct supervisor *supervisor = owner;

	events_stop(supervisor->events);
}

int supervisor_await_checks(struct supervisor *supervisor)
{
	uint64_t until_ms = supervisor->plan->started_ms + RESOLVE_START_MS;
	struct event *late;
	int r = events_add_timer(supervisor->events, &late, on_late, supervisor);

	if (r < 0)
		return events_cannot("wait for the first checks", r);
	wards_look(&supervisor->wards, &supervisor->reading->edition, true);
	supervisor->wards.waits = true;
	events_set(late, until_ms);
	while (wards_wonder(&supervisor->wards) && clock_now_ms() < until_ms &&
	       !crew_has_ended(&supervisor->crew))
		events_run(supervisor->events);
	supervisor->wards.waits = false;
	events_remove(late);
	if (wards_wonder(&supervisor->wards))
		log_info("%u servers have not answered their first checks yet, and count as up",
			 checks_unknown(supervisor->wards.checks));
	on_change(supervisor);
	return 0;
}
