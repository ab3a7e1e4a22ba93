/* Registered waits: arguments of io_uring_enter() in memory the kernel knows. */
#include "ring/internal.h"

#include <sys/mman.h>

static int take_region(struct ring *ring, void *memory, size_t size)
{
	int r = ring->system->advise(ring->system->context, memory, size, MADV_DONTFORK);

	if (r == 0)
		r = ring_region_register(ring, memory, size, IORING_MEM_REGION_REG_WAIT_ARG);
	if (r < 0)
		return r;
	ring->wait_region = memory;
	ring->wait_region_size = size;
	return 0;
}

int ring_waits_open_in(struct ring *ring, void *memory, size_t size)
{
	int r;

	if (ring->wait_region)
		return -EBUSY;
	if (size < sizeof(struct io_uring_reg_wait) || size != ring_pages(size) ||
	    (uintptr_t)memory & (ring_page() - 1))
		return -EINVAL;
	r = take_region(ring, memory, size);
	ring->own_region = r == 0;
	return r;
}

int ring_waits_open(struct ring *ring, uint32_t count)
{
	const struct ring_system *system = ring->system;
	size_t size = ring_pages((size_t)count * sizeof(struct io_uring_reg_wait));
	void *memory;
	int r;

	if (count == 0 || ring->wait_region)
		return ring->wait_region ? -EBUSY : -EINVAL;
	r = system->map(system->context, &memory, NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r < 0)
		return r;
	r = take_region(ring, memory, size);
	if (r < 0)
		system->unmap(system->context, memory, size);
	return r;
}

void ring_waits_set(struct ring *ring, uint32_t index, uint64_t deadline_ns, uint32_t min_wait_us,
		    const uint64_t *mask)
{
	struct io_uring_reg_wait *slot = (struct io_uring_reg_wait *)ring->wait_region + index;

	assert((index + 1) * sizeof(*slot) <= ring->wait_region_size);
	*slot = (struct io_uring_reg_wait){
		.min_wait_usec = min_wait_us,
		.sigmask = ring_address(mask),
		.sigmask_sz = mask ? sizeof(*mask) : 0,
	};
	if (deadline_ns != RING_NEVER) {
		slot->flags = IORING_REG_WAIT_TS;
		slot->ts.tv_sec = (int64_t)(deadline_ns / 1000000000);
		slot->ts.tv_nsec = (int64_t)(deadline_ns % 1000000000);
	}
}

struct ring_wait ring_submit_wait_index(struct ring *ring, uint32_t min_complete, uint32_t index)
{
	struct io_uring_reg_wait *slot = (struct io_uring_reg_wait *)ring->wait_region + index;
	struct ring_want want = {
		.min_complete = min_complete < ring->cq_entries ? min_complete : ring->cq_entries,
		.deadline_ns = RING_NEVER,
		.slot = slot,
	};

	assert((index + 1) * sizeof(*slot) <= ring->wait_region_size);
	want.min_wait_us = slot->min_wait_usec;
	if (slot->flags & IORING_REG_WAIT_TS)
		want.deadline_ns =
			(uint64_t)slot->ts.tv_sec * 1000000000 + (uint64_t)slot->ts.tv_nsec;
	return ring_wait_for(ring, &want);
}
