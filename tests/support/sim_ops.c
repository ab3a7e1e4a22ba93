/*
 * What the kernel does with the operations of a ring, on the sockets of
 * sim_net.c.
 *
 * An operation is tried when it is submitted, or soon after; where it has to
 * wait it is woken by what happens to its socket and runs again some time later,
 * as the kernel's task work does.  So completions of one socket keep their
 * order and those of different sockets come in any.  Facts about 6.18 that the
 * engine leans on are played as they were measured: a receive on an empty group
 * fails at once, a bundle that empties the group ends without -ENOBUFS, a
 * completion that finds the queue full ends its multishot with a success, a
 * cancelled send tells how much had gone out, a cancel in the same submission as
 * its target may miss it, a zero-copy send's notification comes when the bytes
 * are acknowledged or the connection is dead.
 */
#include "loop/sandbox.h"
#include "support/sim.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define RETRIES 32 /* of one multishot in a row, then others get their turn */

/* ---- Completions ----------------------------------------------------------------------------- */

static void post(const struct sim_op *op, int32_t result, uint32_t flags)
{
	sim_trace("    %s %llx: %d%s%s", ring_op_name(op->sqe.opcode),
		  (unsigned long long)op->sqe.user_data, result,
		  flags & IORING_CQE_F_MORE ? " more" : "",
		  flags & IORING_CQE_F_NOTIF ? " notification" : "");
	fake_kernel_post(op->ring, op->sqe.user_data, result, flags);
}

void sim_release(struct sim_op *op)
{
	struct sim_file *file = op->file;

	op->used = false;
	op->file = NULL;
	if (file && --file->uses == 0 && file->fd < 0 && file->listener)
		sim_close_listener(file->listener);
}

static void finish(struct sim_op *op, int32_t result, uint32_t flags)
{
	post(op, result, flags);
	sim_release(op);
}

