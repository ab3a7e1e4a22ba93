#include "net/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define POOL_GROUP        0
#define POOL_COUNT_MIN    4
#define POOL_TARGET_FIRST 128

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

	if (count < POOL_COUNT_MIN)
		return POOL_COUNT_MIN;
	return count < POOL_BUFFERS_MAX ? (uint32_t)count : POOL_BUFFERS_MAX;
}

static void fill(struct pool *pool, uint32_t available)
{
	for (; available < pool->target && pool->spare_count > pool->reserve; available++) {
		uint16_t id = pool_take(pool);
		ring_buffers_add(&pool->buffers, pool_memory(pool, id), pool->buffer_size, id);
		pool->unpublished = true;
	}
	if (pool->unpublished)
		ring_buffers_publish(&pool->buffers);
	pool->unpublished = false;
}

int pool_open(struct pool *pool, struct ring *ring, uint64_t memory, uint32_t buffer_size)
{
	uint32_t count = count_for(memory, buffer_size);
	int r;

	*pool = (struct pool){
		.buffer_size = buffer_size,
		.count = count,
		.target = count < POOL_TARGET_FIRST ? count : POOL_TARGET_FIRST,
		.spare = POOL_NONE,
		.reserve = count / 8 ? count / 8 : 1,
	};
	/* Mapped, not allocated: what is never used is never resident. */
	pool->memory = mmap(NULL, (size_t)count * buffer_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pool->memory == MAP_FAILED) {
		*pool = (struct pool){0};
		return -ENOMEM;
	}
	pool->chunks = calloc(count, sizeof(*pool->chunks));
	r = pool->chunks ? ring_buffers_open(&pool->buffers, ring, POOL_GROUP,
					     power_of_two_at_least(count), 0)
			 : -ENOMEM;
	if (r < 0) {
		munmap(pool->memory, (size_t)count * buffer_size);
		free(pool->chunks);
		*pool = (struct pool){0};
		return r;
	}
	for (uint32_t id = count; id > 0; id--)
		pool_give(pool, (uint16_t)(id - 1));
	fill(pool, 0);
	return 0;
}

void pool_close(struct pool *pool)
{
	assert(!pool->memory || pool_held(pool) == 0);
	pool_leave(pool);
}

void pool_leave(struct pool *pool)
{
	if (!pool->memory)
		return;
	ring_buffers_close(&pool->buffers);
	munmap(pool->memory, (size_t)pool->count * pool->buffer_size);
	free(pool->chunks);
	*pool = (struct pool){0};
}

void pool_give(struct pool *pool, uint16_t id)
{
	assert(id < pool->count);
	pool->chunks[id] = (struct chunk){.next = pool->spare};
	pool->spare = id;
	pool->spare_count++;
}

uint16_t pool_take(struct pool *pool)
{
	uint16_t id = pool->spare;

	assert(pool->spare_count > 0);
	pool->spare = pool->chunks[id].next;
	pool->spare_count--;
	return id;
}

void pool_refill(struct pool *pool)
{
	uint32_t available = ring_buffers_available(&pool->buffers);

	/* Half of it gone within a turn: the next turn might empty it. */
	if (available < pool->target / 2 && pool->target < pool->count)
		pool_ran_dry(pool);
	fill(pool, available);
}

void pool_ran_dry(struct pool *pool)
{
	pool->target = pool->target * 2 < pool->count ? pool->target * 2 : pool->count;
}
