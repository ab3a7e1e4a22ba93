/*
 * The kernel's io_uring interface, up to and beyond Linux 6.18, under the
 * kernel's own names: entries, flags and set-up.  Registration is in
 * uapi_register.h.
 *
 * Build machines carry headers older than the kernels we run on, so nothing of
 * <linux/io_uring.h> is used: a missing constant would otherwise be a missing
 * feature.  A number behind a name is the kernel that brought it.  What the
 * running kernel really offers is asked at start, see capability.h.
 */
#ifndef RING_UAPI_H
#define RING_UAPI_H

#include <assert.h>
#include <linux/time_types.h>
#include <stddef.h>
#include <stdint.h>

/* The same on every architecture that io_uring runs on, except alpha. */
#define RING_NR_SETUP    425
#define RING_NR_ENTER    426
#define RING_NR_REGISTER 427

/* ---- operations ----------------------------------------------------------- */

/* clang-format off */
enum io_uring_op {
	IORING_OP_NOP              = 0,
	IORING_OP_READV            = 1,
	IORING_OP_WRITEV           = 2,
	IORING_OP_FSYNC            = 3,
	IORING_OP_READ_FIXED       = 4,
	IORING_OP_WRITE_FIXED      = 5,
	IORING_OP_POLL_ADD         = 6,
	IORING_OP_POLL_REMOVE      = 7,
	IORING_OP_SYNC_FILE_RANGE  = 8,
	IORING_OP_SENDMSG          = 9,
	IORING_OP_RECVMSG          = 10,
	IORING_OP_TIMEOUT          = 11,
	IORING_OP_TIMEOUT_REMOVE   = 12,
	IORING_OP_ACCEPT           = 13,
	IORING_OP_ASYNC_CANCEL     = 14,
	IORING_OP_LINK_TIMEOUT     = 15,
	IORING_OP_CONNECT          = 16,
	IORING_OP_FALLOCATE        = 17,
	IORING_OP_OPENAT           = 18,
	IORING_OP_CLOSE            = 19,
	IORING_OP_FILES_UPDATE     = 20,
	IORING_OP_STATX            = 21,
	IORING_OP_READ             = 22,
	IORING_OP_WRITE            = 23,
	IORING_OP_FADVISE          = 24,
	IORING_OP_MADVISE          = 25,
	IORING_OP_SEND             = 26,
	IORING_OP_RECV             = 27,
	IORING_OP_OPENAT2          = 28,
	IORING_OP_EPOLL_CTL        = 29,
	IORING_OP_SPLICE           = 30,
	IORING_OP_PROVIDE_BUFFERS  = 31,
	IORING_OP_REMOVE_BUFFERS   = 32,
	IORING_OP_TEE              = 33,
	IORING_OP_SHUTDOWN         = 34,
	IORING_OP_RENAMEAT         = 35,
	IORING_OP_UNLINKAT         = 36,
	IORING_OP_MKDIRAT          = 37,
	IORING_OP_SYMLINKAT        = 38,
	IORING_OP_LINKAT           = 39,
	IORING_OP_MSG_RING         = 40,
	IORING_OP_FSETXATTR        = 41,
	IORING_OP_SETXATTR         = 42,
	IORING_OP_FGETXATTR        = 43,
	IORING_OP_GETXATTR         = 44,
	IORING_OP_SOCKET           = 45,
	IORING_OP_URING_CMD        = 46,
	IORING_OP_SEND_ZC          = 47,
	IORING_OP_SENDMSG_ZC       = 48,
	IORING_OP_READ_MULTISHOT   = 49,
	IORING_OP_WAITID           = 50,
	IORING_OP_FUTEX_WAIT       = 51,
	IORING_OP_FUTEX_WAKE       = 52,
	IORING_OP_FUTEX_WAITV      = 53,
	IORING_OP_FIXED_FD_INSTALL = 54,
	IORING_OP_FTRUNCATE        = 55,
	IORING_OP_BIND             = 56,
	IORING_OP_LISTEN           = 57,
	IORING_OP_RECV_ZC          = 58,
	IORING_OP_EPOLL_WAIT       = 59,
	IORING_OP_READV_FIXED      = 60,
	IORING_OP_WRITEV_FIXED     = 61,
	IORING_OP_PIPE             = 62, /* the last of 6.18 */
	IORING_OP_NOP128           = 63, /* 6.19 */
	IORING_OP_URING_CMD128     = 64, /* 6.19 */
	IORING_OP_LAST             = 65,
};
/* clang-format on */

