#include "lane/lane.h"

#include "lane/road.h"
#include "loop/loop.h"
#include "loop/socket.h"

#include <errno.h>

void lane_become(struct lane *lane, const struct strategy *strategy)
{
	lane->strategy = strategy;
}

void lane_init(struct lane *lane, unsigned index, unsigned to, enum lane_state state)
{
	*lane = (struct lane){
		.index = (uint8_t)index,
		.to = (uint8_t)to,
		.head = STOCK_NONE,
		.tail = STOCK_NONE,
		.fed = STOCK_NONE,
		.state = (uint8_t)state,
	};
}

struct io_uring_sqe *lane_entry(struct lane *lane)
{
	return loop_entry(lane_loop(lane));
}

void lane_submit(struct lane *lane, enum op_kind kind, struct io_uring_sqe *sqe)
{
	op_submit(&road_of(lane)->flight, lane->index, kind, sqe);
}

void lane_mark(struct lane *lane)
{
	if (!list_is_linked(&lane->dirty))
		list_push(&lane_loop(lane)->dirty, &lane->dirty);
}

/* ---- Ends --------------------------------------------------------------------------------------
 */

/*
 * A reset is told once.  A send that is in flight may have been told, and we not
 * yet: splice(2) and a polling kernel thread do not wait for each other.
 */
static bool reset_in_secret(const struct lane *lane)
{
	const struct road *road = road_of(lane);

	for (unsigned i = 0; i < LANE_COUNT; i++)
		if (road->lanes[i].to == lane->index && road->lanes[i].sending)
			return socket_phase(lane_from_fd(lane)) == SOCKET_DEAD;
	return false;
}

void lane_break(struct lane *lane)
{
	if (lane->state == LANE_SHUT || lane->state == LANE_BROKEN)
		return;
	lane->state = LANE_BROKEN;
	lane_mark(lane);
}

void lane_end(struct lane *lane)
{
	struct road *road = road_of(lane);
	int error = road->broken[lane->index];

	if (!error && reset_in_secret(lane))
		error = -ECONNRESET;
	if (error) { /* the sending half was told of the reset, the receiving one sees an end */
		lane_reset(lane, error);
	} else if (lane->state == LANE_OPEN) {
		lane->state = LANE_ENDING;
		road->events->ended(road, lane->index);
	} else if (lane->state == LANE_BROKEN && !lane->ended) {
		lane->ended = true;
		road->events->ended(road, lane->index);
	}
	lane_mark(lane);
}

void lane_reset(struct lane *lane, int error)
{
	if (lane->state == LANE_OPEN || lane->state == LANE_ENDING)
		lane->state = LANE_RESETTING;
	else
		lane->ended = true;
	lane_broken(lane, error);
	lane_mark(lane);
}

void lane_broken(struct lane *lane, int error)
{
	road_of(lane)->events->broken(road_of(lane), lane->index, error);
}

void lane_unsent(struct lane *lane, int error)
{
	road_of(lane)->events->unsent(road_of(lane), lane, error);
}

void lane_farewell(struct lane *lane, enum lane_farewell why)
{
	if (why == FAREWELL_ANSWERED)
		socket_shut_write(lane_to_fd(lane));
	road_of(lane)->events->farewell(road_of(lane), why);
}

void lane_expect(struct lane *lane, uint32_t ms)
{
	lane->overdue = false;
	road_of(lane)->events->expects(road_of(lane), ms);
}

/* ---- The queue ------------------------------------------------------------------------------- */

const unsigned char *lane_peek(const struct lane *lane, uint32_t *ret_length)
{
	const struct stock *stock = &lane_loop(lane)->stock;

	*ret_length = 0;
	if (unlikely(lane->preface)) {
		*ret_length = lane->preface->length;
		return lane->preface->bytes + lane->preface->offset;
	}
	if (lane->head == STOCK_NONE)
		return NULL;
	*ret_length = stock->chunks[lane->head].length;
	return stock_memory(stock, lane->head) + stock->chunks[lane->head].offset;
}

void lane_consume(struct lane *lane, uint32_t count)
{
	struct stock *stock = &lane_loop(lane)->stock;

	assert(count <= lane->queued);
	if (unlikely(lane->preface)) {
		uint32_t part = preface_consume(lane, count);

		lane->queued -= part;
		count -= part;
	}
	stock->holders -= count > 0 && count == lane_stocked(lane);
	lane->queued -= count;
	while (count > 0) {
		struct chunk *chunk = &stock->chunks[lane->head];
		uint32_t part = count < chunk->length ? count : chunk->length;

		chunk->offset += part;
		chunk->length -= part;
		count -= part;
		if (chunk->length > 0)
			break;
		uint16_t id = lane->head;
		lane->head = chunk->next;
		if (lane->head == STOCK_NONE)
			lane->tail = STOCK_NONE;
		lane->chunks--;
		stock_give(stock, id);
	}
}

void lane_drop(struct lane *lane)
{
	if (lane->sending == 0)
		lane_consume(lane, lane->queued);
}
