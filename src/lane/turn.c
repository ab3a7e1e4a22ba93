#include "lane/turn.h"

#include "lane/road.h"
#include "lane/strategy.h"
#include "loop/loop.h"

#define COPY_COST     2 /* of a byte that is sent from a buffer, as one that is spliced */
#define SQUEEZE_MAX   3
#define EASY_TURNS    64          /* in a row, before more is received at once again */
#define RECEIVE_LEAST (64u << 10) /* less at once costs more CPU than warm buffers save */

static struct lane *lane_of(struct list *node)
{
	return container_of(node, struct lane, dirty);
}

static bool is_heavy(const struct lane *lane)
{
	return lane->heavy || lane->queued > LANE_HEAVY;
}

/* What lanes move that move little is not counted, or many of them would leave nothing. */
static void flush(struct loop *loop, struct lane *lane)
{
	uint64_t bytes = lane->bytes, moved;
	uint32_t sending = lane->sending;

	if (lane->gate == GATE_CLOSED)
		return;
	strategy_flush(lane);
	sending = lane->sending - sending;
	moved = lane->bytes - bytes + sending;
	if (moved <= LANE_HEAVY)
		return;
	moved += (uint64_t)sending * (COPY_COST - 1);
	loop->turn_left -= moved < loop->turn_left ? (uint32_t)moved : loop->turn_left;
}

/* Put them before all that are marked. */
static void mark_first(struct loop *loop, struct list *left)
{
	struct list marked, *node;

	list_init(&marked);
	list_move_all(&loop->dirty, &marked);
	list_move_all(left, &loop->dirty);
	while ((node = list_pop(&marked)))
		list_push(&loop->dirty, node);
}

/* Whether heavy lanes were left over: receive less at once then, or again more. */
static void adapt(struct loop *loop, bool left)
{
	loop->turns_easy = left ? 0 : loop->turns_easy + 1;
	if (left && loop->squeeze < SQUEEZE_MAX) {
		loop->squeeze++;
	} else if (loop->squeeze && loop->turns_easy >= EASY_TURNS) {
		loop->squeeze--;
		loop->turns_easy = 0;
	}
}

uint32_t turn_receive_most(const struct loop *loop, uint32_t budget)
{
	uint32_t least = budget < RECEIVE_LEAST ? budget : RECEIVE_LEAST;
	uint32_t most = budget >> loop->squeeze;

	return most > least ? most : least;
}

void turn_flush(struct loop *loop)
{
	struct list marked, heavy, *node;

	list_init(&marked);
	list_init(&heavy);
	list_move_all(&loop->dirty, &marked);
	loop->turn_left = loop->sizes.turn_bytes;
	while ((node = list_pop(&marked))) {
		if (is_heavy(lane_of(node)))
			list_push(&heavy, node);
		else
			flush(loop, lane_of(node));
	}
	do {
		node = list_pop(&heavy);
		if (node)
			flush(loop, lane_of(node));
	} while (node && loop->turn_left > 0);
	adapt(loop, !list_is_empty(&heavy));
	if (!list_is_empty(&heavy))
		mark_first(loop, &heavy);
}