/* ---- submission queue entry ----------------------------------------------- */

struct io_uring_sqe {
	uint8_t opcode;
	uint8_t flags; /* IOSQE_* */
	uint16_t ioprio;
	int32_t fd;
	union {
		uint64_t off;
		uint64_t addr2;
		struct {
			uint32_t cmd_op;
			uint32_t __pad1;
		};
	};
	union {
		uint64_t addr;
		uint64_t splice_off_in;
		struct {
			uint32_t level;
			uint32_t optname;
		};
	};
	uint32_t len;
	union {
		uint32_t rw_flags;
		uint32_t fsync_flags;
		uint16_t poll_events;
		uint32_t poll32_events;
		uint32_t sync_range_flags;
		uint32_t msg_flags;
		uint32_t timeout_flags;
		uint32_t accept_flags;
		uint32_t cancel_flags;
		uint32_t open_flags;
		uint32_t statx_flags;
		uint32_t fadvise_advice;
		uint32_t splice_flags;
		uint32_t rename_flags;
		uint32_t unlink_flags;
		uint32_t hardlink_flags;
		uint32_t xattr_flags;
		uint32_t msg_ring_flags;
		uint32_t uring_cmd_flags;
		uint32_t waitid_flags;
		uint32_t futex_flags;
		uint32_t install_fd_flags;
		uint32_t nop_flags;
		uint32_t pipe_flags;
	};
	uint64_t user_data;
	union {
		uint16_t buf_index;
		uint16_t buf_group;
	};
	uint16_t personality;
	union {
		int32_t splice_fd_in;
		uint32_t file_index;
		uint32_t zcrx_ifq_idx;
		uint32_t optlen;
		struct {
			uint16_t addr_len;
			uint16_t __pad3[1];
		};
	};
	union {
		struct {
			uint64_t addr3;
			uint64_t __pad2[1];
		};
		struct {
			uint64_t attr_ptr;
			uint64_t attr_type_mask;
		};
		uint64_t optval;
		uint8_t cmd[0]; /* 16 bytes, 80 in a 128-byte entry */
	};
};

/* clang-format off */
enum {
	IOSQE_FIXED_FILE_BIT       = 0,
	IOSQE_IO_DRAIN_BIT         = 1,
	IOSQE_IO_LINK_BIT          = 2,
	IOSQE_IO_HARDLINK_BIT      = 3,
	IOSQE_ASYNC_BIT            = 4,
	IOSQE_BUFFER_SELECT_BIT    = 5,
	IOSQE_CQE_SKIP_SUCCESS_BIT = 6,
};

#define IOSQE_FIXED_FILE       (1U << IOSQE_FIXED_FILE_BIT)
#define IOSQE_IO_DRAIN         (1U << IOSQE_IO_DRAIN_BIT)         /* 5.2 */
#define IOSQE_IO_LINK          (1U << IOSQE_IO_LINK_BIT)          /* 5.3 */
#define IOSQE_IO_HARDLINK      (1U << IOSQE_IO_HARDLINK_BIT)      /* 5.5 */
#define IOSQE_ASYNC            (1U << IOSQE_ASYNC_BIT)            /* 5.6 */
#define IOSQE_BUFFER_SELECT    (1U << IOSQE_BUFFER_SELECT_BIT)    /* 5.7 */
#define IOSQE_CQE_SKIP_SUCCESS (1U << IOSQE_CQE_SKIP_SUCCESS_BIT) /* 5.17 */

/* io_uring_sqe.nop_flags */
#define IORING_NOP_INJECT_RESULT (1U << 0) /* 6.10: len is the result */
#define IORING_NOP_FILE          (1U << 1) /* 6.13 */
#define IORING_NOP_FIXED_FILE    (1U << 2) /* 6.13 */
#define IORING_NOP_FIXED_BUFFER  (1U << 3) /* 6.13 */
#define IORING_NOP_TW            (1U << 4) /* 6.16 */
#define IORING_NOP_CQE32         (1U << 5) /* 6.18 */

