/*
 * A lane: one direction of a session, and the pieces strategies are made of.
 *
 *      from side                                              to side
 *   ---------------> receive ---> [ queue of chunks ] ---> send --------->
 *
 *   OPEN ---- the end was read ----> ENDING -- all sent, FIN passed on --> SHUT
 *     |                                                                     |
 *     +------ the source was reset --> RESETTING (all sent: see ending.h) --+
 *     +------ the sink is broken ----> BROKEN (what arrives is read and dropped)
 *
 * The chunks of a queue are receive buffers of the worker's stock, sent from
 * where they were received.  One send is in flight at a time (two reorder when
 * the first is short), and takes the whole queue along.  A send never waits in
 * the kernel: it takes what fits, and a poll tells when there is room again.  (One
 * that waits is tried again there whenever a little room appears, and after 128
 * times handed to a kernel thread.)
 *
 * At most one receive is armed; the kernel itself stops it after budget bytes,
 * or, where it knows no budgets, after one buffer.  It is armed again when the
 * queue has drained to half: so a lane whose sink does not read holds less than
 * one and a half budgets, or half a budget and a buffer.
 *
 * A lane that finds no buffer is fed by the worker while buffers are short: it
 * gets one of the reserve when its own queue is empty and its sink is known to
 * take what will be in it.  So what sinks that do not read can keep is never
 * all, and the others go on, however many they are.
 */
#ifndef LANE_LANE_H
#define LANE_LANE_H

#include "base/list.h"
#include "lane/preface.h"
#include "lane/rest.h"
#include "lane/throttle.h"
#include "loop/op.h"

#include <sys/socket.h>

struct config_settings;
struct io_uring_cqe;
struct io_uring_sqe;
struct strategy;

enum { LANE_UP, LANE_DOWN, LANE_COUNT }; /* client to upstream, and back */

/* What its owner lets it do. */
enum lane_gate {
	GATE_CLOSED,  /* nothing: the connection is over, or has no server that could say something
		       */
	GATE_GATHERS, /* receive: there is no sink yet */
	GATE_HOLDS,   /* the same, and its owner takes what comes out of the buffers at once */
	GATE_TRIES,   /* send, too: to a sink that is connecting, so no end, and none in silence */
	GATE_FLOWS,
};

enum lane_state { LANE_OPEN, LANE_ENDING, LANE_RESETTING, LANE_BROKEN, LANE_SHUT };

/* Why a service ends a connection by itself. */
enum lane_farewell {
	FAREWELL_ANSWERED,
	FAREWELL_BAD_REQUEST,
	FAREWELL_TOO_LARGE,
	FAREWELL_TOO_SLOW,
};

/*
 * What is known of the sink.  Its kernel would queue megabytes (tcp_wmem) for a peer
 * that reads nothing, and hundreds of those would take all memory there is for TCP,
 * and with it everybody's windows.  So it queues a receive_budget, until the peer has
 * taken more than kernels keep for one that does not read; and 2 MiB from then on, for
 * who has read may still stop.
 */
enum lane_trust { LANE_NEW, LANE_LIMITED, LANE_PROVEN };

