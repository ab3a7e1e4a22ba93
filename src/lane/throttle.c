#include "lane/throttle.h"

#include "base/clock.h"
#include "lane/road.h"
#include "loop/loop.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static uint64_t now_ns(const struct lane *lane)
{
	return lane_loop(lane)->coalesce.now_ns;
}

/* What n bytes take, rounded up; no number of them overflows. */
static uint64_t time_of(const struct throttle *throttle, uint32_t bytes)
{
	return (bytes * NS_PER_SECOND + throttle->rate - 1) / throttle->rate;
}

void throttle_begin(struct lane *lane, uint32_t rate)
{
	lane->throttle = (struct throttle){
		.timer.kind = TIMER_THROTTLE,
		.due_ns = now_ns(lane),
		.rate = rate,
	};
}

void throttle_end(struct lane *lane)
{
	wheel_clear(&lane_loop(lane)->wheel, &lane->throttle.timer);
}

/* Until what it took is due: when the millisecond is over in which it is. */
static void wait_until_due(struct lane *lane)
{
	struct loop *loop = lane_loop(lane);

	wheel_set(&loop->wheel, &lane->throttle.timer, lane->throttle.due_ns / CLOCK_NS_PER_MS + 1);
	stats_count(&loop->stats, rate_waits, 1);
}

uint32_t throttle_room(struct lane *lane)
{
	struct throttle *throttle = &lane->throttle;
	uint64_t now = now_ns(lane), most = now + THROTTLE_AHEAD_NS, bytes;

	if (throttle_waits(throttle))
		return 0;
	if (now > THROTTLE_BEHIND_NS && throttle->due_ns < now - THROTTLE_BEHIND_NS)
		throttle->due_ns = now - THROTTLE_BEHIND_NS;
	if (throttle->due_ns >= now + THROTTLE_AHEAD_NS / 2) {
		wait_until_due(lane);
		return 0;
	}
	bytes = (most - throttle->due_ns) * throttle->rate / NS_PER_SECOND;
	return bytes > THROTTLE_LEAST ? (uint32_t)bytes : THROTTLE_LEAST;
}

void throttle_took(struct lane *lane, uint32_t bytes)
{
	lane->throttle.due_ns += time_of(&lane->throttle, bytes);
}

bool throttle_holds(const struct lane *lane)
{
	return lane->throttle.rate && lane->throttle.due_ns > now_ns(lane);
}

void throttle_expired(struct lane *lane)
{
	struct road *road = road_of(lane);

	road->active_ms = road->loop->now_ms; /* it was not idle, it was not read from */
	lane_mark(road_has_upstream(road) ? lane : &road->lanes[LANE_UP]);
}
