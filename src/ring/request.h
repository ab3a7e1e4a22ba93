/*
 * Requests in flight: who waits for which completion.
 *
 * A slab of them, each with a generation, so a completion finds its request or
 * nobody.  user_data is kind:8 | generation:24 | slot:32; other tags of the same
 * ring must use another kind.
 *
 *	ring_prep_recv(sqe = ring_sqe(ring), fd, buffer, size, 0);
 *	ring_request_start(requests, sqe, received, context);
 *	...
 *	ring_requests_dispatch(requests);      calls received(request, cqe)
 *
 * A request lives until its last completion: the one without IORING_CQE_F_MORE.
 * That is the only one of a single-shot request, the last of a multishot one, and
 * for a zero-copy send the notification (IORING_CQE_F_NOTIF); its buffers are
 * yours after that and not before, also when it was cancelled.
 */
#ifndef RING_REQUEST_H
#define RING_REQUEST_H

#include "base/slab.h"
#include "ring/cqe.h"

struct ring_request;

/* request->last: this was its last completion, the request is gone on return. */
typedef void ring_complete(struct ring_request *request, const struct io_uring_cqe *cqe);

struct ring_request {
	ring_complete *complete; /* may be NULL */
	void *context;
	uint32_t completions; /* so far */
	int32_t result;       /* of the last completion that was no notification ... */
	uint32_t flags;       /* ... and its IORING_CQE_F_* */
	uint8_t operation;    /* IORING_OP_* */
	bool last;
	uint64_t tag;
};

struct ring_requests {
	struct ring *ring;
	struct slab slab;
	uint8_t kind;
	bool woken;       /* ring_requests_wake_tag() arrived */
	uint32_t cancels; /* cancel requests without an answer */
	uint64_t stale;   /* completions that found no request: 0 in a correct program */
	/* completions of another kind; NULL: ignored */
	void (*other)(void *context, const struct io_uring_cqe *cqe);
	void *other_context;
};

/* At most capacity in flight. */
int ring_requests_open(struct ring_requests *requests, struct ring *ring, uint32_t capacity,
		       uint8_t kind) must_check;
/* When none is in flight (asserted): see ring_requests_drain(). */
void ring_requests_close(struct ring_requests *requests);

/*
 * Make a prepared entry a request: tags it.  It is submitted with the ring's next
 * submit.  NULL: all are in flight; take the entry back with ring_sqe_unget().
 */
struct ring_request *ring_request_start(struct ring_requests *requests, struct io_uring_sqe *sqe,
					ring_complete *complete, void *context) must_check;

/* Requests started and not yet done. */
static inline uint32_t ring_requests_in_flight(const struct ring_requests *requests)
{
	return requests->slab.used;
}

/*
 * Give every completion that is there to its request; the number.  A callback may
 * start requests but not wait.
 */
unsigned ring_requests_dispatch(struct ring_requests *requests);

/*
 * Run one operation and wait for it: its result, or a negative errno.  At the
 * deadline (as in ring_submit_wait()) it is cancelled and its end awaited, so on
 * return nothing of it is in flight: -ETIME if it was stopped in time, its result
 * if it was too late for that.  -ECANCELED: woken by another thread.  Completions
 * of other requests are dispatched meanwhile.
 */
int ring_call(struct ring_requests *requests, struct io_uring_sqe *sqe, uint64_t deadline_ns);

/*
 * Ask for a request's end; its last completion comes as always, by dispatch.  0 or
 * a negative errno.
 */
int ring_request_cancel(struct ring_requests *requests, const struct ring_request *request);
/* The same, and wait for that completion: then its buffers are yours. */
int ring_request_cancel_wait(struct ring_requests *requests, struct ring_request *request);

/* Cancel everything and wait until nothing is in flight, or for the deadline (-ETIME). */
int ring_requests_drain(struct ring_requests *requests, uint64_t deadline_ns) must_check;

/* The user_data another thread sends (ring_send()) to end a ring_call() early. */
uint64_t ring_requests_wake_tag(const struct ring_requests *requests);

#endif
