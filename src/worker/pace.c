#include "worker/pace.h"

#include "base/clock.h"
#include "session/section.h"
#include "worker/accept.h"
#include "worker/worker.h"

static const struct value_rate *rate_of(const struct listener *listener)
{
	return &listener->branch->section->config->settings.accept_rate;
}

bool pace_is_set(const struct listener *listener)
{
	return rate_of(listener)->count;
}

/* From one to the next: each worker has a part of the rate. */
static uint64_t every_ns(const struct worker *worker, const struct listener *listener)
{
	const struct value_rate *rate = rate_of(listener);

	return rate->period_ms * CLOCK_NS_PER_MS * worker->engine->worker_count / rate->count;
}

static uint64_t now_ns(const struct worker *worker)
{
	return worker->loop.coalesce.now_ns;
}

bool pace_waits(struct worker *worker, struct listener *listener)
{
	uint64_t until_ns = now_ns(worker) + PACE_AHEAD_MS * CLOCK_NS_PER_MS;
	uint64_t wait_ns = listener->turn_ns > until_ns ? listener->turn_ns - until_ns : 0;
	uint64_t most_ns = every_ns(worker, listener);

	if (!wait_ns)
		return false;
	/* Of a rate that was slower, before a reload, there is no more to wait for. */
	if (wait_ns > most_ns) {
		wait_ns = most_ns;
		listener->turn_ns = until_ns + most_ns;
	}
	full_pace(worker, listener->branch);
	wheel_set(&worker->loop.wheel, &listener->retry,
		  worker->loop.now_ms + (wait_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS);
	return true;
}

void pace_took(struct worker *worker, struct listener *listener)
{
	uint64_t now = now_ns(worker), turn = listener->turn_ns;

	listener->turn_ns = (turn > now ? turn : now) + every_ns(worker, listener);
}