#define IORING_FSYNC_DATASYNC (1U << 0)

/* io_uring_sqe.timeout_flags */
#define IORING_TIMEOUT_ABS           (1U << 0)
#define IORING_TIMEOUT_UPDATE        (1U << 1) /* 5.11 */
#define IORING_TIMEOUT_BOOTTIME      (1U << 2) /* 5.15 */
#define IORING_TIMEOUT_REALTIME      (1U << 3) /* 5.15 */
#define IORING_LINK_TIMEOUT_UPDATE   (1U << 4) /* 5.15 */
#define IORING_TIMEOUT_ETIME_SUCCESS (1U << 5) /* 5.16 */
#define IORING_TIMEOUT_MULTISHOT     (1U << 6) /* 6.4 */
#define IORING_TIMEOUT_IMMEDIATE_ARG (1U << 7) /* 7.1 */
#define IORING_TIMEOUT_CLOCK_MASK    (IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME)
#define IORING_TIMEOUT_UPDATE_MASK   (IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE)

#define SPLICE_F_FD_IN_FIXED (1U << 31)

/* io_uring_sqe.len of POLL_ADD and POLL_REMOVE */
#define IORING_POLL_ADD_MULTI        (1U << 0) /* 5.13 */
#define IORING_POLL_UPDATE_EVENTS    (1U << 1) /* 5.13 */
#define IORING_POLL_UPDATE_USER_DATA (1U << 2) /* 5.13 */
#define IORING_POLL_ADD_LEVEL        (1U << 3) /* 6.0 */

/* io_uring_sqe.cancel_flags */
#define IORING_ASYNC_CANCEL_ALL      (1U << 0) /* 5.19 */
#define IORING_ASYNC_CANCEL_FD       (1U << 1) /* 5.19 */
#define IORING_ASYNC_CANCEL_ANY      (1U << 2) /* 5.19 */
#define IORING_ASYNC_CANCEL_FD_FIXED (1U << 3) /* 6.0 */
#define IORING_ASYNC_CANCEL_USERDATA (1U << 4) /* 6.6 */
#define IORING_ASYNC_CANCEL_OP       (1U << 5) /* 6.6 */

/* io_uring_sqe.ioprio of the send and receive family */
#define IORING_RECVSEND_POLL_FIRST  (1U << 0) /* 5.19 */
#define IORING_RECV_MULTISHOT       (1U << 1) /* 6.0 */
#define IORING_RECVSEND_FIXED_BUF   (1U << 2) /* 6.0 */
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3) /* 6.2 */
#define IORING_RECVSEND_BUNDLE      (1U << 4) /* 6.10 */
#define IORING_SEND_VECTORIZED      (1U << 5) /* 6.17 */

#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31) /* in the result of a notification */

/* io_uring_sqe.ioprio of ACCEPT */
#define IORING_ACCEPT_MULTISHOT  (1U << 0) /* 5.19 */
#define IORING_ACCEPT_DONTWAIT   (1U << 1) /* 6.10 */
#define IORING_ACCEPT_POLL_FIRST (1U << 2) /* 6.10 */

/* io_uring_sqe.addr of MSG_RING, and its msg_ring_flags */
enum {
	IORING_MSG_DATA    = 0,
	IORING_MSG_SEND_FD = 1, /* 6.0 */
};
#define IORING_MSG_RING_CQE_SKIP   (1U << 0) /* 6.0 */
#define IORING_MSG_RING_FLAGS_PASS (1U << 1) /* 6.3 */

#define IORING_FIXED_FD_NO_CLOEXEC (1U << 0)

#define IORING_URING_CMD_FIXED     (1U << 0)
#define IORING_URING_CMD_MULTISHOT (1U << 1) /* 6.18 */
#define IORING_URING_CMD_MASK      (IORING_URING_CMD_FIXED | IORING_URING_CMD_MULTISHOT)

#define IORING_RW_ATTR_FLAG_PI (1U << 0) /* 6.14 */

/* io_uring_sqe.file_index is a slot plus one; this asks for any free slot (5.19). */
#define IORING_FILE_INDEX_ALLOC (~0U)

