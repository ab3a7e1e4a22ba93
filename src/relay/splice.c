/*
 * splice: the bytes stay in the kernel.
 *
 *      source --- splice(2) ---> pipe --- splice(2) ---> sink
 *        ^ poll when empty                     ^ poll when full
 *
 * The worker moves pages from socket to pipe to socket itself, without waiting:
 * OP_SPLICE would be carried out by a kernel thread for every direction that
 * waits.  Readiness comes from the ring by single polls, armed only after
 * EAGAIN: a poll that is armed late still tells what is there, so no edge is
 * missed.  A turn moves WORK_MAX bytes for one lane at most, then it is the
 * others' turn; less where less is left of the turn (lane/turn.h).
 *
 * EAGAIN from a full pipe and from an empty socket look the same, so the pipe
 * is always drained before the socket is believed to be empty.  A lane has a
 * pipe only while bytes are in it.
 *
 * What splice(2) says of a source is not the last word: it stops at TCP's urgent data,
 * and says that there is nothing, or no more, though bytes lie behind it that a receive
 * gets.  So an end is believed when a receive would meet it, too, and a source that a
 * poll calls readable and splice(2) empty is left to copying, once the pipe is empty.
 *
 * A lane that moves a lot rests when its source has nothing more, instead of waiting
 * for a poll (lane/rest.h); and it does not run after what came while it moved less
 * than CHASED_LEAST: that gathers, too.
 *
 * Every lane begins by copying: until the connect has ended, and for `auto`
 * (auto.c) until it has proved to be bulk.  splice_begin() is the step from one to the
 * other, taken when the copying side holds nothing any more.  It is given back when
 * CALM_TURNS turns in a row moved less than CALM_PIECE, for below some 16 KiB a piece
 * splicing gains nothing.
 */
#include "relay/splice.h"

#include "loop/socket.h"

#include <errno.h>
#include <poll.h>

#define WORK_MAX     (1u << 20)
#define WORK_LEAST   (64u << 10) /* also where a turn has no bytes left */
#define CHASED_LEAST (128u << 10)
#define PAGE_LEAST   4096u /* bytes of a pipe that hold one piece */
#define CALM_PIECE   (16u << 10)
#define CALM_TURNS   8

/* Lives in lane.own. */
struct splicing {
	const struct splice_exits *exits;
	uint16_t pipe; /* PIPES_NONE: nothing held */
	bool polling;  /* a poll for the source is in flight */
	bool source_empty;
	bool told;     /* a poll said since the last byte that there is something */
	bool passing;  /* only a receive gets on from here */
	bool borrowed; /* the pipe, for the one filling that its sink has room for */
	bool roomy;    /* it takes much more than CHASED_LEAST, even in small pieces */
	uint8_t small; /* turns in a row that moved little */
	uint32_t most; /* bytes that the pipe may hold */
};

static struct splicing *splicing_of(struct lane *lane)
{
	return lane_own(lane, struct splicing);
}

static struct pipes *pipes_of(const struct lane *lane)
{
	return &lane_loop(lane)->pipes;
}

static uint32_t pipe_size_of(const struct lane *lane)
{
	return lane_settings(lane)->pipe_size;
}

void splice_begin(struct lane *lane, const struct splice_exits *exits)
{
	assert(!lane->receiving && !lane->queued && !lane->sending);
	*splicing_of(lane) = (struct splicing){.exits = exits, .pipe = PIPES_NONE};
	lane_become(lane, &splice_pump);
	lane->rest = (struct rest){0};
	lane_mark(lane);
}

/* Let go of the pipe; bytes still in it are dropped. */
static void release(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);

	if (splicing->pipe == PIPES_NONE)
		return;
	pipes_give(pipes_of(lane), splicing->pipe, lane->held == 0);
	splicing->pipe = PIPES_NONE;
	lane->held = 0;
}