struct lane {
	const struct strategy *strategy;
	struct preface *preface; /* before all chunks: preface.h; NULL: nothing */
	struct list dirty;       /* in worker.loop.dirty until the end of the turn */
	struct list starved;     /* in worker.loop.starved while it waits to be fed */
	struct rest rest;
	struct throttle throttle;
	uint64_t bytes;      /* delivered */
	uint64_t received;   /* taken from the source */
	uint32_t queued;     /* bytes in the queue, the preface and those being sent included */
	uint32_t sending;    /* bytes of the send in flight; 0: none */
	uint32_t held;       /* bytes the strategy has elsewhere: in a pipe, in an answer */
	uint32_t budget;     /* what the next receive may bring */
	uint16_t head, tail; /* of the queue; STOCK_NONE when empty */
	uint16_t chunks;     /* in the queue, the preface being one */
	uint16_t fed;        /* a buffer that lane_feed() received into, or STOCK_NONE */
	uint8_t index;       /* LANE_UP or LANE_DOWN: which one of session.road.lanes this is */
	uint8_t to;          /* side written to; the side read from is index */
	uint8_t state;       /* enum lane_state; written by lane.c and flush.c */
	uint8_t gate;        /* enum lane_gate; written by its owner */
	uint8_t trust;       /* enum lane_trust; written by lane_delivered() */
	bool blocked;        /* the sink took less than it was given: wait until it is writable */
	bool polling;        /* ... by a poll that is in flight */
	/* Its last receive found no buffer: until there are some it receives by lane_feed() only.
	 */
	bool rationed;
	bool wait_first; /* the source had nothing: the next receive needs no buffer yet */
	bool unanswered; /* the send in flight says nothing if it succeeds: silent.h */
	bool filling;    /* the last receive filled a buffer */
	bool receiving;  /* a receive is armed */
	bool cancelling; /* ... and its cancel is on the way */
	bool ended;      /* BROKEN, and nothing more comes from the source */
	bool overdue;    /* what lane_expect() was told of has not come in time */
	bool heavy;      /* it moved much when last flushed; for strategies without a queue */
	uint64_t own[6]; /* the strategy's own, zero at start */
};

/* Whether bytes of its source are received: to be sent on, or dropped. */
static inline bool lane_is_read(const struct lane *lane)
{
	return lane->state == LANE_OPEN || (lane->state == LANE_BROKEN && !lane->ended);
}

/* The connection is over, or waits for another server: nothing is to be done for it. */
static inline bool lane_is_over(const struct lane *lane)
{
	return lane->gate == GATE_CLOSED;
}

/* Bytes of its queue that are in buffers of the stock. */
static inline uint32_t lane_stocked(const struct lane *lane)
{
	return lane->queued - (unlikely(lane->preface) ? lane->preface->length : 0);
}

/* The strategy's own in the lane, zero at start: a struct of that type. */
#define lane_own(lane, type)                                                                       \
	((type *)(void *)(lane)->own +                                                             \
	 0 * sizeof(struct {                                                                       \
		 static_assert(sizeof(type) <= sizeof(((struct lane *)0)->own),                    \
			       "it fits the lane");                                                \
		 int none;                                                                         \
	 }))

/* What the thread has; the section's settings; and what the strategy's prepare() made of them. */
static inline struct loop *lane_loop(const struct lane *lane);
static inline const struct config_settings *lane_settings(const struct lane *lane);
static inline const void *lane_shared(const struct lane *lane);
static inline int lane_from_fd(const struct lane *lane);
static inline int lane_to_fd(const struct lane *lane);

/* From now on, another strategy's: its start() is not called, and lane.own is as it was. */
void lane_become(struct lane *lane, const struct strategy *strategy);

/* For the owner: a lane from side index to side `to`, nothing queued; OPEN, or SHUT: never used. */
void lane_init(struct lane *lane, unsigned index, unsigned to, enum lane_state state);
/* For the owner: the sink takes no more; what comes is read and dropped. */
void lane_break(struct lane *lane);

/*
 * An entry to fill by a ring_prep_ function and to hand to lane_submit(), which
 * stamps it with the session's tag and counts it in flight.
 */
struct io_uring_sqe *lane_entry(struct lane *lane);
void lane_submit(struct lane *lane, enum op_kind kind, struct io_uring_sqe *sqe);

/* Who has more bytes to send, or is heavy, may have to wait for some turns: turn.h. */
#define LANE_HEAVY (32u << 10)

/* Whether it rests (rest.h), and need not look at its source. */
static inline bool lane_rests(const struct lane *lane)
{
	return list_is_linked(&lane->rest.link);
}

/* Call the strategy's flush at the end of this turn, or of one of the next. */
void lane_mark(struct lane *lane);

/* Arm a receive, unless one is armed, nothing is to be had of the source, or its queue is too long.
 */
void lane_receive(struct lane *lane);

/* What to do with a receive's completion: queue what it brought, note the end, see to errors. */
void lane_received(struct lane *lane, const struct io_uring_cqe *done);

