/*
 * Filling submission entries: sockets and polling.  See prepare.h.
 *
 * "flags" are those of the system call of the same name.  A socket that is
 * O_NONBLOCK or a flag of MSG_DONTWAIT makes connect, send and single receives
 * complete with -EAGAIN instead of waiting; accept and multishot receives wait.
 */
#ifndef RING_PREPARE_SOCKET_H
#define RING_PREPARE_SOCKET_H

#include "ring/prepare.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct epoll_event;

/*
 * Completes with the ready events once (5.1), or again and again with
 * IORING_POLL_ADD_MULTI (5.13).
 */
static inline void ring_prep_poll(struct io_uring_sqe *sqe, int fd, uint32_t events,
				  uint32_t poll_flags)
{
	ring_prep(sqe, IORING_OP_POLL_ADD, fd, 0, poll_flags, 0);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	events = events << 16 | events >> 16;
#endif
	sqe->poll32_events = events;
}

/* End the poll submitted under user_data, which completes with -ECANCELED (5.1). */
static inline void ring_prep_poll_remove(struct io_uring_sqe *sqe, uint64_t user_data)
{
	ring_prep(sqe, IORING_OP_POLL_REMOVE, -1, user_data, 0, 0);
}

/* Change a pending poll's events and/or user_data, by flags IORING_POLL_UPDATE_* (5.13). */
static inline void ring_prep_poll_update(struct io_uring_sqe *sqe, uint64_t user_data,
					 uint64_t new_user_data, uint32_t events, uint32_t flags)
{
	ring_prep_poll(sqe, -1, events, flags);
	sqe->opcode = IORING_OP_POLL_REMOVE;
	sqe->addr = user_data;
	sqe->off = new_user_data;
}

/* As epoll_ctl(2) (5.6). */
static inline void ring_prep_epoll_ctl(struct io_uring_sqe *sqe, int epoll_fd, int fd,
				       int operation, const struct epoll_event *event)
{
	ring_prep(sqe, IORING_OP_EPOLL_CTL, epoll_fd, ring_pointer(event), (uint32_t)operation,
		  (uint64_t)(uint32_t)fd);
}

/* As epoll_wait(2) without a time limit (6.15). */
static inline void ring_prep_epoll_wait(struct io_uring_sqe *sqe, int epoll_fd,
					struct epoll_event *events, uint32_t count)
{
	ring_prep(sqe, IORING_OP_EPOLL_WAIT, epoll_fd, ring_pointer(events), count, 0);
}

/* As socket(2) (5.19). */
static inline void ring_prep_socket(struct io_uring_sqe *sqe, int domain, int type, int protocol)
{
	ring_prep(sqe, IORING_OP_SOCKET, domain, 0, (uint32_t)protocol, (uint64_t)(uint32_t)type);
}

/* As bind(2) (6.11). */
static inline void ring_prep_bind(struct io_uring_sqe *sqe, int fd, const struct sockaddr *address,
				  socklen_t length)
{
	ring_prep(sqe, IORING_OP_BIND, fd, ring_pointer(address), 0, length);
}

/* As listen(2) (6.11). */
static inline void ring_prep_listen(struct io_uring_sqe *sqe, int fd, int backlog)
{
	ring_prep(sqe, IORING_OP_LISTEN, fd, 0, (uint32_t)backlog, 0);
}

/* As accept4(2); address and length may be NULL and must outlive the request (5.5). */
static inline void ring_prep_accept(struct io_uring_sqe *sqe, int fd, struct sockaddr *address,
				    socklen_t *length, int flags)
{
	ring_prep(sqe, IORING_OP_ACCEPT, fd, ring_pointer(address), 0, ring_pointer(length));
	sqe->accept_flags = (uint32_t)flags;
}

/* A completion for each connection, until one lacks IORING_CQE_F_MORE (5.19). */
static inline void ring_prep_accept_multishot(struct io_uring_sqe *sqe, int fd,
					      struct sockaddr *address, socklen_t *length,
					      int flags)
{
	ring_prep_accept(sqe, fd, address, length, flags);
	sqe->ioprio = IORING_ACCEPT_MULTISHOT;
}

