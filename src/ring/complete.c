/* Completion: the slow half of cqe.h. */
#include "ring/internal.h"

unsigned ring_reap_slowly(struct ring *ring, struct io_uring_cqe *completions, unsigned max)
{
	struct ring_walk walk = ring_walk_begin(ring);
	struct io_uring_cqe *cqe;
	unsigned count = 0;

	while (count < max && (cqe = ring_walk_next(&walk)) != NULL)
		completions[count++] = *cqe;
	ring_walk_end(&walk);
	return count;
}

uint32_t ring_lost(struct ring *ring)
{
	uint32_t now = ring_load_relaxed(ring->cq_koverflow), lost = now - ring->overflow;

	ring->overflow = now;
	return lost;
}
