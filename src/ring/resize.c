/*
 * New sizes for a live ring.
 *
 * The kernel swaps the rings first and we map them afterwards; a failure between
 * would leave us on memory nobody reads.  So address space for the new rings is
 * held beforehand and let go at the last moment.  (Mapping over it would be safer
 * still, but io_uring does not let itself be mapped at an address of our choice.)
 * If another thread snatches it the ring is finished, and says so.
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

/* Map the new rings beside the old ones, which go when that has worked. */
static int adopt(struct ring *ring, struct io_uring_params *params)
{
	struct ring old = *ring;
	int r;

	ring->rings = ring->cq_rings = ring->sqe_memory = NULL;
	r = ring_map(ring, params);
	if (r < 0) {
		ring_unmap(ring);
		*ring = old;
		return r;
	}
	ring_unmap(&old);
	ring_locate(ring, params);
	return 0;
}

int ring_resize_with(struct ring *ring, uint32_t entries, uint32_t cq_entries, uint32_t flags)
{
	struct ring_options options = {
		.entries = entries ? entries : ring->sq_entries,
		.cq_entries = cq_entries ? cq_entries : ring->cq_entries,
		.required = (ring->flags & ~IORING_SETUP_CLAMP) | flags,
	};
	struct io_uring_params params = {
		.sq_entries = options.entries,
		.cq_entries = options.cq_entries,
		.flags = IORING_SETUP_CQSIZE | flags,
	};
	struct reservation reserved;
	int r;

	if (ring->own_memory || ring->cq_rings || flags & ~IORING_SETUP_CLAMP)
		return -EINVAL;
	r = reserve(ring, &reserved, &options);
	if (r < 0)
		return r;
	ring_cq_release(ring);
	ring_publish(ring);
	r = ring_enlist(ring, IORING_REGISTER_RESIZE_RINGS, &params, 1);
	release(ring, &reserved);
	if (r < 0)
		return r;
	params.flags = ring->flags;
	params.features = ring->features;
	r = adopt(ring, &params);
	if (r < 0) {
		ring_unregister_self(ring);
		ring->enter_fd = -1;
	}
	return r;
}

int ring_resize(struct ring *ring, uint32_t entries, uint32_t cq_entries)
{
	if (entries == 0)
		return -EINVAL;
	return ring_resize_with(ring, entries, cq_entries ? cq_entries : entries * 2, 0);
}