/*
 * The same into free slots of the registered files (5.19); no free slot drops the
 * connection.
 */
static inline void ring_prep_accept_multishot_direct(struct io_uring_sqe *sqe, int fd,
						     struct sockaddr *address, socklen_t *length,
						     int flags)
{
	ring_prep_accept_multishot(sqe, fd, address, length, flags);
	ring_sqe_direct(sqe, RING_SLOT_ANY);
}

/* As connect(2) (5.5). */
static inline void ring_prep_connect(struct io_uring_sqe *sqe, int fd,
				     const struct sockaddr *address, socklen_t length)
{
	ring_prep(sqe, IORING_OP_CONNECT, fd, ring_pointer(address), 0, length);
}

/* As shutdown(2), by way of a kernel thread (5.11): the system call is cheaper. */
static inline void ring_prep_shutdown(struct io_uring_sqe *sqe, int fd, int how)
{
	ring_prep(sqe, IORING_OP_SHUTDOWN, fd, 0, (uint32_t)how, 0);
}

/* As recv(2) (5.6). */
static inline void ring_prep_recv(struct io_uring_sqe *sqe, int fd, void *buffer, size_t length,
				  int flags)
{
	ring_prep(sqe, IORING_OP_RECV, fd, ring_pointer(buffer), (uint32_t)length, 0);
	sqe->msg_flags = (uint32_t)flags;
}

/*
 * Receive into buffers of a group, again and again, until a completion lacks
 * IORING_CQE_F_MORE: an error, the end (0, without a buffer), no buffer left
 * (-ENOBUFS), a full completion queue, or the budget (6.0).  cap limits each
 * completion, budget all of them together (6.17); 0 is no limit.
 */
static inline void ring_prep_recv_multishot(struct io_uring_sqe *sqe, int fd, uint16_t group,
					    uint32_t cap, uint32_t budget)
{
	ring_prep(sqe, IORING_OP_RECV, fd, 0, cap, 0);
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->buf_group = group;
	sqe->optlen = budget;
}

/* As recvmsg(2) (5.3). */
static inline void ring_prep_recvmsg(struct io_uring_sqe *sqe, int fd, struct msghdr *message,
				     uint32_t flags)
{
	ring_prep(sqe, IORING_OP_RECVMSG, fd, ring_pointer(message), 1, 0);
	sqe->msg_flags = flags;
}

/*
 * Again and again into buffers of a group (6.0): each holds struct
 * io_uring_recvmsg_out, then name and control data as long as message said, then
 * the payload.
 */
static inline void ring_prep_recvmsg_multishot(struct io_uring_sqe *sqe, int fd,
					       struct msghdr *message, uint32_t flags,
					       uint16_t group)
{
	ring_prep_recvmsg(sqe, fd, message, flags);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	ring_sqe_buffer_select(sqe, group);
}

/* Receive without copying from a registered interface queue, again and again (6.15). */
static inline void ring_prep_recv_zc(struct io_uring_sqe *sqe, int fd, uint32_t length,
				     uint32_t zcrx_id)
{
	ring_prep(sqe, IORING_OP_RECV_ZC, fd, 0, length, 0);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->zcrx_ifq_idx = zcrx_id;
}

/* As send(2) (5.6); MSG_WAITALL sends all of it or fails. */
static inline void ring_prep_send(struct io_uring_sqe *sqe, int fd, const void *buffer,
				  size_t length, int flags)
{
	ring_prep(sqe, IORING_OP_SEND, fd, ring_pointer(buffer), (uint32_t)length, 0);
	sqe->msg_flags = (uint32_t)flags;
}

/* As sendto(2) (6.0). */
static inline void ring_prep_sendto(struct io_uring_sqe *sqe, int fd, const void *buffer,
				    size_t length, int flags, const struct sockaddr *address,
				    socklen_t address_length)
{
	ring_prep_send(sqe, fd, buffer, length, flags);
	sqe->addr2 = ring_pointer(address);
	sqe->addr_len = (uint16_t)address_length;
}

