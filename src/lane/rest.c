#include "lane/rest.h"

#include "base/clock.h"
#include "lane/road.h"
#include "loop/loop.h"

#define RICH_BYTES    (32u << 10)
#define REQUEST_BYTES (4u << 10) /* and fewer */
#define PERIOD_MAX_US 200u       /* in 1 ms a source with 512 KiB (tcp_rmem) stands still */

static uint64_t period_ns(const struct loop *loop)
{
	uint32_t us = loop->sizes.coalesce_us;

	return (us < PERIOD_MAX_US ? us : PERIOD_MAX_US) * 1000ull;
}

/*
 * All go on at the same moments, a period apart: a timer for each would wake the
 * worker as many times as there are lanes.  A rest is a quarter of it at least.
 */
static uint64_t end_of_rest(uint64_t now_ns, uint64_t period)
{
	uint64_t least_ns = now_ns + period / 4;

	return (least_ns + period - 1) / period * period;
}

bool rest_begin(struct lane *lane, uint64_t moved)
{
	struct loop *loop = road_of(lane)->loop;
	struct rest *rest = &lane->rest;
	bool due = rest_is_ahead(lane) && moved > 0;

	assert(!lane_rests(lane));
	if (moved < RICH_BYTES)
		rest->rich = 0;
	else if (rest->rich < REST_AFTER)
		rest->rich++;
	if (!due)
		return false;
	rest->until_ns = end_of_rest(clock_now_ns(), period_ns(loop));
	list_push(&loop->resting, &rest->link);
	return true;
}

bool rest_is_ahead(const struct lane *lane)
{
	return lane->rest.rich >= REST_AFTER && period_ns(road_of(lane)->loop) > 0;
}

void rest_heard(struct lane *lane, uint32_t bytes)
{
	if (bytes <= REQUEST_BYTES)
		lane->rest.rich = 0;
}

void rest_cut(struct lane *lane)
{
	if (lane_rests(lane))
		list_remove(&lane->rest.link);
}

static struct lane *first_of(const struct loop *loop)
{
	return container_of(loop->resting.next, struct lane, rest.link);
}

uint64_t rest_deadline(const struct loop *loop)
{
	return list_is_empty(&loop->resting) ? UINT64_MAX : first_of(loop)->rest.until_ns;
}

void rest_expire(struct loop *loop, uint64_t now_ns)
{
	while (rest_deadline(loop) <= now_ns) {
		struct lane *lane = first_of(loop);

		rest_cut(lane);
		lane_mark(lane);
	}
}