/* A multishot's completion that is not its last; false when the queue was full and it was. */
static bool post_more(struct sim_op *op, int32_t result, uint32_t flags)
{
	struct fake_ring *ring = op->ring;
	bool full = *ring->cq_tail - *ring->cq_head >= ring->params.cq_entries;

	if (!(ring->params.flags & IORING_SETUP_DEFER_TASKRUN) && (full || ring->overflow.count)) {
		finish(op, result, flags);
		return false;
	}
	post(op, result, flags | IORING_CQE_F_MORE);
	return true;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* Fill buffers of the group with up to count bytes, in one piece; the bytes and the first id. */
static uint32_t fill(struct sim_op *op, uint32_t count, unsigned buffers, uint16_t *ret_id)
{
	uint32_t done = 0, length;
	uint16_t id;
	void *memory;

	for (unsigned i = 0; i < buffers && done < count; i++) {
		if (!fake_kernel_take_buffer(op->ring, op->sqe.buf_group, &memory, &length, &id))
			break;
		if (i == 0)
			*ret_id = id;
		if (length > count - done)
			length = count - done;
		sim_take(op->file->connection, memory, length);
		done += length;
	}
	return done;
}

/* One completion with data; false when the receive has ended. */
static bool receive_once(struct sim_op *op, uint32_t count)
{
	bool multishot = op->sqe.ioprio & IORING_RECV_MULTISHOT;
	bool bundle = op->sqe.ioprio & IORING_RECVSEND_BUNDLE;
	uint32_t done, flags;
	uint16_t id = 0;

	if (op->sqe.len && count > op->sqe.len)
		count = op->sqe.len;
	if (bundle && op->left && count > op->left)
		count = op->left;
	if (sim_chance(8))
		count = sim_between(1, count);
	done = fill(op, count, bundle ? sim_between(1, 64) : 1, &id);
	flags = IORING_CQE_F_BUFFER | (uint32_t)id << IORING_CQE_BUFFER_SHIFT;
	op->total += done;
	if (!multishot || (op->sqe.optlen && done >= op->left) ||
	    (bundle && fake_kernel_buffers(op->ring, op->sqe.buf_group) == 0 && sim_chance(2))) {
		finish(op, (int32_t)done, flags);
		return false;
	}
	op->left -= op->sqe.optlen ? done : 0;
	return post_more(op, (int32_t)done, flags);
}

static void try_receive(struct sim_op *op)
{
	unsigned most = sim_between(1, RETRIES);

	if (op->sqe.ioprio & IORING_RECVSEND_POLL_FIRST &&
	    !(sim_poll_events(op->file->connection) & POLLIN))
		return;
	for (unsigned i = 0; i < most; i++) {
		int r;

		if (fake_kernel_buffers(op->ring, op->sqe.buf_group) == 0 ||
		    sim_chance(sim.faults.receive)) {
			finish(op, -ENOBUFS, 0);
			return;
		}
		r = sim_readable(op->file->connection);
		if (r == -EAGAIN)
			return;
		if (r <= 0) {
			finish(op, r, 0);
			return;
		}
		if (!receive_once(op, (uint32_t)r))
			return;
	}
	op->due_ns = sim_later();
}

/* ---- Sending --------------------------------------------------------------------------------- */

static bool is_zero_copy(const struct sim_op *op)
{
	return op->sqe.opcode == IORING_OP_SEND_ZC || op->sqe.opcode == IORING_OP_SENDMSG_ZC;
}

/* A success that was not to be told; short of MSG_WAITALL's all it is none. */
static bool is_silent(const struct sim_op *op, int32_t result)
{
	size_t all = 0;

	for (uint32_t i = 0; i < op->part_count; i++)
		all += op->parts[i].iov_len;
	return op->sqe.flags & IOSQE_CQE_SKIP_SUCCESS && result >= 0 &&
	       (!(op->sqe.msg_flags & MSG_WAITALL) || (size_t)result == all);
}

static void finish_send(struct sim_op *op, int32_t result)
{
	if (is_silent(op, result)) {
		sim_trace("    %s %llx: %d in silence", ring_op_name(op->sqe.opcode),
			  (unsigned long long)op->sqe.user_data, result);
		sim_release(op);
	} else if (!is_zero_copy(op)) {
		finish(op, result, 0);
	} else if (op->moved == 0 && sim_chance(2)) {
		finish(op, result, 0);
	} else {
		post(op, result, IORING_CQE_F_MORE);
		op->notifying = true;
		op->file->uses--;
		op->file = NULL;
		op->due_ns = sim_later();
	}
}

/* The bytes from the op's n-th on, in one piece. */
static const unsigned char *rest_of(const struct sim_op *op, uint32_t from, uint32_t *ret_length)
{
	for (uint32_t i = 0; i < op->part_count; i++) {
		if (from < op->parts[i].iov_len) {
			*ret_length = (uint32_t)op->parts[i].iov_len - from;
			return (const unsigned char *)op->parts[i].iov_base + from;
		}
		from -= (uint32_t)op->parts[i].iov_len;
	}
	*ret_length = 0;
	return NULL;
}

int sim_send_fault(struct sim_connection *connection)
{
	static const int errors[] = {-ENOBUFS, -ENOMEM, -EHOSTUNREACH, -ECONNRESET, -ETIMEDOUT};
	int error = errors[sim_random() % array_size(errors)];

	if (connection->phase != SIM_ESTABLISHED || connection->local ||
	    !sim_chance(sim.faults.send))
		return 0;
	if (error != -ENOBUFS && error != -ENOMEM) {
		sim_break(connection, error);
		connection->error = 0; /* told by this */
	}
	return error;
}

static void try_send(struct sim_op *op)
{
	struct sim_connection *connection = op->file->connection;
	const unsigned char *bytes;
	uint32_t length;
	int r;

	if (op->moved == 0)
		op->first = connection->out.written;
	if (is_zero_copy(op) && connection->local) {
		finish(op, -EOPNOTSUPP, 0);
		return;
	}
	r = sim_send_fault(connection);
	if (r < 0) {
		finish_send(op, op->moved ? (int32_t)op->moved : r);
		return;
	}
	while (r >= 0 && (bytes = rest_of(op, op->moved, &length))) {
		r = sim_write(connection, bytes, length);
		if (r > 0)
			op->moved += (uint32_t)r;
	}
	if (r == -EAGAIN && !(op->sqe.msg_flags & MSG_DONTWAIT) &&
	    (op->moved == 0 || op->sqe.msg_flags & MSG_WAITALL))
		return;
	finish_send(op, op->moved ? (int32_t)op->moved : r);
}

/* The buffer of a zero-copy send is read until then. */
static void try_notify(struct sim_op *op)
{
	struct sim_connection *connection = op->connection;
	uint32_t length;

	if (connection->phase == SIM_ESTABLISHED && connection->out.acked < op->first + op->moved)
		return;
	for (uint32_t at = 0; at < op->moved; at += length) {
		const unsigned char *bytes = rest_of(op, at, &length);
		if (length > op->moved - at)
			length = op->moved - at;
		sim_check_bytes(connection, op->first + at, bytes, length);
	}
	finish(op, sim_chance(2) ? (int32_t)IORING_NOTIF_USAGE_ZC_COPIED : 0, IORING_CQE_F_NOTIF);
}

/* ---- Accepting and polling ------------------------------------------------------------------- */

static void try_accept(struct sim_op *op)
{
	static const int errors[] = {-ECONNABORTED, -EMFILE, -ENFILE, -ENOBUFS,
				     -ENOMEM,       -EPERM,  -EPROTO, -EINTR};

	for (;;) {
		int r = op->file->listener ? sim_accept(op->file->listener) : -EINVAL;

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			finish(op, r, 0);
			return;
		}
		if (!post_more(op, r, 0))
			return;
		if (sim_chance(sim.faults.accept)) {
			finish(op, errors[sim_random() % array_size(errors)], 0);
			return;
		}
	}
}

