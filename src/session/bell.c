#include "session/bell.h"

#include "loop/loop.h"
#include "session/sessions.h"

#define RING_AGAIN_MS 10

static uint32_t worker_of(const struct queue_line *line)
{
	return (uint32_t)(line - line->queue->lines);
}

void bell_wake_by(struct sessions *all, uint64_t when_ms)
{
	struct wheel_timer *timer = &all->queues.timer;

	if (!wheel_is_set(timer) || when_ms < timer->expires_ms)
		wheel_set(&all->loop->wheel, timer, when_ms);
}

/* ---- Calling another worker ------------------------------------------------------------------ */

static void send_bell(struct sessions *all, uint32_t worker)
{
	struct op_tag tag = {.kind = OP_CONTROL};
	int fd = atomic_load_explicit(&all->engine->bells[worker].ring_fd, memory_order_relaxed);
	struct io_uring_sqe *sqe = loop_entry(all->loop);

	ring_prep_msg_ring(sqe, fd, 0, op_pack(tag), 0);
	tag.lane = OP_LANE_RINGING;
	tag.slot = worker;
	ring_sqe_tag(sqe, op_pack(tag));
	all->queues.ringing++;
}

/* Its bell is rung, or will be.  False: it has gone, and left nobody. */
static bool ring(struct sessions *all, uint32_t worker)
{
	uint32_t before = atomic_fetch_or_explicit(&all->engine->bells[worker].state, BELL_RUNG,
						   memory_order_seq_cst);

	if (before & BELL_GONE)
		return false;
	if (!(before & BELL_RUNG))
		send_bell(all, worker);
	return true;
}

void bell_rang(struct sessions *all, struct op_tag tag, int result)
{
	if (tag.lane != OP_LANE_RINGING)
		return;
	all->queues.ringing--;
	if (result >= 0)
		return;
	all->queues.rings_again = true;
	bell_retry(all);
}

void bell_retry(struct sessions *all)
{
	if (all->queues.rings_again)
		bell_wake_by(all, all->loop->now_ms + RING_AGAIN_MS);
}

/* Whoever has not heard it: that another rings there as well does no harm. */
static void ring_all_again(struct sessions *all)
{
	const struct engine *engine = all->engine;

	all->queues.rings_again = false;
	for (uint32_t i = 0; i < engine->worker_count; i++)
		if (i != all->loop->index &&
		    atomic_load_explicit(&engine->bells[i].state, memory_order_seq_cst) ==
			    BELL_RUNG)
			send_bell(all, i);
}

/* The line is served, here or there.  False: its worker has gone. */
static bool call(struct sessions *all, struct queue_line *line)
{
	if (worker_of(line) == all->loop->index) {
		line->due = line->is_called = all->queues.due = true;
		return true;
	}
	atomic_store_explicit(&line->called, true, memory_order_seq_cst);
	return ring(all, worker_of(line));
}

void bell_call_oldest(struct sessions *all, struct queue *queue, enum queue_kind kind)
{
	struct queue_line *line;

	do
		line = queue_oldest(queue, kind);
	while (line && !call(all, line));
}

static void call_all(struct sessions *all, struct queue *queue, enum queue_kind kind)
{
	for (uint32_t i = 0; i < queue->workers; i++)
		if (queue_has(&queue->lines[i], kind))
			(void)call(all, &queue->lines[i]); /* one that has gone has left nobody */
}

void bell_call(struct sessions *all, struct queue *queue, enum queue_kind kind)
{
	if (likely(queue_waiting(queue, kind) == 0))
		return;
	if (queue_is_mixed(queue, kind))
		call_all(all, queue, kind);
	else
		bell_call_oldest(all, queue, kind);
}

void bell_hear(struct sessions *all)
{
	struct list *lines = &all->queues.lines;

	if (!all->engine->bells)
		return;
	atomic_fetch_and_explicit(&all->engine->bells[all->loop->index].state, ~(uint32_t)BELL_RUNG,
				  memory_order_seq_cst);
	for (struct list *node = lines->next; node != lines; node = node->next) {
		struct queue_line *line = container_of(node, struct queue_line, link);

		if (atomic_exchange_explicit(&line->called, false, memory_order_seq_cst))
			line->due = line->is_called = true;
	}
}

void bell_open(struct sessions *all, int ring_fd)
{
	if (all->engine->bells)
		atomic_store_explicit(&all->engine->bells[all->loop->index].ring_fd, ring_fd,
				      memory_order_release);
}

void bell_close(struct sessions *all)
{
	if (all->engine->bells)
		atomic_fetch_or_explicit(&all->engine->bells[all->loop->index].state, BELL_GONE,
					 memory_order_seq_cst);
}

void bell_expired(struct sessions *all)
{
	if (all->queues.rings_again)
		ring_all_again(all);
}
