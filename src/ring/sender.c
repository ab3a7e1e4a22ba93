#include "ring/sender.h"

#include "ring/internal.h"
#include "ring/prepare.h"

int ring_sender_open_on(struct ring_sender *sender, const struct ring_system *system,
			const struct ring_capabilities *capabilities)
{
	struct ring_capabilities probed;
	int r;

	*sender = (struct ring_sender){0};
	system = system ? system : &ring_kernel;
	if (!capabilities) {
		r = ring_probe(&probed, system);
		if (r < 0)
			return r;
		capabilities = &probed;
	}
	sender->direct = ring_capable(capabilities, RING_SEND_MSG_RING);
	if (sender->direct) {
		sender->ring.system = system;
		sender->ring.fd = sender->ring.enter_fd = sender->ring.registered_index = -1;
		return 0;
	}
	return ring_open(&sender->ring,
			 &(struct ring_options){
				 .entries = 1, .system = system, .capabilities = capabilities},
			 NULL);
}

int ring_sender_open(struct ring_sender *sender)
{
	return ring_sender_open_on(sender, NULL, NULL);
}

static int ring_send_by_ring(struct ring *ring, const struct io_uring_sqe *message)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);
	struct io_uring_cqe cqe;
	struct ring_wait wait;

	if (!sqe)
		return ring->error;
	*sqe = *message;
	do
		wait = ring_submit_wait(ring, 1, RING_NEVER, 0);
	while (ring_error_class(wait.error) == RING_ERROR_RETRY);
	if (ring_reap(ring, &cqe, 1) != 1)
		return wait.error;
	return cqe.res;
}

int ring_send_message(struct ring_sender *sender, const struct io_uring_sqe *message)
{
	const struct ring_system *system = sender->ring.system;
	struct io_uring_sqe copy = *message;

	if (message->opcode != IORING_OP_MSG_RING)
		return -EINVAL;
	if (message->addr != IORING_MSG_DATA)
		return -EOPNOTSUPP;
	if (sender->direct)
		return system->enlist(system->context, -1, IORING_REGISTER_SEND_MSG_RING, &copy, 1);
	return ring_send_by_ring(&sender->ring, message);
}

int ring_send(struct ring_sender *sender, int ring_fd, uint64_t user_data, int32_t result)
{
	struct io_uring_sqe message;

	ring_prep_msg_ring(&message, ring_fd, result, user_data, 0);
	return ring_send_message(sender, &message);
}

void ring_sender_close(struct ring_sender *sender)
{
	ring_close(&sender->ring);
	sender->direct = false;
}
