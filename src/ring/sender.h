/*
 * Sending a word to another thread's ring.
 *
 * The receiver, asleep in ring_submit_wait() or not, finds a completion with the
 * user_data and result given.  For threads that have no ring themselves: where
 * the kernel can, no ring is needed (6.13), otherwise a small one of our own
 * carries the message (5.18).  A thread with a ring uses ring_prep_msg_ring().
 */
#ifndef RING_SENDER_H
#define RING_SENDER_H

#include "ring/core.h"

struct ring_sender {
	bool direct; /* the kernel takes messages without a ring */
	struct ring ring;
};

/* Open one and use it in one thread. */
int ring_sender_open(struct ring_sender *sender) must_check;
/* The same on another system (NULL: the kernel), with capabilities known (NULL: probe). */
int ring_sender_open_on(struct ring_sender *sender, const struct ring_system *system,
			const struct ring_capabilities *capabilities) must_check;

/*
 * Post a completion to the ring of ring_fd (ring->fd; not an index).  0, or
 * -EBADFD: that ring is not enabled yet; -EOVERFLOW: it is out of memory for it.
 */
int ring_send(struct ring_sender *sender, int ring_fd, uint64_t user_data,
	      int32_t result) must_check;

/*
 * The same of a message prepared by ring_prep_msg_ring() or ring_prep_msg_ring_flags().
 * -EOPNOTSUPP: a file, which only a ring that has it registered can send.
 */
int ring_send_message(struct ring_sender *sender, const struct io_uring_sqe *message) must_check;

/* Safe twice. */
void ring_sender_close(struct ring_sender *sender);

#endif