/* io_uring_sqe.cmd_op on a socket */
enum io_uring_socket_op {
	SOCKET_URING_OP_SIOCINQ      = 0, /* 6.5 */
	SOCKET_URING_OP_SIOCOUTQ     = 1, /* 6.5 */
	SOCKET_URING_OP_GETSOCKOPT   = 2, /* 6.7 */
	SOCKET_URING_OP_SETSOCKOPT   = 3, /* 6.7 */
	SOCKET_URING_OP_TX_TIMESTAMP = 4, /* 6.17 */
	SOCKET_URING_OP_GETSOCKNAME  = 5, /* 6.19 */
};
/* clang-format on */

struct io_uring_attr_pi { /* 6.14 */
	uint16_t flags;
	uint16_t app_tag;
	uint32_t len;
	uint64_t addr;
	uint64_t seed;
	uint64_t rsvd;
};

/* What precedes name, control data and payload in a multishot RECVMSG's buffer. */
struct io_uring_recvmsg_out {
	uint32_t namelen;
	uint32_t controllen;
	uint32_t payloadlen;
	uint32_t flags;
};

/* ---- completion queue entry ----------------------------------------------- */

struct io_uring_cqe {
	uint64_t user_data;
	int32_t res;
	uint32_t flags; /* IORING_CQE_F_* */
			/* 16 more bytes in a 32-byte entry */
};

/* clang-format off */
#define IORING_CQE_F_BUFFER        (1U << 0)  /* 5.7: the buffer's id is in the upper half */
#define IORING_CQE_F_MORE          (1U << 1)  /* 5.13: this request will complete again */
#define IORING_CQE_F_SOCK_NONEMPTY (1U << 2)  /* 5.19 */
#define IORING_CQE_F_NOTIF         (1U << 3)  /* 6.0: the kernel has let go of a zero-copy buffer */
#define IORING_CQE_F_BUF_MORE      (1U << 4)  /* 6.12: an incremental buffer has room left */
#define IORING_CQE_F_SKIP          (1U << 5)  /* 6.18: filler at the end of a mixed queue */
#define IORING_CQE_F_32            (1U << 15) /* 6.18: 32 bytes in a mixed queue */
#define IORING_CQE_BUFFER_SHIFT    16
#define IORING_TIMESTAMP_HW_SHIFT   16
#define IORING_TIMESTAMP_TYPE_SHIFT 17
#define IORING_CQE_F_TSTAMP_HW     (1U << IORING_TIMESTAMP_HW_SHIFT)
/* clang-format on */

struct io_timespec {
	uint64_t tv_sec;
	uint64_t tv_nsec;
};

/* ---- set-up and the three calls ------------------------------------------- */

/* clang-format off */
#define IORING_SETUP_IOPOLL             (1U << 0)
#define IORING_SETUP_SQPOLL             (1U << 1)
#define IORING_SETUP_SQ_AFF             (1U << 2)
#define IORING_SETUP_CQSIZE             (1U << 3)  /* 5.5 */
#define IORING_SETUP_CLAMP              (1U << 4)  /* 5.6 */
#define IORING_SETUP_ATTACH_WQ          (1U << 5)  /* 5.6 */
#define IORING_SETUP_R_DISABLED         (1U << 6)  /* 5.10 */
#define IORING_SETUP_SUBMIT_ALL         (1U << 7)  /* 5.18 */
#define IORING_SETUP_COOP_TASKRUN       (1U << 8)  /* 5.19 */
#define IORING_SETUP_TASKRUN_FLAG       (1U << 9)  /* 5.19 */
#define IORING_SETUP_SQE128             (1U << 10) /* 5.19 */
#define IORING_SETUP_CQE32              (1U << 11) /* 5.19 */
#define IORING_SETUP_SINGLE_ISSUER      (1U << 12) /* 6.0 */
#define IORING_SETUP_DEFER_TASKRUN      (1U << 13) /* 6.1 */
#define IORING_SETUP_NO_MMAP            (1U << 14) /* 6.5 */
#define IORING_SETUP_REGISTERED_FD_ONLY (1U << 15) /* 6.5 */
#define IORING_SETUP_NO_SQARRAY         (1U << 16) /* 6.6 */
#define IORING_SETUP_HYBRID_IOPOLL      (1U << 17) /* 6.13 */
#define IORING_SETUP_CQE_MIXED          (1U << 18) /* 6.18 */
#define IORING_SETUP_SQE_MIXED          (1U << 19) /* 6.19 */
#define IORING_SETUP_SQ_REWIND          (1U << 20) /* 7.0 */