/* The source says its end (0) or an error: is it so? */
static void stopped(struct lane *lane, int n)
{
	int there = socket_peek(lane_from_fd(lane));

	if (there == 1 || (n == 0 && there == -EAGAIN)) {
		splicing_of(lane)->passing = true;
		if (n < 0) /* told now and not again, but the bytes before it come first */
			lane_broken(lane, n);
	} else if (n < 0 || there < 0) {
		lane_reset(lane, n < 0 ? n : there);
	} else {
		/* An urgent byte before the end is unread, and would make a RST of the close. */
		char none;

		(void)socket_receive(lane_from_fd(lane), &none, sizeof(none));
		lane_end(lane);
	}
}

/* Into the pipe.  False when the source has nothing (more) or has ended. */
static bool fill(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	struct pipe_pair *pair = &pipes_of(lane)->pairs[splicing->pipe];
	uint32_t most;
	int n;

	if (lane->state != LANE_OPEN || splicing->source_empty || splicing->passing ||
	    lane->held >= splicing->most)
		return false;
	most = splicing->most - lane->held;
	if (unlikely(lane->throttle.rate)) {
		uint32_t room = throttle_room(lane);

		if (!room)
			return false;
		most = most < room ? most : room;
	}
	n = socket_splice(lane_from_fd(lane), pair->write_fd, most);
	if (splicing->borrowed)
		splicing->most = 0;
	if (n > 0) {
		lane->held += (uint32_t)n;
		lane_took(lane, (uint32_t)n);
		splicing->told = false;
		return true;
	}
	if (n != -EAGAIN) {
		stopped(lane, n);
	} else if (lane->held == 0) {
		splicing->source_empty = true;
		splicing->passing = splicing->told;
	}
	return false;
}

/* Out of the pipe.  False when the sink takes no more. */
static bool drain(struct lane *lane)
{
	struct pipe_pair *pair = &pipes_of(lane)->pairs[splicing_of(lane)->pipe];
	int n;

	if (lane->held == 0 || lane->blocked)
		return false;
	n = socket_splice(pair->read_fd, lane_to_fd(lane), lane->held);
	if (n > 0) {
		lane->held -= (uint32_t)n;
		lane_delivered(lane, (uint32_t)n);
		return true;
	}
	if (n == -EAGAIN)
		lane->blocked = true;
	else
		lane_unsent(lane, n ? n : -EPIPE);
	return false;
}

/* Having taken all there was, so many bytes: leave what has come since then to gather? */
static bool is_to_gather(struct lane *lane, uint32_t taken)
{
	return taken < CHASED_LEAST && splicing_of(lane)->roomy && rest_is_ahead(lane) &&
	       lane->held == 0;
}

/* Move what can be moved; how many bytes that was. */
static uint64_t pump(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	uint64_t before = lane->bytes, most = lane_loop(lane)->turn_left;
	bool moved = true;

	most = most < WORK_MAX ? most : WORK_MAX;
	most = most > WORK_LEAST ? most : WORK_LEAST;
	while (moved && lane->bytes - before < most && lane->state != LANE_BROKEN &&
	       lane->gate == GATE_FLOWS) {
		uint64_t received = lane->received;
		bool in = fill(lane);
		bool out = drain(lane);

		moved = in || out;
		if (in && is_to_gather(lane, (uint32_t)(lane->received - received))) {
			splicing->source_empty = true;
			break;
		}
	}
	return lane->bytes - before;
}

static void poll_source(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	struct io_uring_sqe *sqe = lane_entry(lane);

	ring_prep_poll(sqe, lane_from_fd(lane), POLLIN, 0);
	lane_submit(lane, OP_POLL_IN, sqe);
	splicing->polling = true;
}

/* Wait for whatever the pump stopped at, after so many bytes; or go on in the next turn. */
static void wait_for(struct lane *lane, uint64_t moved)
{
	if (lane->blocked) {
		lane_wait_writable(lane);
	} else if (throttle_waits(&lane->throttle) && !lane->held) {
		road_of(lane)->events->unread(road_of(lane), lane->index);
	} else if (splicing_of(lane)->source_empty && lane->state == LANE_OPEN) {
		if (!splicing_of(lane)->polling && !lane_rests(lane) && !rest_begin(lane, moved))
			poll_source(lane);
	} else if (lane->state == LANE_OPEN || lane->held) {
		lane_mark(lane);
	}
}

