/*
 * Receiving: how much a lane may take at once, and what becomes of it.
 */
#include "config/config.h"
#include "lane/road.h"
#include "lane/turn.h"
#include "loop/loop.h"

#include "base/fault.h"

#include <string.h>

#define STOCK_GROUP  0
#define COALESCE_MAX 2048u /* bytes; copying this much is cheaper than holding a buffer for it */

/*
 * Bytes of the stock that one lane may have.  The n-th that holds something gets 1/8n, and
 * nobody more than a quarter of what is free: so sinks that do not read cannot take all.
 * That quarter is the bound, the fraction only makes it fair.  A lane whose sink has
 * shown that it reads gives back what it gets, and need not suffer for those.
 */
static uint64_t share_of(const struct lane *lane)
{
	const struct stock *stock = &lane_loop(lane)->stock;
	uint32_t free = stock_free(stock);
	uint32_t unreserved = free > stock->reserve ? free - stock->reserve : 0;
	uint32_t fair = stock->count / 8 / (stock->holders + 1);
	uint32_t share = fair < free / 4 ? fair : free / 4;

	if (lane->trust == LANE_PROVEN && !lane->blocked && share < unreserved / 8)
		share = unreserved / 8;
	return (uint64_t)share * stock->buffer_size;
}

/*
 * What the next receive may bring: whole buffers.  A lane starts with one and doubles
 * with every budget that its sink has taken.
 */
static uint32_t next_budget(struct lane *lane, uint32_t room)
{
	uint32_t buffer_size = lane_loop(lane)->stock.buffer_size;
	uint32_t most = turn_receive_most(lane_loop(lane), lane_settings(lane)->receive_budget);
	uint64_t share = share_of(lane);

	lane->budget = lane->budget ? lane->budget * 2 : buffer_size;
	if (lane->budget > most)
		lane->budget = most;
	if (lane->budget > share)
		lane->budget = (uint32_t)share;
	if (lane->budget < buffer_size)
		lane->budget = buffer_size;
	return lane->budget < room ? lane->budget : room;
}

/* Bytes that its rate lets it take now.  What is only dropped has none. */
static uint32_t room_of(struct lane *lane)
{
	if (likely(!lane->throttle.rate) || lane->state == LANE_BROKEN)
		return UINT32_MAX;
	return throttle_room(lane);
}

/* What goes into one buffer then; 0: what fits. */
static uint32_t cap_of(const struct loop *loop, uint32_t room)
{
	return room < loop->stock.buffer_size ? room : 0;
}

/* Once it holds nothing, and need not wait for its sink, it stands in line with all others. */
static bool stands_in_line(const struct lane *lane)
{
	return lane->rationed && !lane_stocked(lane) && !lane->polling;
}

/* So much waits for the sink that no more is to be received for it. */
static bool is_long(const struct lane *lane)
{
	return lane->state == LANE_OPEN && lane_stocked(lane) > lane->budget / 2;
}

/*
 * Without kernel budgets a receive brings one buffer.  A multishot one cannot be
 * stopped in time: within a single turn a fast source has megabytes in buffers
 * before its first completion is seen, and a few such sources have all of them.
 */
void lane_receive(struct lane *lane)
{
	struct loop *loop = lane_loop(lane);
	struct io_uring_sqe *sqe;
	uint32_t budget, room;

	if (lane->receiving || !lane_is_read(lane))
		return;
	room = room_of(lane);
	if (room && !list_is_linked(&lane->starved) && !is_long(lane) && stands_in_line(lane))
		list_push(&loop->starved, &lane->starved);
	if (list_is_linked(&lane->starved) || is_long(lane) || lane->rationed || !room) {
		road_of(lane)->events->unread(road_of(lane), lane->index);
		return;
	}
	budget = next_budget(lane, room);
	sqe = lane_entry(lane);
	if (loop->has_budget) {
		ring_prep_recv_multishot(sqe, lane_from_fd(lane), STOCK_GROUP, cap_of(loop, room),
					 budget);
		if (loop->has_bundle && lane->filling && room >= loop->stock.buffer_size)
			ring_sqe_bundle(sqe);
	} else {
		ring_prep_recv(sqe, lane_from_fd(lane), NULL, cap_of(loop, room), 0);
		ring_sqe_buffer_select(sqe, STOCK_GROUP);
	}
	if (lane->wait_first)
		ring_sqe_poll_first(sqe);
	lane->wait_first = false;
	lane_submit(lane, OP_RECV, sqe);
	lane->receiving = true;
}