#define IORING_FEAT_SINGLE_MMAP     (1U << 0)  /* 5.4 */
#define IORING_FEAT_NODROP          (1U << 1)  /* 5.5 */
#define IORING_FEAT_SUBMIT_STABLE   (1U << 2)  /* 5.5 */
#define IORING_FEAT_RW_CUR_POS      (1U << 3)  /* 5.6 */
#define IORING_FEAT_CUR_PERSONALITY (1U << 4)  /* 5.6 */
#define IORING_FEAT_FAST_POLL       (1U << 5)  /* 5.7 */
#define IORING_FEAT_POLL_32BITS     (1U << 6)  /* 5.9 */
#define IORING_FEAT_SQPOLL_NONFIXED (1U << 7)  /* 5.11 */
#define IORING_FEAT_EXT_ARG         (1U << 8)  /* 5.11 */
#define IORING_FEAT_NATIVE_WORKERS  (1U << 9)  /* 5.12 */
#define IORING_FEAT_RSRC_TAGS       (1U << 10) /* 5.13 */
#define IORING_FEAT_CQE_SKIP        (1U << 11) /* 5.17 */
#define IORING_FEAT_LINKED_FILE     (1U << 12) /* 5.17 */
#define IORING_FEAT_REG_REG_RING    (1U << 13) /* 6.3 */
#define IORING_FEAT_RECVSEND_BUNDLE (1U << 14) /* 6.10 */
#define IORING_FEAT_MIN_TIMEOUT     (1U << 15) /* 6.12 */
#define IORING_FEAT_RW_ATTR         (1U << 16) /* 6.14 */
#define IORING_FEAT_NO_IOWAIT       (1U << 17) /* 6.15 */

#define IORING_ENTER_GETEVENTS       (1U << 0)
#define IORING_ENTER_SQ_WAKEUP       (1U << 1)
#define IORING_ENTER_SQ_WAIT         (1U << 2) /* 5.10 */
#define IORING_ENTER_EXT_ARG         (1U << 3) /* 5.11 */
#define IORING_ENTER_REGISTERED_RING (1U << 4) /* 5.18 */
#define IORING_ENTER_ABS_TIMER       (1U << 5) /* 6.12 */
#define IORING_ENTER_EXT_ARG_REG     (1U << 6) /* 6.13 */
#define IORING_ENTER_NO_IOWAIT       (1U << 7) /* 6.15 */

/* the flags word of the submission queue */
#define IORING_SQ_NEED_WAKEUP (1U << 0)
#define IORING_SQ_CQ_OVERFLOW (1U << 1) /* 5.8 */
#define IORING_SQ_TASKRUN     (1U << 2) /* 5.19 */

/* the flags word of the completion queue */
#define IORING_CQ_EVENTFD_DISABLED (1U << 0) /* 5.8 */

#define IORING_OFF_SQ_RING    0ULL
#define IORING_OFF_CQ_RING    0x8000000ULL
#define IORING_OFF_SQES       0x10000000ULL
#define IORING_OFF_PBUF_RING  0x80000000ULL
#define IORING_OFF_PBUF_SHIFT 16
#define IORING_OFF_MMAP_MASK  0xf8000000ULL
/* clang-format on */

struct io_sqring_offsets {
	uint32_t head;
	uint32_t tail;
	uint32_t ring_mask;
	uint32_t ring_entries;
	uint32_t flags;
	uint32_t dropped;
	uint32_t array; /* 0 with NO_SQARRAY: there is none */
	uint32_t resv1;
	uint64_t user_addr;
};

struct io_cqring_offsets {
	uint32_t head;
	uint32_t tail;
	uint32_t ring_mask;
	uint32_t ring_entries;
	uint32_t overflow;
	uint32_t cqes;
	uint32_t flags;
	uint32_t resv1;
	uint64_t user_addr;
};

struct io_uring_params {
	uint32_t sq_entries;
	uint32_t cq_entries;
	uint32_t flags;
	uint32_t sq_thread_cpu;
	uint32_t sq_thread_idle; /* milliseconds */
	uint32_t features;
	uint32_t wq_fd;
	uint32_t resv[3];
	struct io_sqring_offsets sq_off;
	struct io_cqring_offsets cq_off;
};

