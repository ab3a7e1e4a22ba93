/* The memory a ring shares with the kernel: how much, mapped where. */
#include "ring/internal.h"

#include <string.h>
#include <sys/mman.h>

static uint32_t power_of_two(uint32_t n)
{
	if (n > 1U << 31)
		return 1U << 31;
	return n <= 1 ? 1 : 1U << (32 - __builtin_clz(n - 1));
}

/* Only the first of this is a fact of the interface; the kernel lays out the rest like so. */
#define RING_HEADER 64UL

struct ring_extent ring_measure(const struct ring_options *options, bool sq_array)
{
	uint32_t flags = options->required | options->wanted;
	uint32_t entries = power_of_two(options->entries), cq_entries = entries * 2;
	struct ring_extent extent;

	if (flags & IORING_SETUP_CLAMP && entries > 32768)
		entries = 32768;
	if (options->cq_entries)
		cq_entries = power_of_two(options->cq_entries);
	if (flags & IORING_SETUP_CLAMP && cq_entries > 65536)
		cq_entries = 65536;

	extent.sqes = (size_t)entries * sizeof(struct io_uring_sqe)
		      << !!(flags & IORING_SETUP_SQE128);
	extent.rings = RING_HEADER + ((size_t)cq_entries * sizeof(struct io_uring_cqe)
				      << !!(flags & IORING_SETUP_CQE32));
	if (sq_array)
		extent.rings += entries * sizeof(uint32_t);
	extent.sqes = ring_pages(extent.sqes);
	extent.rings = ring_pages(extent.rings);
	return extent;
}

size_t ring_memory(const struct ring_options *options)
{
	bool sq_array = !options->capabilities ||
			!(options->capabilities->setup_flags & IORING_SETUP_NO_SQARRAY);
	struct ring_extent extent = ring_measure(options, sq_array);

	return extent.sqes + extent.rings;
}

struct ring_sizes ring_sizes(const struct io_uring_params *p)
{
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	size_t cq = p->cq_off.cqes + ((size_t)p->cq_entries * sizeof(struct io_uring_cqe)
				      << !!(p->flags & IORING_SETUP_CQE32));
	struct ring_sizes sizes = {
		.sqes = (size_t)p->sq_entries * sizeof(struct io_uring_sqe)
			<< !!(p->flags & IORING_SETUP_SQE128),
	};

	if (p->flags & IORING_SETUP_NO_SQARRAY)
		sq = 0;
	if (p->features & IORING_FEAT_SINGLE_MMAP) {
		sizes.rings = sq > cq ? sq : cq;
	} else {
		sizes.rings = sq;
		sizes.cq_rings = cq;
	}
	return sizes;
}

static int ring_map_one(struct ring *ring, void **ret_address, size_t size, uint64_t offset)
{
	const struct ring_system *system = ring->system;
	int r = system->map(system->context, ret_address, NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, ring->fd, offset);

	if (r < 0)
		return r;
	/* A child's copy would be the same ring, and its stores ours. */
	r = system->advise(system->context, *ret_address, size, MADV_DONTFORK);
	if (r < 0) {
		system->unmap(system->context, *ret_address, size);
		*ret_address = NULL;
	}
	return r;
}

int ring_map(struct ring *ring, const struct io_uring_params *p)
{
	struct ring_sizes sizes = ring_sizes(p);
	int r;

	ring->rings_size = sizes.rings;
	ring->cq_rings_size = sizes.cq_rings;
	ring->sqe_memory_size = sizes.sqes;

	r = ring_map_one(ring, &ring->rings, sizes.rings, IORING_OFF_SQ_RING);
	if (r < 0)
		return r;
	if (sizes.cq_rings) {
		r = ring_map_one(ring, &ring->cq_rings, sizes.cq_rings, IORING_OFF_CQ_RING);
		if (r < 0)
			return r;
	}
	return ring_map_one(ring, &ring->sqe_memory, sizes.sqes, IORING_OFF_SQES);
}

void ring_unmap(struct ring *ring)
{
	const struct ring_system *system = ring->system;

	if (!ring->own_memory) {
		if (ring->sqe_memory)
			system->unmap(system->context, ring->sqe_memory, ring->sqe_memory_size);
		if (ring->cq_rings)
			system->unmap(system->context, ring->cq_rings, ring->cq_rings_size);
		if (ring->rings)
			system->unmap(system->context, ring->rings, ring->rings_size);
	}
	ring->sqe_memory = ring->cq_rings = ring->rings = NULL;
}

void ring_locate(struct ring *ring, const struct io_uring_params *p)
{
	unsigned char *sq = ring->rings, *cq = ring->cq_rings ? ring->cq_rings : ring->rings;

	ring->flags = p->flags;
	ring->features = p->features;
	ring->sq_entries = p->sq_entries;
	ring->cq_entries = p->cq_entries;

	ring->sqes = ring->sqe_memory;
	ring->sq_khead = (uint32_t *)(sq + p->sq_off.head);
	ring->sq_ktail = (uint32_t *)(sq + p->sq_off.tail);
	ring->sq_kflags = (uint32_t *)(sq + p->sq_off.flags);
	ring->sq_mask = p->sq_entries - 1;
	ring->sqe_shift = !!(p->flags & IORING_SETUP_SQE128);
	ring->sq_head = ring_load_acquire(ring->sq_khead);
	ring->sq_tail = ring->sq_published = ring_load_relaxed(ring->sq_ktail);
	if (!(p->flags & IORING_SETUP_NO_SQARRAY)) {
		uint32_t *array = (uint32_t *)(sq + p->sq_off.array);
		for (uint32_t i = 0; i < p->sq_entries; i++)
			array[i] = i; /* position i always names entry i */
	}

	ring->cqes = (struct io_uring_cqe *)(cq + p->cq_off.cqes);
	ring->cq_khead = (uint32_t *)(cq + p->cq_off.head);
	ring->cq_ktail = (uint32_t *)(cq + p->cq_off.tail);
	ring->cq_koverflow = (uint32_t *)(cq + p->cq_off.overflow);
	ring->cq_kflags = p->cq_off.flags ? (uint32_t *)(cq + p->cq_off.flags) : NULL;
	ring->cq_mask = p->cq_entries - 1;
	ring->cqe_shift = !!(p->flags & IORING_SETUP_CQE32);
	ring->cq_mixed = p->flags & IORING_SETUP_CQE_MIXED;
	ring->cq_head = ring->cq_published = ring_load_relaxed(ring->cq_khead);
	ring->overflow = ring_load_relaxed(ring->cq_koverflow);
	ring->cq_must_enter =
		p->flags & IORING_SETUP_IOPOLL ||
		(p->flags & IORING_SETUP_DEFER_TASKRUN && !(p->flags & IORING_SETUP_TASKRUN_FLAG));
	ring->plain = !ring->cq_must_enter && !ring->cq_mixed &&
		      !(p->flags & IORING_SETUP_SQPOLL) && ring->system->enter == ring_kernel.enter;
}
