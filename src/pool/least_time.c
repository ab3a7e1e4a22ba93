/*
 * Of two that are drawn by their weights, the one that costs less: the time it takes to answer,
 * times the connections it would have, for its weight.
 *
 * Times are compared in classes, of a millisecond or of an eighth: what differs by chance is
 * the same, and connections decide.  Who is not known costs what the others do on the average:
 * at nothing it would be sent everybody, before it has answered once.
 */
#include "pool/least_time.h"

#include "pool/draw.h"

#define HALVES_MS 8192u /* an average is half forgotten in it: a mean life of 12 s */
#define TICK_MS   64u   /* so that what has been idle for years is that */
#define FAILED_US 1000000
#define ASKED_MAX 64

/* server.cost: the time in microseconds, and when it was heard of, in ticks. */
static uint64_t cost_made(uint64_t us, uint64_t now_ms)
{
	uint64_t most = us < UINT32_MAX ? us : UINT32_MAX;

	return (most ? most : 1) << 32 | (uint32_t)(now_ms / TICK_MS);
}

/* How long ago, in milliseconds.  Another worker's clock may be ahead of this one's. */
static uint64_t age_of(uint64_t cost, uint64_t now_ms)
{
	uint32_t ticks = (uint32_t)(now_ms / TICK_MS) - (uint32_t)cost;

	return ticks <= INT32_MAX ? (uint64_t)ticks * TICK_MS : 0;
}

/* What is left of it after so long: by halves, and in a line between them. */
static uint32_t left_of(uint32_t us, uint64_t age_ms)
{
	uint64_t halves = age_ms / HALVES_MS;
	uint64_t rest = age_ms % HALVES_MS;

	if (halves > 31)
		return 1;
	us >>= halves;
	us -= (uint32_t)(us * rest / HALVES_MS / 2);
	return us ? us : 1;
}

uint32_t least_time_of(const struct server *server, uint64_t now_ms)
{
	uint64_t cost = atomic_load_explicit(&server->cost, memory_order_relaxed);

	return cost ? left_of((uint32_t)(cost >> 32), age_of(cost, now_ms)) : 0;
}

void least_time_took(struct server *server, uint64_t us, uint64_t now_ms)
{
	uint64_t cost = atomic_load_explicit(&server->cost, memory_order_relaxed);
	uint64_t before = cost >> 32, left = least_time_of(server, now_ms);

	/* before * w + us * (1 - w), where w is what is left of a whole. */
	if (before > us)
		us = left + us * (before - left) / before;
	atomic_store_explicit(&server->cost, cost_made(us, now_ms), memory_order_relaxed);
}

void least_time_failed(struct server *server, uint64_t us, uint64_t now_ms)
{
	uint64_t before = least_time_of(server, now_ms);

	if (us < FAILED_US)
		us = FAILED_US;
	if (us < 5 * before && before < FAILED_US)
		us = 5 * before;
	least_time_took(server, us, now_ms);
}

/* In milliseconds, from 1 on; of those above eight three digits, in base 2, are told apart. */
static uint64_t class_of(uint32_t us)
{
	uint64_t ms = us / 1000 + 1;
	int digits = 64 - __builtin_clzll(ms);

	return digits > 4 ? ms >> (digits - 4) << (digits - 4) : ms;
}

/* What those of whom something is known take on the average: of many, some are asked. */
static uint32_t average(struct look *look)
{
	const struct tier *tier = look->tier;
	uint32_t at = (uint32_t)look_below(look, tier->count);
	uint64_t sum = 0, known = 0;

	for (uint32_t i = 0; i < tier->count && i < ASKED_MAX; i++) {
		uint32_t us = least_time_of(tier->seats[at].server, look->wish->now_ms);

		sum += us;
		known += us > 0;
		at = at + 1 < tier->count ? at + 1 : 0;
	}
	return known ? (uint32_t)(sum / known) : 0;
}

static uint64_t cost_of(struct look *look, const struct seat *seat)
{
	uint32_t us = least_time_of(seat->server, look->wish->now_ms);

	return class_of(us ? us : average(look)) *
	       (UINT64_C(1) + atomic_load_explicit(&seat->server->active, memory_order_relaxed));
}

static const struct seat *propose(struct look *look)
{
	const struct seat *seats[2];

	draw_two(look, seats);
	if (seats[1] &&
	    cost_of(look, seats[1]) * seats[0]->weight < cost_of(look, seats[0]) * seats[1]->weight)
		return seats[1];
	return seats[0];
}

const struct way least_time = {.name = "least_time", .prepare = draw_prepare, .propose = propose};
