/*
 * Filling submission entries: the common part, modifiers, and what has no file.
 *
 * One function per operation, named after it; prepare_socket.h and
 * prepare_file.h hold the rest.  Each writes all 64 bytes, with user_data 0, so
 * nothing of an earlier request survives in the slot.  Pointers must stay good
 * until the entry is submitted (with SQPOLL: until the kernel has taken it), and
 * buffers until the request's last completion.  Modifiers are called afterwards
 * and add to what is there.
 */
#ifndef RING_PREPARE_H
#define RING_PREPARE_H

#include "ring/core.h"

/* Write all 64 bytes; what every ring_prep_ function begins with. */
static inline void ring_prep(struct io_uring_sqe *sqe, enum io_uring_op operation, int fd,
			     uint64_t address, uint32_t length, uint64_t offset)
{
	sqe->opcode = (uint8_t)operation;
	sqe->flags = 0;
	sqe->ioprio = 0;
	sqe->fd = fd;
	sqe->off = offset;
	sqe->addr = address;
	sqe->len = length;
	sqe->rw_flags = 0;
	sqe->user_data = 0;
	sqe->buf_index = 0;
	sqe->personality = 0;
	sqe->file_index = 0;
	sqe->addr3 = 0;
	sqe->__pad2[0] = 0;
}

/* A pointer as the kernel wants it, or as a tag. */
static inline uint64_t ring_pointer(const volatile void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* ---- modifiers ------------------------------------------------------------ */

/* What the completion will carry. */
static inline void ring_sqe_tag(struct io_uring_sqe *sqe, uint64_t user_data)
{
	sqe->user_data = user_data;
}

/* Any of IOSQE_*, besides those that are set. */
static inline void ring_sqe_flags(struct io_uring_sqe *sqe, uint8_t flags)
{
	sqe->flags |= flags;
}

/* Send, receive: more flags of the system call, where the function has no place for them. */
static inline void ring_sqe_message_flags(struct io_uring_sqe *sqe, uint32_t flags)
{
	sqe->msg_flags |= flags;
}

/* Of a bundle, or a receive into buffers of a group: no more bytes than that in all; 0: any. */
static inline void ring_sqe_limit(struct io_uring_sqe *sqe, uint32_t bytes)
{
	sqe->len = bytes;
}

/* Start the next entry of this submit when this one has succeeded; a short read breaks it. */
static inline void ring_sqe_link(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_LINK;
}

/* Start the next entry when this one is done, whatever came of it (5.5). */
static inline void ring_sqe_hardlink(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_HARDLINK;
}

/* Start when everything submitted before is done (5.2). */
static inline void ring_sqe_drain(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_IO_DRAIN;
}

/* Do not try at once, give it to a kernel thread (5.6).  Not for sockets: a thread each. */
static inline void ring_sqe_async(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_ASYNC;
}

/* The descriptor is a slot of the registered files. */
static inline void ring_sqe_fixed_file(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_FIXED_FILE;
}

/* No completion unless it fails (5.17); not for zero-copy sends. */
static inline void ring_sqe_skip_success(struct io_uring_sqe *sqe)
{
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* Let the kernel take a provided buffer of this group (5.7; a buffer ring 5.19). */
static inline void ring_sqe_buffer_select(struct io_uring_sqe *sqe, uint16_t group)
{
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = group;
}

/* Run with registered credentials (5.6). */
static inline void ring_sqe_personality(struct io_uring_sqe *sqe, uint16_t personality)
{
	sqe->personality = personality;
}

/* Send, receive: expect to wait, do not try first (5.19). */
static inline void ring_sqe_poll_first(struct io_uring_sqe *sqe)
{
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
}

/* Send, receive with buffer select: as many buffers as it takes (6.10). */
static inline void ring_sqe_bundle(struct io_uring_sqe *sqe)
{
	sqe->ioprio |= IORING_RECVSEND_BUNDLE;
}

/* Zero-copy send: from registered buffer index (6.0). */
static inline void ring_sqe_fixed_buffer(struct io_uring_sqe *sqe, uint16_t index)
{
	sqe->ioprio |= IORING_RECVSEND_FIXED_BUF;
	sqe->buf_index = index;
}

/* Operations that make a descriptor: put it into slot, or any free one (see RING_SLOT_ANY). */
#define RING_SLOT_ANY (IORING_FILE_INDEX_ALLOC - 1)
static inline void ring_sqe_direct(struct io_uring_sqe *sqe, uint32_t slot)
{
	sqe->file_index = slot + 1;
}

/* The command area: 16 bytes, 80 in a 128-byte entry. */
static inline void *ring_sqe_command(struct io_uring_sqe *sqe)
{
	return sqe->cmd;
}

/* ---- no file -------------------------------------------------------------- */

/* Do nothing and complete with 0 (5.1). */
static inline void ring_prep_nop(struct io_uring_sqe *sqe)
{
	ring_prep(sqe, IORING_OP_NOP, -1, 0, 0, 0);
}

/* A NOP that completes with a result of our choice (6.10). */
static inline void ring_prep_nop_result(struct io_uring_sqe *sqe, int32_t result)
{
	ring_prep(sqe, IORING_OP_NOP, -1, 0, (uint32_t)result, 0);
	sqe->nop_flags = IORING_NOP_INJECT_RESULT;
}

/* A NOP in a 128-byte slot of a mixed queue (6.19). */
static inline void ring_prep_nop128(struct io_uring_sqe *sqe)
{
	ring_prep(sqe, IORING_OP_NOP128, -1, 0, 0, 0);
}

/*
 * Completes with -ETIME at the time (flags IORING_TIMEOUT_*: relative unless ABS),
 * or with 0 after count other completions if count is not 0 (5.4).
 */
static inline void ring_prep_timeout(struct io_uring_sqe *sqe, const struct __kernel_timespec *ts,
				     uint32_t count, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_TIMEOUT, -1, ring_pointer(ts), 1, count);
	sqe->timeout_flags = flags;
}

/* End the timeout submitted under user_data, which completes with -ECANCELED (5.5). */
static inline void ring_prep_timeout_remove(struct io_uring_sqe *sqe, uint64_t user_data)
{
	ring_prep(sqe, IORING_OP_TIMEOUT_REMOVE, -1, user_data, 0, 0);
}

/*
 * Give a pending timeout another time (5.11), with IORING_LINK_TIMEOUT_UPDATE in flags one of
 * ring_prep_link_timeout() (5.15).  Completes with 0, or -ENOENT: there is none.
 */
static inline void ring_prep_timeout_update(struct io_uring_sqe *sqe,
					    const struct __kernel_timespec *ts, uint64_t user_data,
					    uint32_t flags)
{
	ring_prep(sqe, IORING_OP_TIMEOUT_REMOVE, -1, user_data, 0, ring_pointer(ts));
	/* Without this the kernel takes it for a removal, whatever else is said. */
	sqe->timeout_flags = flags | IORING_TIMEOUT_UPDATE;
}

/*
 * A limit for the entry before it, which must carry ring_sqe_link() and be in the
 * same submit (5.5).  Both complete, in either order: reap both.
 */
static inline void ring_prep_link_timeout(struct io_uring_sqe *sqe,
					  const struct __kernel_timespec *ts, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_LINK_TIMEOUT, -1, ring_pointer(ts), 1, 0);
	sqe->timeout_flags = flags;
}