static void try_poll(struct sim_op *op)
{
	uint32_t events =
		sim_poll_events(op->file->connection) & (op->sqe.poll32_events | POLLERR | POLLHUP);

	if (!events)
		return;
	if (op->sqe.len & IORING_POLL_ADD_MULTI)
		post_more(op, (int32_t)events, 0);
	else
		finish(op, (int32_t)events, 0);
}

void sim_try(struct sim_op *op)
{
	op->due_ns = SIM_NEVER;
	op->fresh = false;
	if (op->notifying) {
		try_notify(op);
		return;
	}
	switch (op->sqe.opcode) {
	case IORING_OP_RECV:
		try_receive(op);
		break;
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		try_send(op);
		break;
	case IORING_OP_ACCEPT:
		try_accept(op);
		break;
	case IORING_OP_POLL_ADD:
		try_poll(op);
		break;
	default:
		sim_fail("operation %s is not known here", ring_op_name(op->sqe.opcode));
	}
}

/* ---- Cancelling ------------------------------------------------------------------------------ */

static void cancelled(struct sim_op *op)
{
	switch (op->sqe.opcode) {
	case IORING_OP_SEND:
	case IORING_OP_SENDMSG:
	case IORING_OP_SEND_ZC:
	case IORING_OP_SENDMSG_ZC:
		finish_send(op, op->moved ? (int32_t)op->moved : -ECANCELED);
		break;
	default:
		finish(op, -ECANCELED, 0);
	}
}

/* By its tag: by anything else the kernel walks through all operations of the ring. */
/* Between its submission and its first wait nobody finds it, and while it is being retried. */
static bool is_missed(struct sim_op *op)
{
	bool missed = sim_chance(op->fresh ? 4 : sim.faults.miss) && !op->missed;

	op->missed |= missed;
	return missed;
}

static void cancel(struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	struct sim_op self = {.sqe = *sqe, .ring = ring}, *found = NULL;

	if (sqe->cancel_flags)
		sim_fail("a cancel by flags %x takes longer with every connection",
			 sqe->cancel_flags);
	for (uint32_t i = 0; i < sim.op_top && !found; i++) {
		struct sim_op *op = &sim.ops[i];

		if (!op->used || op->ring != ring || op->notifying ||
		    op->sqe.user_data != sqe->addr)
			continue;
		if (is_missed(op))
			continue;
		found = op;
	}
	post(&self, found ? 0 : -ENOENT, 0);
	if (found)
		cancelled(found);
}

/* ---- Submission ------------------------------------------------------------------------------ */

static bool is_send(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_SEND || sqe->opcode == IORING_OP_SENDMSG ||
	       sqe->opcode == IORING_OP_SEND_ZC || sqe->opcode == IORING_OP_SENDMSG_ZC;
}

