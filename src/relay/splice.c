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
 * others' turn; less where less is left of the turn (net/turn.h).
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
 * for a poll (net/rest.h); and it does not run after what came while it moved less
 * than CHASED_LEAST: that gathers, too.
 *
 * Every lane begins by copying: until the connect has ended, and for `auto`
 * (auto.c) until it has proved to be bulk.  begin() is the step from one to the
 * other, taken when the copying side holds nothing any more.
 */
#include "relay/splice.h"

#include "loop/socket.h"
#include "net/ending.h"
#include "net/rest.h"
#include "net/section.h"
#include "net/session.h"
#include "net/worker.h"
#include "relay/strategies.h"

#include <errno.h>
#include <poll.h>

#define WORK_MAX     (1u << 20)
#define WORK_LEAST   (64u << 10) /* also where a turn has no bytes left */
#define CHASED_LEAST (128u << 10)
#define PAGE_LEAST   4096u /* bytes of a pipe that hold one piece */

/* Lives in lane.own. */
struct splicing {
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
static_assert(sizeof(struct splicing) <= sizeof(((struct lane *)0)->own), "it fits the lane");

static struct splicing *splicing_of(struct lane *lane)
{
	return (struct splicing *)(void *)lane->own;
}

static struct pipes *pipes_of(const struct lane *lane)
{
	return &lane_session(lane)->worker->loop.pipes;
}

static uint32_t pipe_size_of(const struct lane *lane)
{
	return lane_session(lane)->section->config->settings.pipe_size;
}

void splice_begin(struct lane *lane)
{
	assert(!lane->receiving && !lane->queued && !lane->sending);
	*splicing_of(lane) = (struct splicing){.pipe = PIPES_NONE};
	lane->strategy = &splice_pump;
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
	struct session *session = lane_session(lane);
	int there = socket_peek(lane_from_fd(lane));

	if (there == 1 || (n == 0 && there == -EAGAIN)) {
		splicing_of(lane)->passing = true;
		if (n < 0) /* told now and not again, but the bytes before it come first */
			ending_broken(session, lane->index, n);
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
	int n;

	if (lane->state != LANE_OPEN || splicing->source_empty || splicing->passing ||
	    lane->held >= splicing->most)
		return false;
	n = socket_splice(lane_from_fd(lane), pair->write_fd, splicing->most - lane->held);
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
		ending_unsent(lane, n ? n : -EPIPE);
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
	uint64_t before = lane->bytes, most = lane_session(lane)->worker->loop.turn_left;
	bool moved = true;

	most = most < WORK_MAX ? most : WORK_MAX;
	most = most > WORK_LEAST ? most : WORK_LEAST;
	while (moved && lane->bytes - before < most && lane->state != LANE_BROKEN &&
	       lane_session(lane)->state == SESSION_RELAYING) {
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
	} else if (splicing_of(lane)->source_empty && lane->state == LANE_OPEN) {
		if (!splicing_of(lane)->polling && !rest_is_on(lane) && !rest_begin(lane, moved))
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
	uint32_t budget = lane_session(lane)->section->config->settings.receive_budget;
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

static void splice_flush(struct lane *lane)
{
	struct splicing *splicing = splicing_of(lane);
	uint64_t moved = 0;

	if (!splicing->polling && !rest_is_on(lane))
		splicing->source_empty = false; /* as far as one knows */
	if (lane->state == LANE_BROKEN) {
		release(lane);
		(void)lane_finish(lane);
		if (!splicing->polling && lane_session(lane)->state == SESSION_RELAYING)
			auto_calm(lane); /* what still comes is read and dropped */
		return;
	}
	if (splicing->pipe == PIPES_NONE && lane->state == LANE_OPEN && !splicing->source_empty &&
	    !lane->polling && !take_pipe(lane)) {
		auto_calm(lane); /* copying needs no pipe */
		return;
	}
	if (splicing->pipe != PIPES_NONE) {
		moved = pump(lane);
		lane->heavy = moved > LANE_HEAVY;
		if (lane_session(lane)->state == SESSION_CLOSING)
			return;
		if (lane->state == LANE_BROKEN || lane->held == 0)
			release(lane);
	}
	if (lane_finish(lane) && !lane->held)
		return;
	if (splicing->passing && !lane->held) {
		auto_pass(lane);
		return;
	}
	if (auto_has_calmed(lane, moved, &splicing->small) && !lane->held && !splicing->polling) {
		auto_calm(lane);
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