/*
 * Send all that is queued in one operation, unless one is in flight or the sink
 * is blocked; then see to it that we are told when it is not.  What a FIN follows is
 * sent at once: the sink may be found broken, and the session be CLOSING.
 */
void lane_send(struct lane *lane);

/* Of every send: take what fits, raise no signal. */
#define LANE_SEND_FLAGS (MSG_NOSIGNAL | MSG_DONTWAIT)

/*
 * The queue as one vector, noted as being sent.  It lives in the entry's own
 * slot, free again when the kernel has read the entry.
 */
const struct msghdr *lane_gather(struct lane *lane, const struct io_uring_sqe *sqe);

/* For whoever found the sink full: a poll tells when it can be written to (OP_POLL_OUT). */
void lane_wait_writable(struct lane *lane);
/* What to do with that poll's completion. */
void lane_writable(struct lane *lane);

/* What to do with a send's completion: give back what was sent, see to errors. */
void lane_sent(struct lane *lane, const struct io_uring_cqe *done);
/* The same, of a send whose bytes have been counted: its buffers are not read any more. */
void lane_given_back(struct lane *lane, int result);

/*
 * Whether the source has said its end; then, when nothing is queued, in flight
 * or held any more, the end is passed on.
 */
bool lane_finish(struct lane *lane);

/* The usual end of a turn: send, pass on the end when all is sent, receive again. */
void lane_flush(struct lane *lane);

/*
 * For services, which have bytes of their own: send up to length of them, which
 * stay valid until the completion, unless a send is in flight or the client
 * does not read; and the bytes sent by that completion, errors being seen to.
 */
void lane_say(struct lane *lane, const void *bytes, uint32_t length);
uint32_t lane_said(struct lane *lane, const struct io_uring_cqe *done);

/* All three: for strategies that change nothing of it. */
void lane_complete(struct lane *lane, enum op_kind kind, const struct io_uring_cqe *done);

/* Bytes reached the to side: count them, and note that the session is alive. */
void lane_delivered(struct lane *lane, uint32_t bytes);

/* Bytes were taken from the source: count them.  For strategies with another way to receive. */
void lane_took(struct lane *lane, uint32_t bytes);

/* The source will give no more bytes: pass the FIN on once the queue is empty. */
void lane_end(struct lane *lane);
/* Reading the source failed (negative errno): it is reset, and what is queued is all there is. */
void lane_reset(struct lane *lane, int error);

/* ... but there is more to read from it before that. */
void lane_broken(struct lane *lane, int error);
/* Sending failed (negative errno), for strategies with another way to send. */
void lane_unsent(struct lane *lane, int error);

/*
 * For services: what was wrong with the client's request, as soon as that is known; and, last,
 * that all is said: our half is closed, and what the client does not end soon is ended.
 */
void lane_farewell(struct lane *lane, enum lane_farewell why);

/*
 * For services: the client is to have said something within so many milliseconds from now, or
 * the lane is overdue, and flushed.  0: nothing is expected any more.
 */
void lane_expect(struct lane *lane, uint32_t ms);

/* Everything is sent: pass the end on.  For strategies with another way to send. */
void lane_shut(struct lane *lane);

/* Take the first bytes off the queue: up to count; for services that consume what they receive. */
void lane_consume(struct lane *lane, uint32_t count);
/* The first contiguous bytes of the queue; NULL and 0 when it is empty. */
const unsigned char *lane_peek(const struct lane *lane, uint32_t *ret_length);

/* It gets bytes in another way from now on. */
void lane_need_not_be_fed(struct lane *lane);

/* End an armed receive early; its last completion still comes. */
void lane_cancel_receive(struct lane *lane);

/* Drop the queue, unless a send is reading from it. */
void lane_drop(struct lane *lane);

/* For the worker, of the first in worker.loop.starved: there are buffers again, receive as usual.
 */
void lane_unstarve(struct lane *lane);
/*
 * ... or there is only a spare one: it gets that, or waits for its sink.  Whether a receive has
 * ended by that, with that result: the caller completes it as it does others.
 */
bool lane_feed(struct lane *lane, int *ret_result) must_check;

#endif
