#include "control/replaced.h"

#include "pool/roster.h"

#include <errno.h>
#include <stdlib.h>

static void free_all(struct list *rosters)
{
	struct list *node;

	while ((node = list_pop(rosters)))
		roster_free(container_of(node, struct roster, link));
}

static void begin_round(struct replaced *replaced)
{
	struct list *node;

	while ((node = list_pop(&replaced->waiting)))
		list_push(&replaced->leaving, node);
	replaced->out = replaced->crew->count;
	for (uint32_t i = 0; i < replaced->crew->count; i++)
		crew_send(replaced->crew, i, &replaced->orders[i]);
}

static void answered(struct order *order)
{
	struct replaced *replaced = order->owner;

	if (--replaced->out > 0)
		return;
	free_all(&replaced->leaving);
	if (!list_is_empty(&replaced->waiting))
		begin_round(replaced);
}

int replaced_open(struct replaced *replaced, struct crew *crew)
{
	*replaced = (struct replaced){
		.crew = crew,
		.orders = calloc(crew->count, sizeof(*replaced->orders)),
	};
	list_init(&replaced->waiting);
	list_init(&replaced->leaving);
	if (!replaced->orders)
		return -ENOMEM;
	for (uint32_t i = 0; i < crew->count; i++)
		replaced->orders[i] =
			(struct order){.kind = ORDER_CATCH_UP, .done = answered, .owner = replaced};
	return 0;
}

void replaced_close(struct replaced *replaced)
{
	if (!replaced->crew)
		return;
	free_all(&replaced->leaving);
	free_all(&replaced->waiting);
	free(replaced->orders);
	*replaced = (struct replaced){0};
}

void replaced_add(struct replaced *replaced, const struct roster *roster)
{
	struct roster *old = (struct roster *)roster;

	if (!replaced) {
		roster_free(old);
		return;
	}
	list_push(&replaced->waiting, &old->link);
	if (replaced->out == 0)
		begin_round(replaced);
}
