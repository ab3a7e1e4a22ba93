/*
 * A road: two sockets, and a lane of bytes in each direction between them.
 *
 *   client  ===[ LANE_UP   ]===>  upstream
 *           <==[ LANE_DOWN ]====
 *
 * It is all that lanes and strategies know of a connection: no word of why it is there
 * or how it ends.  A session embeds one.  A service has the client's socket only, and
 * LANE_UP leads back to it.
 */
#ifndef LANE_ROAD_H
#define LANE_ROAD_H

#include "lane/lane.h"
#include "loop/op.h"

struct config_settings;
struct loop;
struct road;

enum { SIDE_CLIENT, SIDE_UPSTREAM, SIDE_COUNT };

static_assert((int)OP_LANES == (int)LANE_COUNT, "an operation belongs to a lane");

/*
 * What a road tells its owner.  None of these may close a descriptor or end an operation:
 * the lanes are in the midst of something.
 */
struct road_events {
	/* A side has said its end. */
	void (*ended)(struct road *road, unsigned side);
	/* Reading from a side failed (negative errno): it is reset. */
	void (*broken)(struct road *road, unsigned side, int error);
	/* A lane's send failed (negative errno). */
	void (*unsent)(struct road *road, struct lane *lane, int error);
	/* All that a lane had is sent, or dropped; and its end, if it is to be passed on. */
	void (*delivered)(struct road *road);
	/* Bytes of a side were dropped, since its sink takes no more. */
	void (*dropped)(struct road *road, unsigned side);
	/* The upstream has said something for the first time. */
	void (*heard)(struct road *road);
	/* Nothing is read from a side until what it has said gets on. */
	void (*unread)(struct road *road, unsigned side);
	/* All is sent that goes before an end, and the sink is still connecting. */
	void (*end_waits)(struct road *road);
	/* A service waits for its client, so long; 0: not any more. */
	void (*expects)(struct road *road, uint32_t ms);
	/* A service has said all it had to say. */
	void (*farewell)(struct road *road, enum lane_farewell why);
};

struct road {
	struct loop *loop;
	const struct road_events *events;
	const void *shared; /* what the strategy has made for all roads of a section */
	const struct config_settings *settings;
	struct flight flight;
	int fd[SIDE_COUNT];     /* -1: none */
	int broken[SIDE_COUNT]; /* negative errno that ended the side, 0 while it is well */
	uint64_t active_ms;     /* when a byte last moved */
	uint64_t asked_ns;      /* when the server was asked something, or 0: coalesce.h */
	struct lane lanes[LANE_COUNT];
};

static inline bool road_has_upstream(const struct road *road)
{
	return road->lanes[LANE_UP].to == SIDE_UPSTREAM;
}

static inline struct road *road_of(const struct lane *lane)
{
	const struct lane *first = lane - lane->index;

	return container_of(first, struct road, lanes);
}

/* lane.h's, of the road that a lane is on. */
static inline int lane_from_fd(const struct lane *lane)
{
	return road_of(lane)->fd[lane->index];
}

static inline int lane_to_fd(const struct lane *lane)
{
	return road_of(lane)->fd[lane->to];
}

static inline struct loop *lane_loop(const struct lane *lane)
{
	return road_of(lane)->loop;
}

static inline const struct config_settings *lane_settings(const struct lane *lane)
{
	return road_of(lane)->settings;
}

static inline const void *lane_shared(const struct lane *lane)
{
	return road_of(lane)->shared;
}

#endif