/* Send a vector without a message header (6.17). */
static inline void ring_prep_send_vector(struct io_uring_sqe *sqe, int fd,
					 const struct iovec *vector, uint32_t count, int flags)
{
	ring_prep(sqe, IORING_OP_SEND, fd, ring_pointer(vector), count, 0);
	sqe->ioprio = IORING_SEND_VECTORIZED;
	sqe->msg_flags = (uint32_t)flags;
}

/* Send buffers of a group, as many as there are, in the order they were added (6.10). */
static inline void ring_prep_send_bundle(struct io_uring_sqe *sqe, int fd, uint16_t group,
					 int flags)
{
	ring_prep_send(sqe, fd, NULL, 0, flags);
	ring_sqe_buffer_select(sqe, group);
	ring_sqe_bundle(sqe);
}

/* As sendmsg(2) (5.3). */
static inline void ring_prep_sendmsg(struct io_uring_sqe *sqe, int fd, const struct msghdr *message,
				     uint32_t flags)
{
	ring_prep(sqe, IORING_OP_SENDMSG, fd, ring_pointer(message), 1, 0);
	sqe->msg_flags = flags;
}

/*
 * Send without copying (6.0).  Two completions: the result, with F_MORE, and a
 * notification (F_NOTIF) when the buffer is free again.  zc_flags may hold
 * IORING_SEND_ZC_REPORT_USAGE (6.2): the notification's result then tells whether
 * the kernel copied after all (IORING_NOTIF_USAGE_ZC_COPIED).  A registered
 * buffer: ring_sqe_fixed_buffer().
 */
static inline void ring_prep_send_zc(struct io_uring_sqe *sqe, int fd, const void *buffer,
				     size_t length, int flags, uint16_t zc_flags)
{
	ring_prep(sqe, IORING_OP_SEND_ZC, fd, ring_pointer(buffer), (uint32_t)length, 0);
	sqe->ioprio = zc_flags;
	sqe->msg_flags = (uint32_t)flags;
}

/* Of a send, with or without copying: to this address, as sendto(2). */
static inline void ring_sqe_to(struct io_uring_sqe *sqe, const struct sockaddr *address,
			       socklen_t length)
{
	sqe->addr2 = ring_pointer(address);
	sqe->addr_len = (uint16_t)length;
}

/* The same for sendmsg(2) (6.1). */
static inline void ring_prep_sendmsg_zc(struct io_uring_sqe *sqe, int fd,
					const struct msghdr *message, uint32_t flags,
					uint16_t zc_flags)
{
	ring_prep(sqe, IORING_OP_SENDMSG_ZC, fd, ring_pointer(message), 1, 0);
	sqe->ioprio = zc_flags;
	sqe->msg_flags = flags;
}

/* getsockopt(2) and setsockopt(2) (6.7); the result of getting is the length. */
static inline void ring_prep_socket_option(struct io_uring_sqe *sqe, enum io_uring_socket_op what,
					   int fd, int level, int name, void *value, int length)
{
	ring_prep_cmd(sqe, what, fd);
	sqe->level = (uint32_t)level;
	sqe->optname = (uint32_t)name;
	sqe->optval = ring_pointer(value);
	sqe->optlen = (uint32_t)length;
}

/* As getsockname(2), or with peer getpeername(2); what it writes to must outlive it (6.19). */
static inline void ring_prep_socket_name(struct io_uring_sqe *sqe, int fd,
					 struct sockaddr *ret_address, socklen_t *length, bool peer)
{
	ring_prep_cmd(sqe, SOCKET_URING_OP_GETSOCKNAME, fd);
	sqe->addr = ring_pointer(ret_address);
	sqe->addr3 = ring_pointer(length);
	sqe->optlen = peer;
}

/* Bytes that can be received: the result (6.5). */
static inline void ring_prep_socket_inq(struct io_uring_sqe *sqe, int fd)
{
	ring_prep_cmd(sqe, SOCKET_URING_OP_SIOCINQ, fd);
}

/* Bytes that are not sent or not acknowledged yet: the result (6.5). */
static inline void ring_prep_socket_outq(struct io_uring_sqe *sqe, int fd)
{
	ring_prep_cmd(sqe, SOCKET_URING_OP_SIOCOUTQ, fd);
}

#endif
