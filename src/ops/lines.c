#include "ops/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lines_init(struct lines *lines, uint32_t size)
{
	assert(size && (size & (size - 1)) == 0);
	*lines = (struct lines){.bytes = malloc(size), .size = size};
	return lines->bytes ? 0 : -ENOMEM;
}

void lines_done(struct lines *lines)
{
	free(lines->bytes);
	lines->bytes = NULL;
	lines->size = 0;
}

static void copy_in(struct lines *lines, uint32_t at, const void *from, uint32_t count)
{
	uint32_t offset = at & (lines->size - 1), first = lines->size - offset;

	if (first > count)
		first = count;
	memcpy(lines->bytes + offset, from, first);
	memcpy(lines->bytes, (const char *)from + first, count - first);
}

static void copy_out(const struct lines *lines, uint32_t at, void *into, uint32_t count)
{
	uint32_t offset = at & (lines->size - 1), first = lines->size - offset;

	if (first > count)
		first = count;
	memcpy(into, lines->bytes + offset, first);
	memcpy((char *)into + first, lines->bytes, count - first);
}

/* Each counter has one writer. */
static void count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

bool lines_put(struct lines *lines, const char *line, uint32_t size)
{
	uint32_t tail = atomic_load_explicit(&lines->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&lines->head, memory_order_acquire);
	uint32_t room = lines->size - (tail - head);

	assert(size > 0);
	if (room < sizeof(size) || room - sizeof(size) < size) {
		count(&lines->dropped);
		return false;
	}
	count(&lines->accepted);
	copy_in(lines, tail, &size, sizeof(size));
	copy_in(lines, tail + (uint32_t)sizeof(size), line, size);
	atomic_store_explicit(&lines->tail, tail + (uint32_t)sizeof(size) + size,
			      memory_order_release);
	return true;
}

uint32_t lines_take(struct lines *lines, char *into, size_t room)
{
	uint32_t head = atomic_load_explicit(&lines->head, memory_order_relaxed), size;

	if (head == atomic_load_explicit(&lines->tail, memory_order_acquire))
		return 0;
	copy_out(lines, head, &size, sizeof(size));
	if (size > room)
		return 0;
	copy_out(lines, head + (uint32_t)sizeof(size), into, size);
	atomic_store_explicit(&lines->head, head + (uint32_t)sizeof(size) + size,
			      memory_order_release);
	count(&lines->taken);
	return size;
}