static void splice_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done)
{
	struct splicing *splicing = splicing_of(lane);

	if (kind == OP_POLL_OUT) {
		lane_writable(lane);
		return;
	}
	splicing->polling = false;
	splicing->told = done->res > 0;
	lane_mark(lane);
}

/* A pipe, and what may be put into it: as much as a lane that copies may hold. */
static bool take_pipe(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	uint32_t budget = lane_settings(lane)->receive_budget;
	uint32_t most = budget + budget / 2, room, size;

	splicing->pipe = pipes_take(pipes_of(lane), pipe_size_of(lane), PIPES_HOLD);
	splicing->borrowed = splicing->pipe == PIPES_NONE;
	if (splicing->borrowed) { /* sinks that do not read have all others */
		lane->blocked = !socket_room(lane_to_fd(lane), 1);
		if (lane->blocked)
			return true;
		splicing->pipe = pipes_take(pipes_of(lane), pipe_size_of(lane), PIPES_BORROW);
	}
	if (splicing->pipe == PIPES_NONE)
		return false;
	size = pipes_of(lane)->pairs[splicing->pipe].size;
	if (splicing->borrowed) {
		room = socket_room(lane_to_fd(lane), size / PAGE_LEAST + 1);
		most = room < most ? room : most;
	}
	splicing->most = size < most ? size : most;
	/* A page of it may hold a segment of 1,448 bytes. */
	splicing->roomy =
		!splicing->borrowed && size / 4 >= CHASED_LEAST && most >= 2 * CHASED_LEAST;
	return true;
}

/* Whether a lane that moved so much in this turn is bulk no more. */
static bool has_calmed(struct splicing *splicing, uint64_t moved)
{
	if (!splicing->exits->calms || moved == 0)
		return false;
	splicing->small = moved < CALM_PIECE ? (uint8_t)(splicing->small + 1) : 0;
	return splicing->small >= CALM_TURNS;
}

static void give_back(struct lane *lane, void (*to)(struct lane *))
{
	rest_cut(lane);
	lane->heavy = false;
	to(lane);
	lane_mark(lane);
}

static void splice_flush(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	uint64_t moved = 0;

	if (!splicing->polling && !lane_rests(lane))
		splicing->source_empty = false; /* as far as one knows */
	if (lane->state == LANE_BROKEN) {
		release(lane);
		(void)lane_finish(lane);
		if (!splicing->polling && lane->gate == GATE_FLOWS)
			give_back(
				lane,
				splicing->exits->calmed); /* what still comes is read and dropped */
		return;
	}
	if (splicing->pipe == PIPES_NONE && lane->state == LANE_OPEN && !splicing->source_empty &&
	    !lane->polling && !throttle_waits(&lane->throttle) && !take_pipe(lane)) {
		give_back(lane, splicing->exits->calmed); /* copying needs no pipe */
		return;
	}
	if (splicing->pipe != PIPES_NONE) {
		moved = pump(lane);
		lane->heavy = moved > LANE_HEAVY;
		if (lane_is_over(lane))
			return;
		if (lane->state == LANE_BROKEN || lane->held == 0)
			release(lane);
	}
	if (lane_finish(lane) && !lane->held)
		return;
	if (splicing->passing && !lane->held) {
		give_back(lane, splicing->exits->passed);
		return;
	}
	if (has_calmed(splicing, moved) && !lane->held && !splicing->polling) {
		give_back(lane, splicing->exits->calmed);
		return;
	}
	wait_for(lane, moved);
}

static void splice_stop(struct lane *lane)
{
	release(lane);
}

/* What a lane's strategy is once it splices. */
const struct strategy splice_pump = {
	.name = "splice",
	.start = lane_mark,
	.complete = splice_complete,
	.flush = splice_flush,
	.stop = splice_stop,
};