/* The argument of io_uring_enter() with EXT_ARG. */
struct io_uring_getevents_arg {
	uint64_t sigmask;
	uint32_t sigmask_sz;
	uint32_t min_wait_usec; /* 6.12 */
	uint64_t ts;
};

/* ---- what the layout must be: these structures lie in memory the kernel shares ---- */

/* clang-format off */
#define RING_LAYOUT(type, field, offset) \
	_Static_assert(offsetof(struct type, field) == (offset), #type "." #field)

_Static_assert(sizeof(struct io_uring_sqe) == 64, "io_uring_sqe");
RING_LAYOUT(io_uring_sqe, opcode, 0);
RING_LAYOUT(io_uring_sqe, flags, 1);
RING_LAYOUT(io_uring_sqe, ioprio, 2);
RING_LAYOUT(io_uring_sqe, fd, 4);
RING_LAYOUT(io_uring_sqe, off, 8);
RING_LAYOUT(io_uring_sqe, addr2, 8);
RING_LAYOUT(io_uring_sqe, cmd_op, 8);
RING_LAYOUT(io_uring_sqe, addr, 16);
RING_LAYOUT(io_uring_sqe, splice_off_in, 16);
RING_LAYOUT(io_uring_sqe, level, 16);
RING_LAYOUT(io_uring_sqe, optname, 20);
RING_LAYOUT(io_uring_sqe, len, 24);
RING_LAYOUT(io_uring_sqe, rw_flags, 28);
RING_LAYOUT(io_uring_sqe, poll_events, 28);
RING_LAYOUT(io_uring_sqe, user_data, 32);
RING_LAYOUT(io_uring_sqe, buf_index, 40);
RING_LAYOUT(io_uring_sqe, buf_group, 40);
RING_LAYOUT(io_uring_sqe, personality, 42);
RING_LAYOUT(io_uring_sqe, splice_fd_in, 44);
RING_LAYOUT(io_uring_sqe, file_index, 44);
RING_LAYOUT(io_uring_sqe, optlen, 44);
RING_LAYOUT(io_uring_sqe, addr_len, 44);
RING_LAYOUT(io_uring_sqe, addr3, 48);
RING_LAYOUT(io_uring_sqe, attr_ptr, 48);
RING_LAYOUT(io_uring_sqe, attr_type_mask, 56);
RING_LAYOUT(io_uring_sqe, optval, 48);
RING_LAYOUT(io_uring_sqe, cmd, 48);

_Static_assert(sizeof(struct io_uring_cqe) == 16, "io_uring_cqe");
RING_LAYOUT(io_uring_cqe, user_data, 0);
RING_LAYOUT(io_uring_cqe, res, 8);
RING_LAYOUT(io_uring_cqe, flags, 12);

_Static_assert(sizeof(struct io_sqring_offsets) == 40, "io_sqring_offsets");
_Static_assert(sizeof(struct io_cqring_offsets) == 40, "io_cqring_offsets");
_Static_assert(sizeof(struct io_uring_params) == 120, "io_uring_params");
RING_LAYOUT(io_uring_params, features, 20);
RING_LAYOUT(io_uring_params, wq_fd, 24);
RING_LAYOUT(io_uring_params, resv, 28);
RING_LAYOUT(io_uring_params, sq_off, 40);
RING_LAYOUT(io_uring_params, cq_off, 80);

_Static_assert(sizeof(struct io_uring_getevents_arg) == 24, "io_uring_getevents_arg");
RING_LAYOUT(io_uring_getevents_arg, min_wait_usec, 12);
RING_LAYOUT(io_uring_getevents_arg, ts, 16);

_Static_assert(sizeof(struct io_uring_attr_pi) == 32, "io_uring_attr_pi");
_Static_assert(sizeof(struct io_uring_recvmsg_out) == 16, "io_uring_recvmsg_out");
_Static_assert(sizeof(struct io_timespec) == 16, "io_timespec");
_Static_assert(sizeof(struct __kernel_timespec) == 16, "__kernel_timespec");
/* clang-format on */

#endif
