#include "net/turn.h"

#include "net/lane.h"
#include "net/relay.h"
#include "net/session.h"
#include "net/worker.h"

static struct lane *lane_of(struct list *node)
{
	return container_of(node, struct lane, dirty);
}

static bool is_heavy(const struct lane *lane)
{
	return lane->heavy || lane->queued > LANE_HEAVY;
}

/* What lanes move that move little is not counted, or many of them would leave nothing. */
static void flush(struct worker *worker, struct lane *lane)
{
	uint64_t before = lane->bytes + lane->sending, moved;

	if (lane_session(lane)->state == SESSION_CLOSING)
		return;
	lane->strategy->flush(lane);
	moved = lane->bytes + lane->sending - before;
	if (moved > LANE_HEAVY)
		worker->turn_left -=
			moved < worker->turn_left ? (uint32_t)moved : worker->turn_left;
}

/* Put them before all that are marked. */
static void mark_first(struct worker *worker, struct list *left)
{
	struct list marked, *node;

	list_init(&marked);
	list_move_all(&worker->dirty, &marked);
	list_move_all(left, &worker->dirty);
	while ((node = list_pop(&marked)))
		list_push(&worker->dirty, node);
}

void turn_flush(struct worker *worker)
{
	struct list marked, heavy, *node;

	list_init(&marked);
	list_init(&heavy);
	list_move_all(&worker->dirty, &marked);
	worker->turn_left = worker->engine->turn_bytes;
	while ((node = list_pop(&marked))) {
		if (is_heavy(lane_of(node)))
			list_push(&heavy, node);
		else
			flush(worker, lane_of(node));
	}
	do {
		node = list_pop(&heavy);
		if (node)
			flush(worker, lane_of(node));
	} while (node && worker->turn_left > 0);
	if (!list_is_empty(&heavy))
		mark_first(worker, &heavy);
}
