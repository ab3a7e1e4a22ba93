/*
 * Receiving while buffers are short: lane.h says what it is for.
 *
 * A lane whose sink does not read keeps what it received last, so as many of
 * them as there are buffers would have all, and nobody else could receive as
 * much as an end.  The reserve is therefore spent only where it comes back at
 * once: into one buffer no more is received than the sink is certain to take.
 * That is asked of the kernel when the buffer is there, so it needs no operation.
 * And it is received without waiting: an idle source shall not keep one either.
 */
#include "lane/lane.h"
#include "lane/road.h"
#include "loop/loop.h"

#include "loop/socket.h"

#include <errno.h>

/* Whether its source and its sink are there to be used. */
static bool is_usable(const struct lane *lane)
{
	if (!lane_is_read(lane) || lane->receiving || lane_stocked(lane))
		return false;
	if (lane->gate == GATE_FLOWS || lane->gate == GATE_HOLDS)
		return true;
	if (lane->gate != GATE_TRIES || lane->state == LANE_BROKEN)
		return false;
	return lane->to != SIDE_UPSTREAM ||
	       socket_phase(lane_to_fd(lane)) != SOCKET_DEAD; /* the other lane is told */
}

static uint32_t room_of(const struct lane *lane)
{
	if (lane->state == LANE_BROKEN)
		return UINT32_MAX; /* it is dropped */
	if (lane->gate == GATE_HOLDS)
		return UINT32_MAX; /* it is taken at once */
	if (lane->gate == GATE_TRIES && lane->to == SIDE_UPSTREAM &&
	    socket_phase(lane_to_fd(lane)) != SOCKET_CONNECTED)
		return 0;
	return socket_room(lane_to_fd(lane), 1);
}

void lane_need_not_be_fed(struct lane *lane)
{
	if (list_is_linked(&lane->starved))
		list_remove(&lane->starved);
}

void lane_unstarve(struct lane *lane)
{
	list_remove(&lane->starved);
	lane->rationed = false;
	lane_mark(lane);
}

bool lane_feed(struct lane *lane, int *ret_result)
{
	struct stock *stock = &road_of(lane)->loop->stock;
	uint32_t room;
	uint16_t id;
	int n;

	list_remove(&lane->starved);
	if (!is_usable(lane))
		return false;
	room = room_of(lane);
	if (!room) {
		lane_wait_writable(lane); /* then it goes to the end of the line */
		return false;
	}
	if (unlikely(lane->throttle.rate) && lane->state != LANE_BROKEN) {
		uint32_t most = throttle_room(lane);

		if (!most)
			return false; /* as above */
		room = room < most ? room : most;
	}
	id = stock_take(stock);
	n = socket_receive(lane_from_fd(lane), stock_memory(stock, id),
			   room < stock->buffer_size ? room : stock->buffer_size);
	if (n > 0)
		lane->fed = id;
	else
		stock_give(stock, id);
	*ret_result = n;
	if (n != -EAGAIN)
		return true;
	lane->rationed = false;
	lane->wait_first = true;
	lane_mark(lane);
	return false;
}