static void check_alone(const struct sim_op *op)
{
	for (uint32_t i = 0; i < sim.op_top; i++) {
		const struct sim_op *other = &sim.ops[i];

		if (!other->used || other == op || other->file != op->file || other->notifying)
			continue;
		if (is_send(&op->sqe) && is_send(&other->sqe))
			sim_fail("two sends are in flight on descriptor %d", op->sqe.fd);
		if (op->sqe.opcode == other->sqe.opcode && op->sqe.opcode != IORING_OP_POLL_ADD)
			sim_fail("two of %s are in flight on descriptor %d",
				 ring_op_name(op->sqe.opcode), op->sqe.fd);
	}
}

/* What an entry points at is read now; the bytes are not. */
static void note_parts(struct sim_op *op)
{
	const struct io_uring_sqe *sqe = &op->sqe;
	void *memory = (void *)(uintptr_t)sqe->addr;

	if (sqe->opcode == IORING_OP_SEND || sqe->opcode == IORING_OP_SEND_ZC) {
		op->parts[0] = (struct iovec){memory, sqe->len};
		op->part_count = 1;
	} else if (is_send(sqe)) {
		const struct msghdr *message = memory;
		op->part_count = (uint32_t)message->msg_iovlen;
		if (op->part_count > SIM_PARTS)
			sim_fail("a vector of %u parts", op->part_count);
		memcpy(op->parts, message->msg_iov, op->part_count * sizeof(op->parts[0]));
	}
}

static struct sim_op *op_new(struct fake_ring *ring, const struct io_uring_sqe *sqe,
			     struct sim_file *file)
{
	for (uint32_t i = 0; i < SIM_OPS; i++) {
		struct sim_op *op = &sim.ops[i];

		if (op->used)
			continue;
		if (i >= sim.op_top)
			sim.op_top = i + 1;
		op->sqe = *sqe;
		op->ring = ring;
		op->file = file;
		op->connection = file->connection;
		op->due_ns = SIM_NEVER;
		op->moved = op->total = op->part_count = 0;
		op->left = sqe->opcode == IORING_OP_RECV ? sqe->optlen : 0;
		op->used = op->fresh = true;
		op->notifying = op->missed = false;
		file->uses++;
		note_parts(op);
		return op;
	}
	sim_fail("more than %d operations are in flight", SIM_OPS);
}

/* A word to another ring; now and then that has no memory for it. */
static void message(struct fake_kernel *kernel, struct fake_ring *ring,
		    const struct io_uring_sqe *sqe)
{
	struct sim_op self = {.sqe = *sqe, .ring = ring};
	struct fake_ring *to = NULL;

	for (uint32_t i = 0; i < sim.worker_count && !to; i++)
		if (sim_ring_of(i)->open && sim_ring_of(i)->fd == sqe->fd)
			to = sim_ring_of(i);
	(void)kernel;
	if (!to || sim_chance(sim.faults.submit)) {
		post(&self, to ? -EOVERFLOW : -EBADF, 0);
		return;
	}
	fake_kernel_post(to, sqe->off, (int32_t)sqe->len, 0);
	post(&self, 0, 0);
}

void sim_submit(struct fake_kernel *kernel, struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	struct sim_file *file;
	struct sim_op *op;

	(void)kernel;
	sim_trace("  submit %s %llx fd %d", ring_op_name(sqe->opcode),
		  (unsigned long long)sqe->user_data, sqe->fd);
	if (!sandbox_allows(sqe))
		sim_fail("%s with flags %x, which a restricted ring refuses",
			 ring_op_name(sqe->opcode), sqe->flags);
	if (sqe->opcode == IORING_OP_ASYNC_CANCEL) {
		cancel(ring, sqe);
		return;
	}
	if (sqe->opcode == IORING_OP_MSG_RING) {
		message(kernel, ring, sqe);
		return;
	}
	file = sim_file_of(sqe->fd);
	if (!file)
		sim_fail("%s is submitted on descriptor %d, which is closed",
			 ring_op_name(sqe->opcode), sqe->fd);
	if (sqe->opcode == IORING_OP_RECV)
		sim_life_receive(ring, sqe);
	op = op_new(ring, sqe, file);
	check_alone(op);
	/* What must not wait is done at once. */
	if (file->listener || (is_send(sqe) && sqe->msg_flags & MSG_DONTWAIT) ||
	    !sim_chance(sim.faults.inline_miss))
		sim_try(op);
	else
		op->due_ns = sim.now_ns;
}
