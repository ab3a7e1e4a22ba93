#include "pool/passive.h"

/* ---- The window ------------------------------------------------------------------------------ */

/* Each puts its own in and then counts, so of several at once the last counts all of them. */
static uint32_t failures_within(struct server *server, uint32_t within_ms, uint64_t now_ms)
{
	uint32_t place = atomic_fetch_add(&server->fails_next, 1) % SERVER_FAILS_MAX, count = 0;

	atomic_store(&server->fails_at[place], now_ms);
	for (uint32_t i = 0; i < SERVER_FAILS_MAX; i++) {
		uint64_t at = atomic_load(&server->fails_at[i]);

		count += at != 0 && at + within_ms > now_ms;
	}
	return count;
}

static void forget(struct server *server)
{
	for (uint32_t i = 0; i < SERVER_FAILS_MAX; i++)
		atomic_store_explicit(&server->fails_at[i], 0, memory_order_relaxed);
	atomic_store_explicit(&server->ejections, 0, memory_order_relaxed);
}

/* ---- Being out ------------------------------------------------------------------------------- */

/* Room for one more that is out; false: half of them are. */
static bool may_be_out(struct passive_pool *pool)
{
	uint32_t most = atomic_load_explicit(&pool->takers, memory_order_relaxed) / 2;
	uint32_t ejected = atomic_load_explicit(&pool->ejected, memory_order_relaxed);

	do {
		if (ejected >= most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&pool->ejected, &ejected, ejected + 1, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void is_in(struct passive_pool *pool)
{
	uint32_t ejected = atomic_fetch_sub_explicit(&pool->ejected, 1, memory_order_relaxed);

	assert(ejected > 0);
}

/* How long for the first time, the second ... */
static uint32_t out_ms(const struct passive_rule *rule, uint32_t times)
{
	uint64_t longest =
		rule->within_ms > PASSIVE_LONGEST_MS ? rule->within_ms : PASSIVE_LONGEST_MS;
	uint64_t out = (uint64_t)rule->within_ms << (times < 31 ? times : 31);

	return (uint32_t)(out < longest ? out : longest);
}

static bool changes(struct server *server, uint64_t from, uint64_t until_ms)
{
	return atomic_compare_exchange_strong_explicit(&server->ejection, &from,
						       passive_make(until_ms, false),
						       memory_order_relaxed, memory_order_relaxed);
}

static enum passive eject(struct server *server, const struct passive_rule *rule,
			  struct passive_pool *pool, uint64_t now_ms, uint32_t *ret_out_ms)
{
	uint32_t out = out_ms(rule, 0);

	if (!may_be_out(pool))
		return PASSIVE_NOTHING;
	if (!changes(server, 0, now_ms + out)) {
		is_in(pool); /* another has done it */
		return PASSIVE_NOTHING;
	}
	atomic_fetch_add_explicit(&server->ejected, 1, memory_order_relaxed);
	*ret_out_ms = out;
	return PASSIVE_EJECTED;
}

/* It was out, as `word` says, and whoever tried it has failed. */
static enum passive prolong(struct server *server, const struct passive_rule *rule, uint64_t word,
			    uint64_t now_ms, uint32_t *ret_out_ms)
{
	uint32_t times = atomic_load_explicit(&server->ejections, memory_order_relaxed) + 1;
	uint32_t out = out_ms(rule, times);

	if (!changes(server, word, now_ms + out))
		return PASSIVE_NOTHING;
	atomic_store_explicit(&server->ejections, times, memory_order_relaxed);
	*ret_out_ms = out;
	return PASSIVE_LONGER;
}

enum passive passive_failed(struct server *server, const struct passive_rule *rule,
			    struct passive_pool *pool, uint64_t now_ms, uint32_t *ret_out_ms)
{
	uint32_t most = rule->fails < SERVER_FAILS_MAX ? rule->fails : SERVER_FAILS_MAX;
	uint64_t word = passive_word(server);

	if (word & 1)
		return prolong(server, rule, word, now_ms, ret_out_ms);
	if (word || most == 0 || failures_within(server, rule->within_ms, now_ms) < most)
		return PASSIVE_NOTHING;
	return eject(server, rule, pool, now_ms, ret_out_ms);
}

bool passive_ends(struct server *server, struct passive_pool *pool)
{
	if (likely(passive_word(server) == 0))
		return false;
	forget(server);
	if (atomic_exchange_explicit(&server->ejection, 0, memory_order_relaxed) == 0)
		return false; /* another has ended it */
	is_in(pool);
	return true;
}

void passive_unknown(struct server *server, uint64_t now_ms)
{
	uint64_t word = passive_word(server);

	if (word & 1)
		(void)changes(server, word, now_ms);
}

bool passive_is_out(const struct server *server, uint64_t *ret_until_ms, bool *ret_tried)
{
	uint64_t word = passive_word(server);

	if (word == 0)
		return false;
	*ret_until_ms = word >> 1;
	*ret_tried = word & 1;
	return true;
}
