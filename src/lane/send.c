/* The sending half of a lane: lane.h says what it is for. */
#include "config/config.h"
#include "lane/lane.h"
#include "lane/road.h"
#include "loop/loop.h"

#include "base/fault.h"
#include "lane/strategy.h"
#include "loop/socket.h"

#include <errno.h>
#include <poll.h>

const struct msghdr *lane_gather(struct lane *lane, const struct io_uring_sqe *sqe)
{
	struct loop *loop = road_of(lane)->loop;
	struct stock *stock = &loop->stock;
	struct vector *vector = &loop->vectors[ring_sqe_index(&loop->ring, sqe)];
	unsigned n = 0;

	lane->sending = 0;
	if (unlikely(lane->preface)) {
		vector->parts[n++] = (struct iovec){
			.iov_base = lane->preface->bytes + lane->preface->offset,
			.iov_len = lane->preface->length,
		};
		lane->sending = lane->preface->length;
	}
	for (uint16_t id = lane->head; id != STOCK_NONE && n < VECTOR_MAX;
	     id = stock->chunks[id].next) {
		vector->parts[n++] = (struct iovec){
			.iov_base = stock_memory(stock, id) + stock->chunks[id].offset,
			.iov_len = stock->chunks[id].length,
		};
		lane->sending += stock->chunks[id].length;
	}
	vector->message = (struct msghdr){.msg_iov = vector->parts, .msg_iovlen = n};
	return &vector->message;
}

void lane_wait_writable(struct lane *lane)
{
	struct io_uring_sqe *sqe;

	lane->blocked = true;
	road_of(lane)->events->unread(road_of(lane), lane->index);
	if (lane->polling)
		return;
	sqe = lane_entry(lane);
	ring_prep_poll(sqe, lane_to_fd(lane), POLLOUT, 0);
	lane_submit(lane, OP_POLL_OUT, sqe);
	lane->polling = true;
}

void lane_writable(struct lane *lane)
{
	lane->polling = false;
	lane->blocked = false; /* an error will be told by the next send */
	lane_mark(lane);
}

/* Whether a FIN follows these bytes as soon as they are taken (lane_finish()). */
static bool is_last(const struct lane *lane)
{
	return lane->state == LANE_ENDING && lane->gate == GATE_FLOWS &&
	       road_of(lane)->lanes[!lane->index].state != LANE_SHUT && lane->chunks == 1;
}

/*
 * By send(2), for the FIN is by shutdown(2), and in the same packet: an answer and its end
 * often come together.  One packet less of 18 is 2 % of a short connection.
 */
static void send_last(struct lane *lane)
{
	struct io_uring_cqe done = {0};
	uint32_t length;
	const unsigned char *bytes = lane_peek(lane, &length);

	done.res = socket_send_last(lane_to_fd(lane), bytes, length);
	if (done.res == (int32_t)length) { /* the flush goes on: no turn is needed */
		lane_delivered(lane, length);
		lane_consume(lane, length);
	} else {
		lane->sending = length;
		lane_sent(lane, &done);
	}
}

/* Whether the next send may be silent: the lane waits for nothing but its next bytes. */
static bool may_be_silent(const struct lane *lane)
{
	const struct loop *loop = road_of(lane)->loop;

	return loop->has_silent && silent_has_room(&loop->silent) && lane->state == LANE_OPEN &&
	       lane->receiving && lane->chunks == 1 && lane->gate == GATE_FLOWS;
}

void lane_send(struct lane *lane)
{
	struct loop *loop = road_of(lane)->loop;
	struct io_uring_sqe *sqe;
	bool silent;

	if (lane->sending || !lane->queued)
		return;
	if (lane->blocked) {
		lane_wait_writable(lane);
		return;
	}
	if (is_last(lane)) {
		send_last(lane);
		return;
	}
	sqe = lane_entry(lane);
	silent = may_be_silent(lane);
	if (lane->chunks == 1) {
		uint32_t length;
		const unsigned char *bytes = lane_peek(lane, &length);
		ring_prep_send(sqe, lane_to_fd(lane), bytes, length,
			       LANE_SEND_FLAGS | (silent ? MSG_WAITALL : 0));
		lane->sending = length;
	} else {
		ring_prep_sendmsg(sqe, lane_to_fd(lane), lane_gather(lane, sqe), LANE_SEND_FLAGS);
	}
	lane_submit(lane, OP_SEND, sqe);
	if (silent) {
		ring_sqe_skip_success(sqe);
		silent_note(&loop->silent, sqe->user_data, loop->now_ms);
		lane->unanswered = true;
	} else {
		coalesce_sent(&loop->coalesce);
	}
}

