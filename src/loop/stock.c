#include "loop/stock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STOCK_GROUP        0
#define STOCK_COUNT_MIN    4
#define STOCK_TARGET_FIRST 128

static uint32_t power_of_two_at_least(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power <<= 1;
	return power;
}

static uint32_t count_for(uint64_t memory, uint32_t buffer_size)
{
	uint64_t count = memory / buffer_size;

	if (count < STOCK_COUNT_MIN)
		return STOCK_COUNT_MIN;
	return count < STOCK_BUFFERS_MAX ? (uint32_t)count : STOCK_BUFFERS_MAX;
}

static void fill(struct stock *stock, uint32_t available)
{
	for (; available < stock->target && stock->spare_count > stock->reserve; available++) {
		uint16_t id = stock_take(stock);
		ring_buffers_add(&stock->buffers, stock_memory(stock, id), stock->buffer_size, id);
		stock->unpublished = true;
	}
	if (stock->unpublished)
		ring_buffers_publish(&stock->buffers);
	stock->unpublished = false;
}

int stock_open(struct stock *stock, struct ring *ring, uint64_t memory, uint32_t buffer_size)
{
	uint32_t count = count_for(memory, buffer_size);
	int r;

	if (count > SIZE_MAX / buffer_size) {
		*stock = (struct stock){0};
		return -ENOMEM; /* in 32 bits their product would be something less */
	}
	*stock = (struct stock){
		.buffer_size = buffer_size,
		.count = count,
		.target = count < STOCK_TARGET_FIRST ? count : STOCK_TARGET_FIRST,
		.spare = STOCK_NONE,
		.reserve = count / 8 ? count / 8 : 1,
	};
	/* Mapped, not allocated: what is never used is never resident. */
	stock->memory = mmap(NULL, (size_t)count * buffer_size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stock->memory == MAP_FAILED) {
		*stock = (struct stock){0};
		return -ENOMEM;
	}
	stock->chunks = calloc(count, sizeof(*stock->chunks));
	r = stock->chunks ? ring_buffers_open(&stock->buffers, ring, STOCK_GROUP,
					      power_of_two_at_least(count), 0)
			  : -ENOMEM;
	if (r < 0) {
		munmap(stock->memory, (size_t)count * buffer_size);
		free(stock->chunks);
		*stock = (struct stock){0};
		return r;
	}
	for (uint32_t id = count; id > 0; id--)
		stock_give(stock, (uint16_t)(id - 1));
	fill(stock, 0);
	return 0;
}

void stock_close(struct stock *stock)
{
	assert(!stock->memory || stock_held(stock) == 0);
	stock_leave(stock);
}

void stock_leave(struct stock *stock)
{
	if (!stock->memory)
		return;
	ring_buffers_close(&stock->buffers);
	munmap(stock->memory, (size_t)stock->count * stock->buffer_size);
	free(stock->chunks);
	*stock = (struct stock){0};
}

void stock_give(struct stock *stock, uint16_t id)
{
	assert(id < stock->count);
	stock->chunks[id] = (struct chunk){.next = stock->spare};
	stock->spare = id;
	stock->spare_count++;
}

uint16_t stock_take(struct stock *stock)
{
	uint16_t id = stock->spare;

	assert(stock->spare_count > 0);
	stock->spare = stock->chunks[id].next;
	stock->spare_count--;
	return id;
}

void stock_return(struct stock *stock, const struct io_uring_cqe *done)
{
	struct ring_bundle bundle;
	uint32_t length;
	uint16_t id;

	if (!(done->flags & IORING_CQE_F_BUFFER))
		return;
	bundle = ring_buffers_bundle(&stock->buffers, done);
	while (ring_bundle_next(&bundle, &id, &length))
		stock_give(stock, id);
}

void stock_refill(struct stock *stock)
{
	uint32_t available = ring_buffers_available(&stock->buffers);

	/* Half of it gone within a turn: the next turn might empty it. */
	if (available < stock->target / 2 && stock->target < stock->count)
		stock_ran_dry(stock);
	fill(stock, available);
}

void stock_ran_dry(struct stock *stock)
{
	stock->target = stock->target * 2 < stock->count ? stock->target * 2 : stock->count;
}
