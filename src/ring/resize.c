/*
 * New sizes for a live ring.
 *
 * The kernel swaps the rings first and we map them afterwards; a failure between
 * would leave us on memory nobody reads.  So the address space is reserved
 * beforehand: mapping over a reservation needs nothing that can run out.
 */
#include "ring/internal.h"

#include <sys/mman.h>

struct reservation {
	void *rings, *sqes;
	struct ring_extent extent;
};

static void release(struct ring *ring, struct reservation *reserved)
{
	const struct ring_system *system = ring->system;

	if (reserved->rings)
		system->unmap(system->context, reserved->rings, reserved->extent.rings);
	if (reserved->sqes)
		system->unmap(system->context, reserved->sqes, reserved->extent.sqes);
}

static int reserve(struct ring *ring, struct reservation *ret_reserved,
		   const struct ring_options *options)
{
	const struct ring_system *system = ring->system;
	struct reservation reserved = {
		.extent = ring_measure(options, !(ring->flags & IORING_SETUP_NO_SQARRAY)),
	};
	int r;

	r = system->map(system->context, &reserved.rings, NULL, reserved.extent.rings, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r < 0)
		return r;
	r = system->map(system->context, &reserved.sqes, NULL, reserved.extent.sqes, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r < 0) {
		release(ring, &reserved);
		return r;
	}
	*ret_reserved = reserved;
	return 0;
}

static int map_over(struct ring *ring, void *address, size_t size, uint64_t offset)
{
	const struct ring_system *system = ring->system;
	void *mapped;
	int r = system->map(system->context, &mapped, address, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE | MAP_FIXED, ring->fd, offset);

	if (r < 0)
		return r;
	return system->advise(system->context, address, size, MADV_DONTFORK);
}

static int adopt(struct ring *ring, const struct reservation *reserved,
		 struct io_uring_params *params)
{
	struct ring_sizes sizes = ring_sizes(params);
	int r;

	if (sizes.rings > reserved->extent.rings || sizes.sqes > reserved->extent.sqes)
		return -EOVERFLOW;
	r = map_over(ring, reserved->rings, sizes.rings, IORING_OFF_SQ_RING);
	if (r == 0)
		r = map_over(ring, reserved->sqes, sizes.sqes, IORING_OFF_SQES);
	if (r < 0)
		return r;
	ring_unmap(ring);
	ring->rings = reserved->rings;
	ring->rings_size = reserved->extent.rings;
	ring->sqe_memory = reserved->sqes;
	ring->sqe_memory_size = reserved->extent.sqes;
	ring_locate(ring, params);
	return 0;
}

int ring_resize(struct ring *ring, uint32_t entries, uint32_t cq_entries)
{
	struct ring_options options = {
		.entries = entries,
		.cq_entries = cq_entries ? cq_entries : entries * 2,
		.required = ring->flags,
	};
	struct io_uring_params params = {
		.sq_entries = entries,
		.cq_entries = options.cq_entries,
		.flags = IORING_SETUP_CQSIZE,
	};
	struct reservation reserved;
	uint32_t flags = ring->flags;
	int r;

	if (ring->own_memory || ring->cq_rings || entries == 0)
		return -EINVAL;
	r = reserve(ring, &reserved, &options);
	if (r < 0)
		return r;
	ring_cq_release(ring);
	ring_publish(ring);
	r = ring_enlist(ring, IORING_REGISTER_RESIZE_RINGS, &params, 1);
	if (r < 0) {
		release(ring, &reserved);
		return r;
	}
	params.flags = flags;
	params.features = ring->features;
	r = adopt(ring, &reserved, &params);
	if (r < 0) {
		release(ring, &reserved);
		ring_unregister_self(ring);
		ring->enter_fd = -1;
	}
	return r;
}
