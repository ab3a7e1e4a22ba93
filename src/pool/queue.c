#include "pool/queue.h"

#include <stdlib.h>
#include <string.h>

struct queue *queue_make(const char *title, uint32_t workers)
{
	size_t size = sizeof(struct queue) + workers * sizeof(struct queue_line);
	struct queue *queue = aligned_alloc(_Alignof(struct queue), size);

	if (!queue)
		return NULL;
	memset(queue, 0, size);
	queue->title = strdup(title);
	queue->workers = workers;
	for (uint32_t i = 0; i < workers; i++) {
		struct queue_line *line = &queue->lines[i];

		line->queue = queue;
		for (unsigned kind = 0; kind < QUEUE_KIND_COUNT; kind++) {
			list_init(&line->waiting[kind]);
			queue_tell(line, (enum queue_kind)kind, QUEUE_NOBODY);
		}
	}
	if (queue->title)
		return queue;
	queue_free(queue);
	return NULL;
}

void queue_free(struct queue *queue)
{
	free(queue->title);
	free(queue);
}

/* ---- How many wait, and of whom -------------------------------------------------------------- */

/*
 * One word, so that all of it changes at once:
 *
 *   63                33   32    31                0
 *  [ edition, so far as  | mixed | how many           ]
 */
#define MIXED         (UINT64_C(1) << 32)
#define EDITION_SHIFT 33

static uint64_t with_one_more(uint64_t state, uint64_t edition, bool particular)
{
	uint64_t of = edition << EDITION_SHIFT;

	if ((uint32_t)state == 0)
		state = of;
	if (particular || state >> EDITION_SHIFT != of >> EDITION_SHIFT)
		state |= MIXED;
	return state + 1;
}

bool queue_enter(struct queue *queue, enum queue_kind kind, uint32_t most, uint64_t edition,
		 bool particular)
{
	_Atomic uint64_t *word = &queue->state[kind];
	uint64_t state = atomic_load_explicit(word, memory_order_relaxed);

	do {
		if ((uint32_t)state >= most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		word, &state, with_one_more(state, edition, particular), memory_order_seq_cst,
		memory_order_relaxed));
	return true;
}

void queue_leave(struct queue *queue, enum queue_kind kind)
{
	uint64_t before = atomic_fetch_sub_explicit(&queue->state[kind], 1, memory_order_seq_cst);

	assert((uint32_t)before > 0);
}

bool queue_is_mixed(const struct queue *queue, enum queue_kind kind)
{
	return atomic_load_explicit(&queue->state[kind], memory_order_seq_cst) & MIXED;
}

struct queue_line *queue_oldest(struct queue *queue, enum queue_kind kind)
{
	struct queue_line *oldest = NULL;
	uint64_t first = QUEUE_NOBODY;

	for (uint32_t i = 0; i < queue->workers; i++) {
		uint64_t since =
			atomic_load_explicit(&queue->lines[i].since[kind], memory_order_seq_cst);

		if (since < first) {
			first = since;
			oldest = &queue->lines[i];
		}
	}
	return oldest;
}

/* ---- Going to another server ----------------------------------------------------------------- */

bool queue_retry(struct queue *queue, uint32_t most)
{
	uint32_t now = atomic_load_explicit(&queue->retrying, memory_order_relaxed);

	do {
		if (now >= most)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->retrying, &now, now + 1, memory_order_relaxed, memory_order_relaxed));
	return true;
}

void queue_retry_over(struct queue *queue)
{
	uint32_t before = atomic_fetch_sub_explicit(&queue->retrying, 1, memory_order_seq_cst);

	assert(before > 0);
}