void lane_cancel_receive(struct lane *lane)
{
	if (!lane->receiving || lane->cancelling)
		return;
	op_cancel(lane_loop(lane), &road_of(lane)->flight, lane->index, OP_RECV);
	lane->cancelling = true;
}

/*
 * Small pieces move into the room behind the queue's last one, so that a slow
 * sink holds about as many bytes of buffers as bytes, however small the
 * segments come.  A send in flight reads only what was there when it began.
 */
static bool coalesce(struct lane *lane, struct stock *stock, uint16_t id, uint32_t length)
{
	struct chunk *last;

	if (lane->tail == STOCK_NONE || length > COALESCE_MAX)
		return false;
	last = &stock->chunks[lane->tail];
	if (stock->buffer_size - last->offset - last->length < length)
		return false;
	memcpy(stock_memory(stock, lane->tail) + last->offset + last->length,
	       stock_memory(stock, id), length);
	last->length += length;
	stock_give(stock, id);
	return true;
}

static void append(struct lane *lane, struct stock *stock, uint16_t id, uint32_t length)
{
	stock->holders += lane_stocked(lane) == 0;
	lane->queued += length;
	if (coalesce(lane, stock, id, length))
		return;
	stock->chunks[id] = (struct chunk){.length = length, .next = STOCK_NONE};
	if (lane->tail == STOCK_NONE)
		lane->head = id;
	else
		stock->chunks[lane->tail].next = id;
	lane->tail = id;
	lane->chunks++;
}

static void take_buffers(struct lane *lane, const struct io_uring_cqe *done)
{
	struct stock *stock = &lane_loop(lane)->stock;
	struct ring_bundle bundle = ring_buffers_bundle(&stock->buffers, done);
	uint32_t length;
	uint16_t id;

	while (ring_bundle_next(&bundle, &id, &length)) {
		if (lane->state == LANE_OPEN && length > 0)
			append(lane, stock, id, length);
		else
			stock_give(stock, id);
	}
}

static void take_fed(struct lane *lane, uint32_t length)
{
	struct stock *stock = &lane_loop(lane)->stock;

	if (lane->state == LANE_OPEN)
		append(lane, stock, lane->fed, length);
	else
		stock_give(stock, lane->fed);
	lane->fed = STOCK_NONE;
}

static void starve(struct lane *lane)
{
	struct loop *loop = lane_loop(lane);

	stats_count(&loop->stats, buffers_exhausted, 1);
	if (stock_is_short(&loop->stock))
		condition_enter(loop, CONDITION_BUFFERS, 0);
	stock_ran_dry(&loop->stock);
	lane->rationed = true;
}

void lane_took(struct lane *lane, uint32_t bytes)
{
	struct road *road = road_of(lane);

	if (lane->received == 0 && lane->index == LANE_DOWN)
		road->events->heard(road);
	lane->received += bytes;
	if (unlikely(lane->throttle.rate))
		throttle_took(lane, bytes);
	rest_heard(&road->lanes[lane->index == LANE_UP ? LANE_DOWN : LANE_UP], bytes);
	if (lane->index == LANE_UP && road_has_upstream(road))
		coalesce_asked(&road->loop->coalesce, &road->asked_ns);
	else
		coalesce_answered(&road->loop->coalesce, &road->asked_ns);
	if (!road_has_upstream(road))
		stats_count(&road->loop->stats, bytes_up, bytes);
}

static void failed(struct lane *lane, int error)
{
	enum fault fault = fault_of(FAULT_AT_RECEIVE, error);

	if (fault == FAULT_BUFFERS)
		starve(lane);
	else if (fault != FAULT_PASSING)
		lane_reset(lane, error);
}

void lane_received(struct lane *lane, const struct io_uring_cqe *done)
{
	struct road *road = road_of(lane);

	lane->receiving = done->flags & IORING_CQE_F_MORE;
	if (!lane->receiving)
		lane->cancelling = false;
	if (done->flags & IORING_CQE_F_BUFFER)
		take_buffers(lane, done);
	else if (unlikely(lane->fed != STOCK_NONE))
		take_fed(lane, (uint32_t)done->res);
	if (done->res > 0 && lane->state == LANE_BROKEN) {
		road->events->dropped(road, lane->index);
	} else if (done->res > 0) {
		road->active_ms = road->loop->now_ms;
		lane_took(lane, (uint32_t)done->res);
		/* Bundles pay where one buffer is not enough, and cost 2 % where it is. */
		lane->filling = (uint32_t)done->res >= road->loop->stock.buffer_size;
	} else if (done->res == 0) {
		lane_end(lane);
	} else {
		failed(lane, done->res);
	}
	lane_mark(lane);
}
