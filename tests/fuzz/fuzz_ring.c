/*
 * Random operation mixes on the running kernel against a model of the request
 * table: every request ends exactly once, with a result that its kind allows, and
 * nothing is left when all is drained.
 *
 * Input: the ring's mode, then two bytes for each step -- what, and how.
 */
#include "ring/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KIND     7
#define REQUESTS 32

enum expectation { GIVEN, GIVEN_OR_CANCELLED, RECEIVE, TIMEOUT };

struct model {
	enum expectation expectation;
	int32_t given;
	uint64_t tag;
	bool live;
};

static struct ring_capabilities capabilities;
static struct model models[REQUESTS];
static unsigned live;

static void completed(struct ring_request *request, const struct io_uring_cqe *cqe)
{
	struct model *model = request->context;
	bool cancelled = cqe->res == -ECANCELED;

	assert(model->live && model->tag == request->tag);
	switch (model->expectation) {
	case GIVEN:
		assert(cqe->res == model->given);
		break;
	case GIVEN_OR_CANCELLED:
		assert(cancelled || cqe->res == model->given);
		break;
	case RECEIVE:
		assert(cancelled || cqe->res == 1);
		break;
	case TIMEOUT:
		assert(cancelled || cqe->res == -ETIME);
		break;
	}
	if (request->last) {
		model->live = false;
		live--;
	}
}

static struct model *free_model(void)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (!models[i].live)
			return &models[i];
	return NULL;
}

static void start(struct ring_requests *requests, struct io_uring_sqe *sqe, struct model *model)
{
	struct ring_request *request = ring_request_start(requests, sqe, completed, model);

	assert(request); /* the slab is as big as the model */
	model->tag = request->tag;
	model->live = true;
	live++;
}

/* A chain of NOPs with results of our choice: a failure cancels what follows. */
static void start_chain(struct ring *ring, struct ring_requests *requests, unsigned length, int how)
{
	struct io_uring_sqe *sqe = ring_sqe_reserve(ring, length);
	bool broken = false;

	for (unsigned i = 0; i < length; i++) {
		struct model *model = free_model();
		int32_t result = (how >> i & 1) ? -EIO : 0;
		assert(sqe && model);
		if (i > 0)
			sqe = ring_sqe(ring);
		ring_prep_nop_result(sqe, result);
		model->expectation = GIVEN;
		model->given = broken ? -ECANCELED : result;
		broken = broken || result < 0;
		if (i + 1 < length)
			ring_sqe_link(sqe);
		start(requests, sqe, model);
	}
}

static void step(struct ring *ring, struct ring_requests *requests, int pair[2], uint8_t what,
		 uint8_t how)
{
	static const struct __kernel_timespec soon = {.tv_nsec = 1000};
	static char bytes[REQUESTS];
	struct model *model = free_model();
	struct io_uring_sqe *sqe;

	switch (what % 8) {
	case 0: /* any result, now or by way of deferred work */
	case 1:
		if (!model || !(sqe = ring_sqe(ring)))
			return;
		*model = (struct model){.expectation = GIVEN_OR_CANCELLED, .given = (int8_t)how};
		ring_prep_nop_result(sqe, model->given);
		if (what & 8)
			ring_sqe_async(sqe);
		start(requests, sqe, model);
		return;
	case 2:
		if (live + 4 <= REQUESTS)
			start_chain(ring, requests, 2 + how % 3, how >> 2);
		return;
	case 3:
		if (!model || !(sqe = ring_sqe(ring)))
			return;
		model->expectation = RECEIVE;
		ring_prep_recv(sqe, pair[0], &bytes[model - models], 1, 0);
		start(requests, sqe, model);
		return;
	case 4:
		if (send(pair[1], "x", 1, MSG_DONTWAIT) < 0)
			assert(errno == EAGAIN);
		return;
	case 5: /* cancel one, any, already gone or not */
		sqe = ring_sqe(ring);
		if (!sqe)
			return;
		ring_prep_cancel(sqe, models[how % REQUESTS].tag, 0);
		ring_sqe_tag(sqe, 1);
		return;
	case 6:
		if (!model || !(sqe = ring_sqe(ring)))
			return;
		model->expectation = TIMEOUT;
		ring_prep_timeout(sqe, &soon, 0, 0);
		start(requests, sqe, model);
		return;
	default:
		if (how & 8) { /* without a deadline, but for something that comes */
			if (!(sqe = ring_sqe(ring)))
				return;
			ring_prep_nop(sqe);
			ring_sqe_tag(sqe, 1);
			assert(ring_submit_wait(ring, 1, RING_NEVER, 0).ready >= 1);
		} else {
			ring_submit_wait(ring, how % 4,
					 ring_kernel.now(NULL, CLOCK_MONOTONIC) + 100000, 0);
		}
		ring_requests_dispatch(requests);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t modes[] = {0, IORING_SETUP_COOP_TASKRUN,
					 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
					 IORING_SETUP_DEFER_TASKRUN};
	struct ring_requests requests;
	struct ring ring;
	int pair[2];

	if (!capabilities.operation_count && ring_probe(&capabilities, NULL) < 0)
		return 0;
	if (size < 1 || size > 2000 || !ring_capable(&capabilities, RING_NOP_RESULT))
		return 0;
	if (ring_open(&ring,
		      &(struct ring_options){.entries = 8,
					     .cq_entries = data[0] & 4 ? 8 : 64,
					     .wanted = modes[data[0] & 3] | IORING_SETUP_SUBMIT_ALL,
					     .capabilities = &capabilities},
		      NULL) < 0)
		abort();
	if (ring_requests_open(&requests, &ring, REQUESTS, KIND) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	for (size_t i = 1; i + 1 < size; i += 2)
		step(&ring, &requests, pair, data[i], data[i + 1]);

	if (ring_requests_drain(&requests, ring_kernel.now(NULL, CLOCK_MONOTONIC) + 5000000000) < 0)
		abort();
	assert(live == 0 && requests.stale == 0 && ring_lost(&ring) == 0);
	ring_requests_close(&requests);
	ring_close(&ring);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