/*
 * Cancel what was submitted under user_data.  Completes with 0, -ENOENT or
 * -EALREADY, with IORING_ASYNC_CANCEL_ALL the number found; the target's own
 * completion always comes and only that releases its buffers.
 */
static inline void ring_prep_cancel(struct io_uring_sqe *sqe, uint64_t user_data, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_ASYNC_CANCEL, -1, user_data, 0, 0);
	sqe->cancel_flags = flags;
}

/* Cancel what works on a descriptor (5.19; FD_FIXED: a slot, 6.0); flags as above. */
static inline void ring_prep_cancel_fd(struct io_uring_sqe *sqe, int fd, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_ASYNC_CANCEL, fd, 0, 0, 0);
	sqe->cancel_flags = flags | IORING_ASYNC_CANCEL_FD;
}

/* Cancel requests of one operation (6.6). */
static inline void ring_prep_cancel_op(struct io_uring_sqe *sqe, enum io_uring_op operation,
				       uint32_t flags)
{
	ring_prep(sqe, IORING_OP_ASYNC_CANCEL, -1, 0, operation, 0);
	sqe->cancel_flags = flags | IORING_ASYNC_CANCEL_OP;
}

/* Post a completion (result, user_data) to another ring (5.18); flags IORING_MSG_RING_*. */
static inline void ring_prep_msg_ring(struct io_uring_sqe *sqe, int ring_fd, int32_t result,
				      uint64_t user_data, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_MSG_RING, ring_fd, IORING_MSG_DATA, (uint32_t)result, user_data);
	sqe->msg_ring_flags = flags;
}

/* The same with completion flags of our choice (6.3). */
static inline void ring_prep_msg_ring_flags(struct io_uring_sqe *sqe, int ring_fd, int32_t result,
					    uint64_t user_data, uint32_t flags, uint32_t cqe_flags)
{
	ring_prep_msg_ring(sqe, ring_fd, result, user_data, flags | IORING_MSG_RING_FLAGS_PASS);
	sqe->file_index = cqe_flags;
}

