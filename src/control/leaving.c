#include "control/leaving.h"

#include "base/grow.h"
#include "worker/census.h"

#include "ops/log.h"

#include <errno.h>
#include <stdlib.h>

#define load(from)      atomic_load_explicit(from, memory_order_acquire)
#define store(to, what) atomic_store_explicit(to, what, memory_order_release)

/* ---- Lists ----------------------------------------------------------------------------------- */

static int push(struct leaving_list *list, struct server *server)
{
	struct server **servers = grow(list->servers, list->count, 1, sizeof(struct server *));

	if (!servers)
		return -ENOMEM;
	list->servers = servers;
	servers[list->count++] = server;
	return 0;
}

/* One user of it less; the last one takes what was counted along. */
static void let_go(struct leaving *leaving, struct server *server)
{
	struct account *account = server->account;
	bool is_last = server->users == 1;

	store(&server->leaves, false);
	servers_put(server);
	if (is_last && account && account->idle_ms)
		ledger_forget(leaving->ledger, account);
}

static void let_all_go(struct leaving *leaving, struct leaving_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		let_go(leaving, list->servers[i]);
	free(list->servers);
	*list = (struct leaving_list){0};
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* Those that are held are asked for again; without memory for that, they stay for good. */
static void sort_out(struct leaving *leaving)
{
	for (uint32_t i = 0; i < leaving->asked.count; i++) {
		struct server *server = leaving->asked.servers[i];
		bool is_held = load(&server->held) || load(&server->active);

		if (push(is_held ? &leaving->left : &leaving->freed, server) < 0)
			(void)log_no_memory("servers that are gone");
	}
	free(leaving->asked.servers);
	leaving->asked = (struct leaving_list){0};
}

static void answered(struct order *order)
{
	struct leaving *leaving = order->owner;

	if (--leaving->out == 0)
		sort_out(leaving);
}

static void ask(struct leaving *leaving)
{
	leaving->asked = leaving->left;
	leaving->left = (struct leaving_list){0};
	for (uint32_t i = 0; i < leaving->asked.count; i++) {
		store(&leaving->asked.servers[i]->held, false);
		store(&leaving->asked.servers[i]->leaves, true);
	}
	if (!leaving->crew) {
		sort_out(leaving);
		return;
	}
	leaving->out = leaving->crew->count;
	for (uint32_t i = 0; i < leaving->crew->count; i++) {
		leaving->orders[i] = (struct census_order){
			.order = {.kind = ORDER_CENSUS, .done = answered, .owner = leaving},
			.below = UINT64_MAX,
			.holds = true,
		};
		crew_send(leaving->crew, i, &leaving->orders[i].order);
	}
}

/* ---- For the supervisor ---------------------------------------------------------------------- */

int leaving_open(struct leaving *leaving, struct servers *servers, struct ledger *ledger,
		 struct crew *crew)
{
	*leaving = (struct leaving){.servers = servers, .ledger = ledger, .crew = crew};
	if (!crew)
		return 0;
	leaving->orders = calloc(crew->count, sizeof(*leaving->orders));
	return leaving->orders ? 0 : -ENOMEM;
}

void leaving_close(struct leaving *leaving)
{
	if (!leaving->servers)
		return;
	let_all_go(leaving, &leaving->left);
	let_all_go(leaving, &leaving->asked);
	let_all_go(leaving, &leaving->freed);
	free(leaving->orders);
	*leaving = (struct leaving){0};
}

static bool is_idle(const struct server *server)
{
	return load(&server->active) == 0 && load(&server->account->connections) == 0;
}

/* Whether it has been gone, and without connections, for long enough. */
static bool is_over(struct member *member, uint64_t now_ms)
{
	if (!member->gone_ms)
		return false;
	if (!is_idle(member->server))
		member->idle_ms = 0;
	else if (!member->idle_ms)
		member->idle_ms = now_ms ? now_ms : 1;
	return member->idle_ms && now_ms - member->idle_ms >= LEAVING_MS;
}

void leaving_look(struct leaving *leaving, const struct edition *edition, uint64_t now_ms)
{
	for (uint32_t i = 0; i < edition->pool_count; i++) {
		struct pool *pool = &edition->pools[i];

		for (uint32_t m = pool->count; m-- > 0;)
			if (is_over(&pool->members[m], now_ms) &&
			    push(&leaving->left, pool->members[m].server) == 0)
				(void)pool_remove(pool, m);
	}
}

void leaving_turn(struct leaving *leaving, uint64_t now_ms)
{
	ledger_sweep(leaving->ledger, LEAVING_MS, now_ms);
	let_all_go(leaving, &leaving->freed);
	if (leaving->out == 0 && leaving->left.count)
		ask(leaving);
}

bool leaving_is_due(const struct leaving *leaving, const struct edition *edition)
{
	if (leaving->left.count || leaving->asked.count || leaving->freed.count)
		return true;
	for (uint32_t i = 0; i < edition->pool_count; i++)
		for (uint32_t m = 0; m < edition->pools[i].count; m++)
			if (edition->pools[i].members[m].gone_ms)
				return true;
	return false;
}
