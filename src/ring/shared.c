#include "ring/shared.h"

#include "ring/internal.h"

int ring_shared_open(struct ring_shared *shared, struct ring *ring)
{
	if (ring->enter_fd < 0)
		return RING_CLOSED;
	if (ring->flags & IORING_SETUP_SINGLE_ISSUER)
		return -EINVAL;
	shared->ring = ring;
	return -pthread_mutex_init(&shared->lock, NULL);
}

void ring_shared_close(struct ring_shared *shared)
{
	pthread_mutex_destroy(&shared->lock);
}

/* All of them or none are in the queue. */
static int put(struct ring *ring, const struct io_uring_sqe *entries, unsigned count)
{
	struct io_uring_sqe *sqe = ring_sqe_reserve(ring, count);

	for (unsigned i = 0; sqe && i < count; i++) {
		*sqe = entries[i];
		if (i + 1 < count)
			sqe = ring_sqe(ring);
	}
	return sqe ? 0 : ring->error;
}

int ring_shared_submit(struct ring_shared *shared, const struct io_uring_sqe *entries,
		       unsigned count)
{
	struct ring *ring = shared->ring;
	int r;

	if (count == 0)
		return 0;
	pthread_mutex_lock(&shared->lock);
	r = put(ring, entries, count);
	if (r == 0)
		r = ring_submit(ring);
	/* What the kernel did not take would be submitted by whoever comes next: it is not ours. */
	if (!(ring->flags & IORING_SETUP_SQPOLL) && ring->sq_tail != ring->sq_head) {
		ring->sq_tail = ring->sq_published = ring->sq_head;
		ring_store_release(ring->sq_ktail, ring->sq_tail);
	}
	pthread_mutex_unlock(&shared->lock);
	return r;
}
