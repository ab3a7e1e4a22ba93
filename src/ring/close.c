/*
 * Closing a ring, with what is in flight in it.
 *
 * The kernel cancels all at once in the square of their number (6.1 to 6.18): what it
 * has cancelled stays in the table it looks through until the issuer, or the polling
 * thread, has run the end of it, and it does not before the call is over.  9,000 armed
 * receives take 0.6 s.  One cancel at a time finds the first that is left, but is a call
 * for each, and with a polling thread a wait.  So they go in chains of hard links: the
 * next link is begun by the same work that ends what the one before has cancelled,
 * wherever that runs, and a chain is one call.
 *
 * An operation at a time would not do where several are mixed: the few that are left of
 * one are behind the many of another.  So a chain takes them in turn.
 */
#include "ring/internal.h"

#include "ring/prepare.h"

#define CHAIN_FIRST 8
#define CHAIN_MAX   128
#define PATIENCE_NS 1000000000u /* a disk that does not answer must not hold us */

/* What may wait in that table. */
static const uint8_t armed_operations[] = {
	IORING_OP_RECV,        IORING_OP_POLL_ADD,   IORING_OP_ACCEPT,     IORING_OP_SEND,
	IORING_OP_RECVMSG,     IORING_OP_SENDMSG,    IORING_OP_CONNECT,    IORING_OP_READ,
	IORING_OP_WRITE,       IORING_OP_READV,      IORING_OP_WRITEV,     IORING_OP_READ_FIXED,
	IORING_OP_WRITE_FIXED, IORING_OP_SEND_ZC,    IORING_OP_SENDMSG_ZC, IORING_OP_READ_MULTISHOT,
	IORING_OP_RECV_ZC,     IORING_OP_EPOLL_WAIT,
};

struct kind {
	uint8_t operation;
	bool gone; /* there is none of it any more */
};

/* One of them; 0, or a negative errno: there is none. */
static int cancel_one(struct ring *ring, uint8_t operation)
{
	struct io_uring_sync_cancel_reg cancel = {
		.fd = -1, .flags = IORING_ASYNC_CANCEL_OP, .opcode = operation};

	return ring_enlist(ring, IORING_REGISTER_SYNC_CANCEL, &cancel, 1);
}

/* Nobody will read them. */
static void drop_completions(struct ring *ring)
{
	ring->cq_head = ring_load_acquire(ring->cq_ktail);
	ring_cq_release(ring);
}

/* They were never submitted; what a polling thread has been shown is its own. */
static void drop_entries(struct ring *ring)
{
	if (!(ring->flags & IORING_SETUP_SQPOLL)) {
		ring->sq_head = ring->sq_published = ring_load_acquire(ring->sq_khead);
		ring_store_release(ring->sq_ktail, ring->sq_published);
	}
	ring->sq_tail = ring->sq_published;
}

/* Put in a chain of cancels, each tagged with the address of its kind; false: no room. */
static bool put_chain(struct ring *ring, struct kind *kinds, unsigned count, unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		struct kind *kind = &kinds[i % count];
		struct io_uring_sqe *sqe = ring_sqe(ring);

		if (!sqe)
			return false;
		ring_prep_cancel_op(sqe, kind->operation, 0);
		ring_sqe_tag(sqe, ring_address(kind));
		if (i + 1 < length)
			sqe->flags |= IOSQE_IO_HARDLINK;
	}
	return true;
}

/* Until the whole chain has run; false: it does not get on. */
static bool run_chain(struct ring *ring, struct kind *kinds, unsigned count, unsigned length,
		      uint64_t deadline_ns)
{
	while (length > 0) {
		struct ring_wait wait = ring_submit_wait(ring, length, deadline_ns, 0);
		struct io_uring_cqe *cqe;

		if (wait.error < 0 && wait.error != -EINTR)
			return false;
		ring_for_each_cqe(ring, cqe)
		{
			for (unsigned i = 0; i < count; i++) {
				if (cqe->user_data != ring_address(&kinds[i]))
					continue;
				kinds[i].gone |= cqe->res < 0;
				length--;
			}
		}
	}
	return true;
}

static unsigned without_gone(struct kind *kinds, unsigned count)
{
	unsigned left = 0;

	for (unsigned i = 0; i < count; i++)
		if (!kinds[i].gone)
			kinds[left++] = kinds[i];
	return left;
}

/* End most of what is in flight; whatever goes wrong here is left to the cancel of all. */
static void cancel_in_chains(struct ring *ring)
{
	struct kind kinds[array_size(armed_operations)];
	uint64_t deadline_ns = ring->system->now(ring->system->context, ring->clock) + PATIENCE_NS;
	unsigned count = 0, length = CHAIN_FIRST;

	for (unsigned i = 0; i < array_size(armed_operations); i++)
		if (cancel_one(ring, armed_operations[i]) == 0)
			kinds[count++] = (struct kind){.operation = armed_operations[i]};
	drop_entries(ring);
	while (count > 0) {
		if (length > ring->sq_entries)
			length = ring->sq_entries;
		drop_completions(ring);
		if (!put_chain(ring, kinds, count, length) ||
		    !run_chain(ring, kinds, count, length, deadline_ns))
			return;
		count = without_gone(kinds, count);
		if (length < CHAIN_MAX)
			length *= 2;
	}
}

/*
 * Closing the descriptor cancels too, but some time later: until then a listening
 * socket that an accept holds keeps its port.  With deferred work a cancelled
 * request lets go of its file only when that work is run.
 */
static void cancel_all(struct ring *ring)
{
	struct io_uring_sync_cancel_reg everything = {
		.fd = -1,
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = {.tv_nsec = PATIENCE_NS - 1},
	};

	if (!ring_has(ring, RING_SYNC_CANCEL))
		return;
	if (ring->sqes && ring_has(ring, RING_CANCEL_OP) && !(ring->flags & IORING_SETUP_IOPOLL))
		cancel_in_chains(ring);
	ring_enlist(ring, IORING_REGISTER_SYNC_CANCEL, &everything, 1);
	if (!ring->sqes || !(ring->flags & IORING_SETUP_DEFER_TASKRUN))
		return;
	drop_completions(ring);
	ring_run_deferred(ring);
}

/* The memory is not mapped in a child, and the index is the parent's thread's. */
static bool is_inherited(const struct ring *ring)
{
	return ring->system->process(ring->system->context) != ring->process;
}

void ring_close(struct ring *ring)
{
	if (ring->system && (ring->fd >= 0 || ring->enter_fd >= 0) && !is_inherited(ring))
		cancel_all(ring);
	ring_leave(ring);
}

void ring_leave(struct ring *ring)
{
	if (!ring->system) /* closed already */
		return;
	if (is_inherited(ring)) {
		if (ring->fd >= 0)
			ring->system->close(ring->system->context, ring->fd);
		ring_clear(ring);
		return;
	}
	ring_unregister_self(ring);
	ring_unmap(ring);
	if (ring->wait_region && !ring->own_region)
		ring->system->unmap(ring->system->context, ring->wait_region,
				    ring->wait_region_size);
	if (ring->fd >= 0)
		ring->system->close(ring->system->context, ring->fd);
	ring_clear(ring);
}
