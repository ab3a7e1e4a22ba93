#include "ring/request.h"

#include "ring/internal.h"
#include "ring/prepare.h"

/* Slots no request has: the answers to cancelling, and a word from another thread. */
#define SLOT_CANCEL 0xfffffffeU
#define SLOT_WAKE   0xffffffffU

static uint64_t make_tag(const struct ring_requests *requests, uint32_t generation, uint32_t slot)
{
	return (uint64_t)requests->kind << 56 | (uint64_t)generation << 32 | slot;
}

static uint32_t tag_slot(uint64_t tag)
{
	return (uint32_t)tag;
}

static uint32_t tag_generation(uint64_t tag)
{
	return (uint32_t)(tag >> 32) & ((1U << SLAB_GENERATION_BITS) - 1);
}

int ring_requests_open(struct ring_requests *requests, struct ring *ring, uint32_t capacity,
		       uint8_t kind)
{
	*requests = (struct ring_requests){.ring = ring, .kind = kind};
	if (capacity == 0 || capacity >= SLOT_CANCEL)
		return -EINVAL;
	return slab_init(&requests->slab, capacity, sizeof(struct ring_request));
}

void ring_requests_close(struct ring_requests *requests)
{
	assert(requests->slab.used == 0 && requests->cancels == 0);
	slab_done(&requests->slab);
}

struct ring_request *ring_request_start(struct ring_requests *requests, struct io_uring_sqe *sqe,
					ring_complete *complete, void *context)
{
	uint32_t slot;
	struct ring_request *request = slab_take(&requests->slab, &slot);

	if (!request)
		return NULL;
	request->complete = complete;
	request->context = context;
	request->operation = sqe->opcode;
	request->tag = make_tag(requests, requests->slab.generation[slot], slot);
	ring_sqe_tag(sqe, request->tag);
	return request;
}

static struct ring_request *find(struct ring_requests *requests, uint64_t tag)
{
	return slab_find(&requests->slab, tag_slot(tag), tag_generation(tag));
}

static void dispatch_one(struct ring_requests *requests, const struct io_uring_cqe *cqe)
{
	uint64_t tag = cqe->user_data;
	struct ring_request *request;

	if (tag >> 56 != requests->kind) {
		if (requests->other)
			requests->other(requests->other_context, cqe);
		return;
	}
	if (tag_slot(tag) == SLOT_WAKE) {
		requests->woken = true;
		return;
	}
	if (tag_slot(tag) == SLOT_CANCEL) {
		requests->cancels--;
		return;
	}
	request = find(requests, tag);
	if (!request) {
		requests->stale++;
		return;
	}
	request->completions++;
	if (!(cqe->flags & IORING_CQE_F_NOTIF)) {
		request->result = cqe->res;
		request->flags = cqe->flags;
	}
	request->last = !(cqe->flags & IORING_CQE_F_MORE);
	if (request->complete)
		request->complete(request, cqe);
	if (!(cqe->flags & IORING_CQE_F_MORE))
		slab_release(&requests->slab, tag_slot(tag));
}

unsigned ring_requests_dispatch(struct ring_requests *requests)
{
	struct io_uring_cqe batch[32];
	unsigned total = 0, count;
	uint32_t most = ring_cq_ready(requests->ring);

	/* Copied out first: a callback that submits may let the kernel reuse the entries. */
	while (total < most && (count = ring_reap(requests->ring, batch, array_size(batch))) > 0) {
		for (unsigned i = 0; i < count; i++)
			dispatch_one(requests, &batch[i]);
		total += count;
	}
	return total;
}

static int cancel_by(struct ring_requests *requests, uint64_t tag, uint32_t flags)
{
	struct io_uring_sqe *sqe = ring_sqe(requests->ring);

	if (!sqe)
		return requests->ring->error;
	ring_prep_cancel(sqe, tag, flags);
	ring_sqe_tag(sqe, make_tag(requests, 0, SLOT_CANCEL));
	requests->cancels++;
	return 0;
}

int ring_request_cancel(struct ring_requests *requests, const struct ring_request *request)
{
	return cancel_by(requests, request->tag, 0);
}

/* Wait for one more completion and dispatch; errors that pass are no errors. */
static int turn(struct ring_requests *requests, uint64_t deadline_ns)
{
	struct ring_wait wait = ring_submit_wait(requests->ring, 1, deadline_ns, 0);

	ring_requests_dispatch(requests);
	if (wait.error == -ETIME)
		return -ETIME;
	return ring_error_class(wait.error) > RING_ERROR_LOST ? wait.error : 0;
}

static int wait_gone(struct ring_requests *requests, uint64_t tag, uint64_t deadline_ns)
{
	int r = 0;

	while (r == 0 && find(requests, tag))
		r = turn(requests, deadline_ns);
	return find(requests, tag) ? r : 0;
}

int ring_request_cancel_wait(struct ring_requests *requests, struct ring_request *request)
{
	uint64_t tag = request->tag;
	int r = ring_request_cancel(requests, request);

	return r < 0 ? r : wait_gone(requests, tag, RING_NEVER);
}

struct outcome {
	bool done;
	int32_t result;
};

static void call_completed(struct ring_request *request, const struct io_uring_cqe *cqe)
{
	struct outcome *outcome = request->context;

	(void)cqe;
	outcome->done = request->last;
	outcome->result = request->result;
}

int ring_call(struct ring_requests *requests, struct io_uring_sqe *sqe, uint64_t deadline_ns)
{
	struct outcome outcome = {0};
	struct ring_request *request = ring_request_start(requests, sqe, call_completed, &outcome);
	uint64_t tag;
	int r = 0;

	if (!request) {
		ring_sqe_unget(requests->ring, 1);
		return -EAGAIN;
	}
	tag = request->tag;
	requests->woken = false;
	while (r == 0 && !outcome.done && !requests->woken)
		r = turn(requests, deadline_ns);
	if (outcome.done)
		return outcome.result;
	if (r != 0 && r != -ETIME) {
		request->complete = NULL; /* the ring is finished, and outcome is about to be */
		return r;
	}
	/* What it writes to is the caller's stack, perhaps: it must end before we return. */
	r = cancel_by(requests, tag, 0);
	if (r == 0)
		r = wait_gone(requests, tag, RING_NEVER);
	if (r < 0)
		return r;
	if (outcome.result != -ECANCELED && outcome.result != -EINTR)
		return outcome.result;
	return requests->woken ? -ECANCELED : -ETIME;
}

int ring_requests_drain(struct ring_requests *requests, uint64_t deadline_ns)
{
	int r = 0;

	if (requests->slab.used > 0)
		r = cancel_by(requests, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	while (r == 0 && (requests->slab.used > 0 || requests->cancels > 0))
		r = turn(requests, deadline_ns);
	return r;
}

uint64_t ring_requests_wake_tag(const struct ring_requests *requests)
{
	return make_tag(requests, 0, SLOT_WAKE);
}
