#include "loop/sandbox.h"

static const uint8_t operations[] = {
	IORING_OP_ACCEPT, IORING_OP_ASYNC_CANCEL, IORING_OP_POLL_ADD,   IORING_OP_RECV,
	IORING_OP_SEND,   IORING_OP_SENDMSG,      IORING_OP_SENDMSG_ZC, IORING_OP_MSG_RING,
};

/* The hard link is that of ring_close(). */
#define FLAGS (IOSQE_BUFFER_SELECT | IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_HARDLINK)

/* After it is enabled; the buffers are there by then.  Linux 6.1 has all of them. */
static const uint8_t registrations[] = {
	IORING_REGISTER_RING_FDS,
	IORING_UNREGISTER_RING_FDS,
	IORING_UNREGISTER_PBUF_RING,
	IORING_REGISTER_SYNC_CANCEL,
};

int sandbox_close_in(struct ring *ring)
{
	struct io_uring_restriction list[array_size(operations) + array_size(registrations) + 1];
	uint32_t count = 0;
	int r;

	for (size_t i = 0; i < array_size(operations); i++)
		if (ring_supports(&ring->capabilities, operations[i]))
			list[count++] = (struct io_uring_restriction){
				.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = operations[i]};
	for (size_t i = 0; i < array_size(registrations); i++)
		list[count++] = (struct io_uring_restriction){
			.opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = registrations[i]};
	list[count++] = (struct io_uring_restriction){
		.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = FLAGS};
	r = ring_restrict(ring, list, count);
	return r < 0 ? r : ring_enable(ring);
}

bool sandbox_allows(const struct io_uring_sqe *sqe)
{
	if (sqe->flags & ~FLAGS)
		return false;
	for (size_t i = 0; i < array_size(operations); i++)
		if (sqe->opcode == operations[i])
			return true;
	return false;
}
