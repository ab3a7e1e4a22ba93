#include "ops/outlet.h"

#include "ops/access.h"
#include "ops/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ROUNDS_MAX        64 /* of filling and flushing before the other outlet has its turn */
#define RETRY_FIRST_MS    100
#define RETRY_MAX_MS      1000
#define PATIENCE_FIRST_MS 1000
#define PATIENCE_MAX_MS   60000
#define SOON_MS           60000

/* ---- How it fares ---------------------------------------------------------------------------- */

uint64_t outlet_dropped(const struct outlet *outlet)
{
	uint64_t lines = 0;

	for (unsigned i = 0; i < outlet->count; i++)
		lines += atomic_load_explicit(&outlet->queues[i]->dropped, memory_order_relaxed);
	return lines;
}

bool outlet_is_drained(const struct outlet *outlet)
{
	if (outlet->sink && !sink_is_empty(outlet->sink))
		return false;
	for (unsigned i = 0; i < outlet->count; i++)
		if (lines_used(outlet->queues[i]))
			return false;
	return true;
}

static void tell_ended(const struct outlet *outlet)
{
	uint64_t lasted = outlet->last_ms - outlet->since_ms,
		 lines = outlet->dropped - outlet->told;

	if (!lines && !outlet->error)
		return; /* it was slow, and that is all */
	log_at(lines ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
	       "%s%s%s is written again after %" PRIu64 ".%03" PRIu64 " s (%s): %" PRIu64
	       " line%s dropped",
	       outlet->place, *outlet->place ? ": " : "", outlet->name, lasted / 1000,
	       lasted % 1000,
	       outlet->error ? strerror(-outlet->error) : "lines were not taken in time", lines,
	       lines == 1 ? " was" : "s were");
}

static void begin(struct outlet *outlet, uint64_t now)
{
	if (!outlet->ended_ms || now - outlet->ended_ms > SOON_MS)
		outlet->patience_ms = 0;
	else
		outlet->patience_ms =
			outlet->patience_ms ? 2 * outlet->patience_ms : PATIENCE_FIRST_MS;
	if (outlet->patience_ms > PATIENCE_MAX_MS)
		outlet->patience_ms = PATIENCE_MAX_MS;
	outlet->troubled = true;
	outlet->error = 0;
	outlet->since_ms = now;
}

static void meet(struct outlet *outlet, int error, uint64_t now)
{
	if (!outlet->troubled)
		begin(outlet, now);
	outlet->last_ms = now;
	if (error && !outlet->error) {
		outlet->error = error;
		outlet->tell(outlet, strerror(-error), sink_remedy(outlet->sink->target, -error));
	}
}

void outlet_end(struct outlet *outlet, uint64_t now)
{
	tell_ended(outlet);
	outlet->troubled = false;
	outlet->told = outlet->dropped;
	outlet->ended_ms = now;
}

/* What a flush came to, and whether lines were dropped meanwhile. */
static void judge(struct outlet *outlet, int r, uint64_t now)
{
	uint64_t lines = outlet_dropped(outlet);

	outlet->blocked = r == -EAGAIN;
	if (r < 0 && r != -EAGAIN && r != -EMSGSIZE) {
		meet(outlet, r, now);
		outlet->backoff_ms = outlet->backoff_ms ? 2 * outlet->backoff_ms : RETRY_FIRST_MS;
		if (outlet->backoff_ms > RETRY_MAX_MS)
			outlet->backoff_ms = RETRY_MAX_MS;
		outlet->retry_ms = now + outlet->backoff_ms;
	} else if (r == 0) {
		outlet->retry_ms = 0;
		outlet->backoff_ms = 0;
	}
	if (lines != outlet->dropped)
		meet(outlet, 0, now);
	outlet->dropped = lines;
	if (outlet->troubled && !outlet->blocked && !outlet->retry_ms &&
	    outlet_is_drained(outlet) && now >= outlet->last_ms + outlet->patience_ms)
		outlet_end(outlet, now);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool fill(struct outlet *outlet)
{
	bool any = false;

	for (unsigned i = 0; i < outlet->count; i++) {
		unsigned index = (outlet->first + i) % outlet->count;

		while (sink_take(outlet->sink, outlet->queues[index])) {
			any = true;
			outlet->came |= index + 1 < outlet->count;
		}
	}
	outlet->first++; /* so that none is always the last to find room */
	return any;
}

bool outlet_turn(struct outlet *outlet, uint64_t now)
{
	bool more = true;
	int r = 0;

	if (!outlet->sink || now < outlet->retry_ms)
		return false;
	for (unsigned round = 0; r == 0 && more && round < ROUNDS_MAX; round++) {
		more = fill(outlet) || !sink_is_empty(outlet->sink);
		if (more)
			r = outlet->blocked ? -EAGAIN : sink_flush(outlet->sink);
		if (r == -EMSGSIZE)
			r = 0;
	}
	judge(outlet, r, now);
	return r == 0 && more;
}
