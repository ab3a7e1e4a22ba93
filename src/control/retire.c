#include "control/retire.h"

#include "base/clock.h"
#include "worker/census.h"

#include "ops/log.h"

#include <stdlib.h>

/* ---- Connections ----------------------------------------------------------------------------- */

struct expire_order {
	struct census_order census;
	struct glance_filter filter;
};

static void ended(struct order *order)
{
	free(container_of(order, struct expire_order, census.order));
}

/* That worker's connections under an old edition have had their time. */
static int expire(struct retiring *retiring, uint32_t worker, const struct reading *old)
{
	struct expire_order *order = calloc(1, sizeof(*order));

	if (!order)
		return log_no_memory("ending the connections of an old edition");
	order->filter.edition = old->edition.number;
	order->census = (struct census_order){
		.order = {.kind = ORDER_CENSUS, .done = ended},
		.filter = &order->filter,
		.below = UINT64_MAX,
		.kills = true,
		.reason = REASON_OLD_EDITION,
	};
	crew_send(retiring->means.crew, worker, &order->census.order);
	return 0;
}

/* By the reading of the day: what it says may be said later than they came. */
static uint64_t expiry_ms(const struct retiring *retiring, const struct reading *old)
{
	uint32_t drain_old_ms = (*retiring->means.current)->config.drain_old_ms;

	if (!drain_old_ms)
		return EVENTS_NEVER;
	/* One that came meanwhile, in the grace of its address, has its end a little later. */
	return old->expired_ms ? old->expired_ms + RETIRE_GRACE_MS
			       : old->replaced_ms + drain_old_ms;
}

/* Of all that have had their time, and when to look again. */
static void expire_all(void *owner)
{
	struct retiring *retiring = owner;
	uint64_t next_ms = EVENTS_NEVER, now_ms = clock_now_ms();

	for (struct list *node = retiring->old.next; node != &retiring->old; node = node->next) {
		struct reading *old = container_of(node, struct reading, link);

		if (expiry_ms(retiring, old) <= now_ms) {
			if (!old->expired_ms)
				log_info("edition %llu: ending what is left under it (drain_old)",
					 (unsigned long long)old->edition.number);
			old->expired_ms = now_ms;
			for (uint32_t i = 0; i < retiring->means.crew->count; i++)
				(void)!expire(retiring, i, old);
		}
		if (expiry_ms(retiring, old) < next_ms)
			next_ms = expiry_ms(retiring, old);
	}
	events_set(retiring->expiry, next_ms);
}

static void retired(struct order *order)
{
	struct reading *reading = order->owner;

	if (--reading->retiring)
		return;
	log_info("edition %llu has ended: nothing is left under it, %llu s after it was replaced",
		 (unsigned long long)reading->edition.number,
		 (unsigned long long)(clock_now_ms() - reading->replaced_ms) / 1000);
	list_remove(&reading->link);
	reading_free(reading);
}

void retire_begin(struct retiring *retiring, struct reading *old)
{
	old->replaced_ms = clock_now_ms();
	old->retiring = old->workers;
	list_push(&retiring->old, &old->link);
	for (uint32_t i = 0; i < old->workers; i++) {
		old->retire[i].order.done = retired;
		old->retire[i].order.owner = old;
		crew_send(retiring->means.crew, i, &old->retire[i].order);
	}
	retiring->held = false;
	events_set_in(retiring->grace, RETIRE_GRACE_MS);
	expire_all(retiring);
}

void retire_hold(struct retiring *retiring)
{
	retiring->held = true;
}

struct reading *retire_next(const struct retiring *retiring, const struct reading *before)
{
	struct list *node = before ? before->link.next : retiring->old.next;

	return node == &retiring->old ? NULL : container_of(node, struct reading, link);
}

/* ---- Addresses ------------------------------------------------------------------------------- */

struct leave_order {
	struct accept_leave_order leave;
	struct accept_socket *sockets[];
};

static void left(struct order *order)
{
	free(container_of(order, struct leave_order, leave.order));
}

static struct leave_order *make_leave(const struct retiring *retiring, uint32_t worker,
				      uint32_t count)
{
	const struct entrances *entrances = retiring->means.entrances;
	struct leave_order *order = calloc(1, sizeof(*order) + count * sizeof(void *));

	if (!order)
		return NULL;
	order->leave = (struct accept_leave_order){
		.order = {.kind = ORDER_LEAVE, .done = left},
		.count = count,
		.sockets = order->sockets,
	};
	(void)entrances_unclaimed(entrances, &(*retiring->means.current)->sockets, worker,
				  order->sockets);
	return order;
}

/* The grace is over for what the reading of the day does not name. */
static void leave_all(void *owner)
{
	struct retiring *retiring = owner;
	struct crew *crew = retiring->means.crew;
	struct entrances *entrances = retiring->means.entrances;
	const struct sockets *current = &(*retiring->means.current)->sockets;
	uint32_t count = entrances_unclaimed(entrances, current, 0, NULL), made = 0;
	struct leave_order **orders;

	if (count == 0 || retiring->held)
		return; /* retire_begin() gives the rest a grace again */
	orders = calloc(crew->count, sizeof(*orders));
	while (orders && made < crew->count && (orders[made] = make_leave(retiring, made, count)))
		made++;
	if (made < crew->count) {
		(void)log_no_memory("closing what is not listened on any more");
		while (made > 0)
			free(orders[--made]);
		free(orders);
		events_set_in(retiring->grace, RETIRE_GRACE_MS);
		return;
	}
	/* Files go first: who finds one that is still there is served. */
	entrances_leave_unclaimed(entrances, current);
	for (uint32_t i = 0; i < crew->count; i++)
		crew_send(crew, i, &orders[i]->leave.order);
	free(orders);
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

int retire_open(struct retiring *retiring, const struct retire_means *means)
{
	int r;

	*retiring = (struct retiring){.means = *means};
	list_init(&retiring->old);
	r = events_add_timer(means->events, &retiring->grace, leave_all, retiring);
	if (r == 0)
		r = events_add_timer(means->events, &retiring->expiry, expire_all, retiring);
	return r;
}

void retire_close(struct retiring *retiring)
{
	struct list *node = retiring->old.next, *next;

	events_remove(retiring->grace);
	events_remove(retiring->expiry);
	for (; node && node != &retiring->old; node = next) {
		next = node->next;
		reading_free(container_of(node, struct reading, link));
	}
}
