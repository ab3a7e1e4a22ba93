#include "loop/loop.h"

#include "base/clock.h"
#include "loop/sandbox.h"

#include "ops/log.h"
#include "ops/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIPES_IDLE_MS 1000
#define LAST_WORDS_MS 1000 /* for the log to say why, before an abort() */

int loop_init(struct loop *loop, uint32_t index, const struct loop_sizes *sizes)
{
	*loop = (struct loop){
		.index = index,
		.sizes = *sizes,
		.vectors = calloc(LOOP_QUEUE_ENTRIES, sizeof(*loop->vectors)),
		.random = clock_now_ns() * 2654435761u + index + 1,
		.ring.fd = -1,
		.settle.kind = TIMER_SETTLE,
		.trim.kind = TIMER_TRIM,
	};
	pipes_init(&loop->pipes, sizes->pipes_max);
	list_init(&loop->dirty);
	list_init(&loop->starved);
	list_init(&loop->resting);
	return loop->vectors ? 0 : -ENOMEM;
}

void loop_done(struct loop *loop)
{
	free(loop->vectors);
	loop->vectors = NULL;
}

int loop_open(struct loop *loop, const struct ring_options *options, struct ring_error *error)
{
	struct ring_options asked = *options;
	const char *what = "receive buffers";
	int r;

	loop->now_ms = clock_now_ms();
	wheel_init(&loop->wheel, loop->now_ms);
	if (loop->sizes.sandbox)
		asked.required |= IORING_SETUP_R_DISABLED;
	r = ring_open(&loop->ring, &asked, error);
	if (r < 0)
		return r;
	/*
	 * At urgent data tcp_recvmsg() says EAGAIN to a thread that has a signal pending, as a
	 * polling kernel thread has while it does what its ring was woken for.  A receive that
	 * stays armed is then not tried again before more comes, which may be never.
	 */
	loop->has_budget = ring_has(&loop->ring, RING_RECV_BUDGET) &&
			   !(loop->ring.flags & IORING_SETUP_SQPOLL);
	loop->has_bundle = ring_has(&loop->ring, RING_RECV_BUNDLE);
	loop->ended_ns = clock_now_ns();
	coalesce_init(&loop->coalesce, loop->ended_ns,
		      ring_has(&loop->ring, RING_MIN_WAIT) ? loop->sizes.coalesce_us : 0);
	loop->has_silent =
		ring_has(&loop->ring, RING_CQE_SKIP) && !(loop->ring.flags & IORING_SETUP_SQPOLL);
	r = stock_open(&loop->stock, &loop->ring, loop->sizes.buffer_memory,
		       loop->sizes.buffer_size);
	if (r == 0 && loop->sizes.sandbox) {
		what = "restrictions of the ring (ring_sandbox = off does without)";
		r = sandbox_close_in(&loop->ring);
		if (r < 0)
			stock_close(&loop->stock);
	}
	if (r < 0) {
		ring_explain(error, what, r, &asked);
		ring_close(&loop->ring);
	}
	return r;
}

void loop_close(struct loop *loop)
{
	pipes_close(&loop->pipes);
	stats_count(&loop->stats, buffers_missing, stock_held(&loop->stock));
	stock_close(&loop->stock);
	ring_close(&loop->ring);
}

void loop_leave(struct loop *loop)
{
	pipes_close(&loop->pipes);
	stock_leave(&loop->stock);
	ring_leave(&loop->ring);
}

void loop_short_of_memory(struct loop *loop, int error)
{
	condition_enter(loop, CONDITION_MEMORY, error);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

struct io_uring_sqe *loop_entry(struct loop *loop)
{
	struct io_uring_sqe *sqe;

	while (!(sqe = ring_sqe(&loop->ring))) {
		/* The kernel has no memory for requests: nothing can go on, nothing is lost. */
		if (ring_error_class(loop->ring.error) != RING_ERROR_RETRY) {
			log_error("worker %u: io_uring failed: %s", loop->index,
				  strerror(-loop->ring.error));
			writer_flush(LAST_WORDS_MS);
			abort();
		}
		loop_short_of_memory(loop, loop->ring.error);
	}
	return sqe;
}

void loop_end_turn(struct loop *loop)
{
	loop->ended_ns = clock_now_ns();
	histogram_record(&loop->lag, &HISTOGRAM_LAG, loop->ended_ns - loop->coalesce.now_ns);
}

void loop_look_at_queues(struct loop *loop)
{
	uint32_t full = loop->ring.full - loop->full_before;

	if (unlikely(full)) {
		loop->full_before = loop->ring.full;
		stats_count(&loop->stats, queue_full, full);
		condition_enter(loop, CONDITION_SUBMISSIONS, 0);
	}
	if (unlikely(ring_cq_overflowed(&loop->ring))) {
		stats_count(&loop->stats, overflows, 1);
		condition_enter(loop, CONDITION_COMPLETIONS, 0);
	}
}

void loop_watch_pipes(struct loop *loop)
{
	if (pipes_any(&loop->pipes) && !wheel_is_set(&loop->trim))
		wheel_set(&loop->wheel, &loop->trim, loop->now_ms + PIPES_IDLE_MS);
}

void loop_trim_pipes(struct loop *loop)
{
	pipes_trim(&loop->pipes);
	loop_watch_pipes(loop);
}

uint64_t loop_random(struct loop *loop)
{
	loop->random ^= loop->random << 13;
	loop->random ^= loop->random >> 7;
	loop->random ^= loop->random << 17;
	return loop->random;
}