/*
 * Copy registered file source into slot target (or RING_SLOT_ANY) of another ring,
 * which is told by a completion with user_data (6.0).
 */
static inline void ring_prep_msg_ring_fd(struct io_uring_sqe *sqe, int ring_fd, uint32_t source,
					 uint32_t target, uint64_t user_data, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_MSG_RING, ring_fd, IORING_MSG_SEND_FD, 0, user_data);
	sqe->addr3 = source;
	sqe->file_index = target + 1;
	sqe->msg_ring_flags = flags;
}

/* Set slots of the registered files from offset on (5.6); RING_SLOT_ANY + 1 allocates (6.0). */
static inline void ring_prep_files_update(struct io_uring_sqe *sqe, int *fds, uint32_t count,
					  uint32_t offset)
{
	ring_prep(sqe, IORING_OP_FILES_UPDATE, -1, ring_pointer(fds), count, offset);
}

/* Turn a slot of the registered files into a descriptor, the result (6.8). */
static inline void ring_prep_fixed_fd_install(struct io_uring_sqe *sqe, uint32_t slot,
					      uint32_t flags)
{
	ring_prep(sqe, IORING_OP_FIXED_FD_INSTALL, (int)slot, 0, 0, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->install_fd_flags = flags;
}

/* Provide count buffers of length bytes, one behind the other (5.7).  Prefer a buffer ring. */
static inline void ring_prep_provide_buffers(struct io_uring_sqe *sqe, void *address,
					     uint32_t length, int count, uint16_t group,
					     uint16_t first_id)
{
	ring_prep(sqe, IORING_OP_PROVIDE_BUFFERS, count, ring_pointer(address), length, first_id);
	sqe->buf_group = group;
}

/* Take back count of them, or fewer: the result (5.7). */
static inline void ring_prep_remove_buffers(struct io_uring_sqe *sqe, int count, uint16_t group)
{
	ring_prep(sqe, IORING_OP_REMOVE_BUFFERS, count, 0, 0, 0);
	sqe->buf_group = group;
}

/* As waitid(2) (6.7). */
static inline void ring_prep_waitid(struct io_uring_sqe *sqe, int id_type, int id, void *info,
				    int options, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_WAITID, id, 0, (uint32_t)id_type, ring_pointer(info));
	sqe->waitid_flags = flags;
	sqe->file_index = (uint32_t)options;
}

/* As futex(2) FUTEX_WAIT_BITSET (6.7); futex_flags FUTEX2_*. */
static inline void ring_prep_futex_wait(struct io_uring_sqe *sqe, const uint32_t *futex,
					uint64_t value, uint64_t mask, uint32_t futex_flags,
					uint32_t flags)
{
	ring_prep(sqe, IORING_OP_FUTEX_WAIT, (int)futex_flags, ring_pointer(futex), 0, value);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

/* Wake at most so many waiters of a futex: the result (6.7). */
static inline void ring_prep_futex_wake(struct io_uring_sqe *sqe, const uint32_t *futex,
					uint64_t count, uint64_t mask, uint32_t futex_flags,
					uint32_t flags)
{
	ring_prep(sqe, IORING_OP_FUTEX_WAKE, (int)futex_flags, ring_pointer(futex), 0, count);
	sqe->futex_flags = flags;
	sqe->addr3 = mask;
}

struct futex_waitv;

/* As futex_waitv(2) (6.7). */
static inline void ring_prep_futex_waitv(struct io_uring_sqe *sqe,
					 const struct futex_waitv *futexes, uint32_t count,
					 uint32_t flags)
{
	ring_prep(sqe, IORING_OP_FUTEX_WAITV, 0, ring_pointer(futexes), count, 0);
	sqe->futex_flags = flags;
}

/* A command of the file's driver (5.19); its argument: ring_sqe_command(). */
static inline void ring_prep_cmd(struct io_uring_sqe *sqe, uint32_t command, int fd)
{
	ring_prep(sqe, IORING_OP_URING_CMD, fd, 0, 0, 0);
	sqe->cmd_op = command;
}

/* The same in a 128-byte slot of a mixed queue (6.19). */
static inline void ring_prep_cmd128(struct io_uring_sqe *sqe, uint32_t command, int fd)
{
	ring_prep(sqe, IORING_OP_URING_CMD128, fd, 0, 0, 0);
	sqe->cmd_op = command;
}

/* Two pipe ends into fds (6.16); flags as pipe2(2). */
static inline void ring_prep_pipe(struct io_uring_sqe *sqe, int *fds, uint32_t flags)
{
	ring_prep(sqe, IORING_OP_PIPE, 0, ring_pointer(fds), 0, 0);
	sqe->pipe_flags = flags;
}

#endif