#define PROVEN_UNSENT (2u << 20) /* less than that costs bulk CPU */

/* Short connections are not worth the system call. */
static void reconsider(struct lane *lane)
{
	uint32_t limit = lane_settings(lane)->receive_budget;

	if (lane->trust == LANE_LIMITED && limit < PROVEN_UNSENT)
		limit = PROVEN_UNSENT;
	lane->trust++;
	socket_limit_unsent(lane_to_fd(lane), limit);
}

void lane_delivered(struct lane *lane, uint32_t bytes)
{
	static const uint64_t enough[] = {
		[LANE_NEW] = 64u << 10, [LANE_LIMITED] = 16u << 20, [LANE_PROVEN] = UINT64_MAX};
	struct road *road = road_of(lane);

	if (unlikely(lane->preface)) /* what is ours is in its first bytes */
		bytes -= bytes < lane->preface->ours ? bytes : lane->preface->ours;
	lane->bytes += bytes;
	if (unlikely(lane->bytes >= enough[lane->trust]))
		reconsider(lane);
	road->active_ms = road->loop->now_ms;
	if (lane->index == LANE_UP && road_has_upstream(road))
		stats_count(&road->loop->stats, bytes_up, bytes);
	else
		stats_count(&road->loop->stats, bytes_down, bytes);
}

void lane_given_back(struct lane *lane, int result)
{
	lane->blocked = result == -EAGAIN || (result > 0 && (uint32_t)result < lane->sending);
	lane->sending = 0;
	if (result > 0)
		lane_consume(lane, (uint32_t)result);
	else if (result < 0 && fault_of(FAULT_AT_STREAM, result) != FAULT_PASSING)
		lane_unsent(lane, result);
	lane_mark(lane);
}

void lane_sent(struct lane *lane, const struct io_uring_cqe *done)
{
	if (done->res > 0)
		lane_delivered(lane, (uint32_t)done->res);
	lane_given_back(lane, done->res);
}

/* The pace of a service's words (throttle.h). */
static struct lane *voice_of(const struct lane *lane)
{
	return &road_of(lane)->lanes[LANE_DOWN];
}

/* How much of it may be said now. */
static uint32_t speakable(const struct lane *lane, uint32_t length)
{
	struct lane *voice = voice_of(lane);
	uint32_t room;

	if (likely(!voice->throttle.rate))
		return length;
	room = throttle_room(voice);
	return length < room ? length : room;
}

void lane_say(struct lane *lane, const void *bytes, uint32_t length)
{
	struct io_uring_sqe *sqe;

	if (lane->sending)
		return;
	if (lane->blocked) {
		lane_wait_writable(lane);
		return;
	}
	length = speakable(lane, length);
	if (!length)
		return;
	sqe = lane_entry(lane);
	ring_prep_send(sqe, lane_to_fd(lane), bytes, length, LANE_SEND_FLAGS);
	lane->sending = length;
	lane_submit(lane, OP_SEND, sqe);
	coalesce_sent(&road_of(lane)->loop->coalesce);
}

uint32_t lane_said(struct lane *lane, const struct io_uring_cqe *done)
{
	uint32_t sent = done->res > 0 ? (uint32_t)done->res : 0;

	lane->blocked = done->res == -EAGAIN || (sent && sent < lane->sending);
	lane->sending = 0;
	if (sent) {
		lane_delivered(lane, sent);
		if (unlikely(voice_of(lane)->throttle.rate))
			throttle_took(voice_of(lane), sent);
	} else if (done->res < 0 && fault_of(FAULT_AT_STREAM, done->res) != FAULT_PASSING) {
		lane_reset(lane, done->res);
	}
	lane_mark(lane);
	return sent;
}
