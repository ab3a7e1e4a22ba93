/*
 * Our copy of the kernel's interface against the values measured on Linux 6.18,
 * and against what the running kernel says of itself.
 */
#include "support/ring_tests.h"
#include "support/suite.h"

#include <string.h>

/* clang-format off */
#define VALUE(name, value) {#name, (uint64_t)(int64_t)(name), value}
static const struct {
	const char *name;
	uint64_t ours, kernels;
} constants[] = {
	VALUE(IORING_RW_ATTR_FLAG_PI, 1),
	VALUE(IORING_FILE_INDEX_ALLOC, 0xffffffff),
	VALUE(IOSQE_FIXED_FILE, 1),
	VALUE(IOSQE_IO_DRAIN, 2),
	VALUE(IOSQE_IO_LINK, 4),
	VALUE(IOSQE_IO_HARDLINK, 8),
	VALUE(IOSQE_ASYNC, 0x10),
	VALUE(IOSQE_BUFFER_SELECT, 0x20),
	VALUE(IOSQE_CQE_SKIP_SUCCESS, 0x40),
	VALUE(IORING_SETUP_IOPOLL, 1),
	VALUE(IORING_SETUP_SQPOLL, 2),
	VALUE(IORING_SETUP_SQ_AFF, 4),
	VALUE(IORING_SETUP_CQSIZE, 8),
	VALUE(IORING_SETUP_CLAMP, 0x10),
	VALUE(IORING_SETUP_ATTACH_WQ, 0x20),
	VALUE(IORING_SETUP_R_DISABLED, 0x40),
	VALUE(IORING_SETUP_SUBMIT_ALL, 0x80),
	VALUE(IORING_SETUP_COOP_TASKRUN, 0x100),
	VALUE(IORING_SETUP_TASKRUN_FLAG, 0x200),
	VALUE(IORING_SETUP_SQE128, 0x400),
	VALUE(IORING_SETUP_CQE32, 0x800),
	VALUE(IORING_SETUP_SINGLE_ISSUER, 0x1000),
	VALUE(IORING_SETUP_DEFER_TASKRUN, 0x2000),
	VALUE(IORING_SETUP_NO_MMAP, 0x4000),
	VALUE(IORING_SETUP_REGISTERED_FD_ONLY, 0x8000),
	VALUE(IORING_SETUP_NO_SQARRAY, 0x10000),
	VALUE(IORING_SETUP_HYBRID_IOPOLL, 0x20000),
	VALUE(IORING_SETUP_CQE_MIXED, 0x40000),
	VALUE(IORING_SETUP_SQE_MIXED, 0x80000),
	VALUE(IORING_SETUP_SQ_REWIND, 0x100000),
	VALUE(IORING_URING_CMD_FIXED, 1),
	VALUE(IORING_URING_CMD_MASK, 3),
	VALUE(IORING_URING_CMD_MULTISHOT, 2),
	VALUE(IO_URING_BPF_CMD_FILTER, 1),
	VALUE(IO_URING_BPF_FILTER_DENY_REST, 1),
	VALUE(IO_URING_BPF_FILTER_SZ_STRICT, 2),
	VALUE(IORING_FSYNC_DATASYNC, 1),
	VALUE(IORING_TIMEOUT_ABS, 1),
	VALUE(IORING_TIMEOUT_UPDATE, 2),
	VALUE(IORING_TIMEOUT_BOOTTIME, 4),
	VALUE(IORING_TIMEOUT_REALTIME, 8),
	VALUE(IORING_LINK_TIMEOUT_UPDATE, 0x10),
	VALUE(IORING_TIMEOUT_ETIME_SUCCESS, 0x20),
	VALUE(IORING_TIMEOUT_MULTISHOT, 0x40),
	VALUE(IORING_TIMEOUT_IMMEDIATE_ARG, 0x80),
	VALUE(IORING_TIMEOUT_CLOCK_MASK, 0xc),
	VALUE(IORING_TIMEOUT_UPDATE_MASK, 0x12),
	VALUE(SPLICE_F_FD_IN_FIXED, 0x80000000),
	VALUE(IORING_POLL_ADD_MULTI, 1),
	VALUE(IORING_POLL_UPDATE_EVENTS, 2),
	VALUE(IORING_POLL_UPDATE_USER_DATA, 4),
	VALUE(IORING_POLL_ADD_LEVEL, 8),
	VALUE(IORING_ASYNC_CANCEL_ALL, 1),
	VALUE(IORING_ASYNC_CANCEL_FD, 2),
	VALUE(IORING_ASYNC_CANCEL_ANY, 4),
	VALUE(IORING_ASYNC_CANCEL_FD_FIXED, 8),
	VALUE(IORING_ASYNC_CANCEL_USERDATA, 0x10),
	VALUE(IORING_ASYNC_CANCEL_OP, 0x20),
	VALUE(IORING_RECVSEND_POLL_FIRST, 1),
	VALUE(IORING_RECV_MULTISHOT, 2),
	VALUE(IORING_RECVSEND_FIXED_BUF, 4),
	VALUE(IORING_SEND_ZC_REPORT_USAGE, 8),
	VALUE(IORING_RECVSEND_BUNDLE, 0x10),
	VALUE(IORING_SEND_VECTORIZED, 0x20),
	VALUE(IORING_NOTIF_USAGE_ZC_COPIED, 0x80000000),
	VALUE(IORING_ACCEPT_MULTISHOT, 1),
	VALUE(IORING_ACCEPT_DONTWAIT, 2),
	VALUE(IORING_ACCEPT_POLL_FIRST, 4),
	VALUE(IORING_MSG_RING_CQE_SKIP, 1),
	VALUE(IORING_MSG_RING_FLAGS_PASS, 2),
	VALUE(IORING_FIXED_FD_NO_CLOEXEC, 1),
	VALUE(IORING_NOP_INJECT_RESULT, 1),
	VALUE(IORING_NOP_CQE32, 0x20),
	VALUE(IORING_CQE_F_BUFFER, 1),
	VALUE(IORING_CQE_F_MORE, 2),
	VALUE(IORING_CQE_F_SOCK_NONEMPTY, 4),
	VALUE(IORING_CQE_F_NOTIF, 8),
	VALUE(IORING_CQE_F_BUF_MORE, 0x10),
	VALUE(IORING_CQE_F_SKIP, 0x20),
	VALUE(IORING_CQE_F_32, 0x8000),
	VALUE(IORING_CQE_BUFFER_SHIFT, 0x10),
	VALUE(IORING_OFF_SQ_RING, 0),
	VALUE(IORING_OFF_CQ_RING, 0x8000000),
	VALUE(IORING_OFF_SQES, 0x10000000),
	VALUE(IORING_OFF_PBUF_RING, 0x80000000),
	VALUE(IORING_OFF_PBUF_SHIFT, 0x10),
	VALUE(IORING_OFF_MMAP_MASK, 0xf8000000),
	VALUE(IORING_SQ_NEED_WAKEUP, 1),
	VALUE(IORING_SQ_CQ_OVERFLOW, 2),
	VALUE(IORING_SQ_TASKRUN, 4),
	VALUE(IORING_CQ_EVENTFD_DISABLED, 1),
	VALUE(IORING_ENTER_GETEVENTS, 1),
	VALUE(IORING_ENTER_SQ_WAKEUP, 2),
	VALUE(IORING_ENTER_SQ_WAIT, 4),
	VALUE(IORING_ENTER_EXT_ARG, 8),
	VALUE(IORING_ENTER_REGISTERED_RING, 0x10),
	VALUE(IORING_ENTER_ABS_TIMER, 0x20),
	VALUE(IORING_ENTER_EXT_ARG_REG, 0x40),
	VALUE(IORING_ENTER_NO_IOWAIT, 0x80),
	VALUE(IORING_FEAT_SINGLE_MMAP, 1),
	VALUE(IORING_FEAT_NODROP, 2),
	VALUE(IORING_FEAT_SUBMIT_STABLE, 4),
	VALUE(IORING_FEAT_RW_CUR_POS, 8),
	VALUE(IORING_FEAT_CUR_PERSONALITY, 0x10),
	VALUE(IORING_FEAT_FAST_POLL, 0x20),
	VALUE(IORING_FEAT_POLL_32BITS, 0x40),
	VALUE(IORING_FEAT_SQPOLL_NONFIXED, 0x80),
	VALUE(IORING_FEAT_EXT_ARG, 0x100),
	VALUE(IORING_FEAT_NATIVE_WORKERS, 0x200),
	VALUE(IORING_FEAT_RSRC_TAGS, 0x400),
	VALUE(IORING_FEAT_CQE_SKIP, 0x800),
	VALUE(IORING_FEAT_LINKED_FILE, 0x1000),
	VALUE(IORING_FEAT_REG_REG_RING, 0x2000),
	VALUE(IORING_FEAT_RECVSEND_BUNDLE, 0x4000),
	VALUE(IORING_FEAT_MIN_TIMEOUT, 0x8000),
	VALUE(IORING_FEAT_RW_ATTR, 0x10000),
	VALUE(IORING_FEAT_NO_IOWAIT, 0x20000),
	VALUE(IORING_RSRC_REGISTER_SPARSE, 1),
	VALUE(IORING_REGISTER_FILES_SKIP, 0xfffffffffffffffe),
	VALUE(IO_URING_OP_SUPPORTED, 1),
	VALUE(IORING_TIMESTAMP_HW_SHIFT, 0x10),
	VALUE(IORING_TIMESTAMP_TYPE_SHIFT, 0x11),
	VALUE(IORING_CQE_F_TSTAMP_HW, 0x10000),
	VALUE(IORING_ZCRX_AREA_SHIFT, 0x30),
	VALUE(IOSQE_FIXED_FILE_BIT, 0),
	VALUE(IOSQE_IO_DRAIN_BIT, 1),
	VALUE(IOSQE_IO_LINK_BIT, 2),
	VALUE(IOSQE_IO_HARDLINK_BIT, 3),
	VALUE(IOSQE_ASYNC_BIT, 4),
	VALUE(IOSQE_BUFFER_SELECT_BIT, 5),
	VALUE(IOSQE_CQE_SKIP_SUCCESS_BIT, 6),
	VALUE(IORING_MSG_DATA, 0),
	VALUE(IORING_MSG_SEND_FD, 1),
	VALUE(IORING_REGISTER_BUFFERS, 0),
	VALUE(IORING_UNREGISTER_BUFFERS, 1),
	VALUE(IORING_REGISTER_FILES, 2),
	VALUE(IORING_UNREGISTER_FILES, 3),
	VALUE(IORING_REGISTER_EVENTFD, 4),
	VALUE(IORING_UNREGISTER_EVENTFD, 5),
	VALUE(IORING_REGISTER_FILES_UPDATE, 6),
	VALUE(IORING_REGISTER_EVENTFD_ASYNC, 7),
	VALUE(IORING_REGISTER_PROBE, 8),
	VALUE(IORING_REGISTER_PERSONALITY, 9),
	VALUE(IORING_UNREGISTER_PERSONALITY, 0xa),
	VALUE(IORING_REGISTER_RESTRICTIONS, 0xb),
	VALUE(IORING_REGISTER_ENABLE_RINGS, 0xc),
	VALUE(IORING_REGISTER_FILES2, 0xd),
	VALUE(IORING_REGISTER_FILES_UPDATE2, 0xe),
	VALUE(IORING_REGISTER_BUFFERS2, 0xf),
	VALUE(IORING_REGISTER_BUFFERS_UPDATE, 0x10),
	VALUE(IORING_REGISTER_IOWQ_AFF, 0x11),
	VALUE(IORING_UNREGISTER_IOWQ_AFF, 0x12),
	VALUE(IORING_REGISTER_IOWQ_MAX_WORKERS, 0x13),
	VALUE(IORING_REGISTER_RING_FDS, 0x14),
	VALUE(IORING_UNREGISTER_RING_FDS, 0x15),
	VALUE(IORING_REGISTER_PBUF_RING, 0x16),
	VALUE(IORING_UNREGISTER_PBUF_RING, 0x17),
	VALUE(IORING_REGISTER_SYNC_CANCEL, 0x18),
	VALUE(IORING_REGISTER_FILE_ALLOC_RANGE, 0x19),
	VALUE(IORING_REGISTER_PBUF_STATUS, 0x1a),
	VALUE(IORING_REGISTER_NAPI, 0x1b),
	VALUE(IORING_UNREGISTER_NAPI, 0x1c),
	VALUE(IORING_REGISTER_CLOCK, 0x1d),
	VALUE(IORING_REGISTER_CLONE_BUFFERS, 0x1e),
	VALUE(IORING_REGISTER_SEND_MSG_RING, 0x1f),
	VALUE(IORING_REGISTER_ZCRX_IFQ, 0x20),
	VALUE(IORING_REGISTER_RESIZE_RINGS, 0x21),
	VALUE(IORING_REGISTER_MEM_REGION, 0x22),
	VALUE(IORING_REGISTER_QUERY, 0x23),
	VALUE(IORING_REGISTER_ZCRX_CTRL, 0x24),
	VALUE(IORING_REGISTER_BPF_FILTER, 0x25),
	VALUE(IORING_REGISTER_LAST, 0x26),
	VALUE(IORING_REGISTER_USE_REGISTERED_RING, 0x80000000),
	VALUE(IO_WQ_BOUND, 0),
	VALUE(IO_WQ_UNBOUND, 1),
	VALUE(IORING_MEM_REGION_TYPE_USER, 1),
	VALUE(IORING_MEM_REGION_REG_WAIT_ARG, 1),
	VALUE(IORING_REGISTER_SRC_REGISTERED, 1),
	VALUE(IORING_REGISTER_DST_REPLACE, 2),
	VALUE(IOU_PBUF_RING_MMAP, 1),
	VALUE(IOU_PBUF_RING_INC, 2),
	VALUE(IORING_RESTRICTION_REGISTER_OP, 0),
	VALUE(IORING_RESTRICTION_SQE_OP, 1),
	VALUE(IORING_RESTRICTION_SQE_FLAGS_ALLOWED, 2),
	VALUE(IORING_RESTRICTION_SQE_FLAGS_REQUIRED, 3),
	VALUE(IORING_RESTRICTION_LAST, 4),
	VALUE(IORING_REG_WAIT_TS, 1),
	VALUE(SOCKET_URING_OP_SIOCINQ, 0),
	VALUE(SOCKET_URING_OP_SIOCOUTQ, 1),
	VALUE(SOCKET_URING_OP_GETSOCKOPT, 2),
	VALUE(SOCKET_URING_OP_SETSOCKOPT, 3),
	VALUE(SOCKET_URING_OP_TX_TIMESTAMP, 4),
	VALUE(SOCKET_URING_OP_GETSOCKNAME, 5),
	VALUE(IORING_ZCRX_AREA_DMABUF, 1),
	VALUE(ZCRX_REG_IMPORT, 1),
	VALUE(ZCRX_REG_NODEV, 2),
	VALUE(ZCRX_FEATURE_RX_PAGE_SIZE, 1),
	VALUE(ZCRX_CTRL_FLUSH_RQ, 0),
	VALUE(ZCRX_CTRL_EXPORT, 1),
	VALUE(IORING_NOP_FILE, 2),
	VALUE(IORING_NOP_FIXED_FILE, 4),
	VALUE(IORING_NOP_FIXED_BUFFER, 8),
	VALUE(IORING_NOP_TW, 0x10),
	VALUE(IO_URING_NAPI_REGISTER_OP, 0),
	VALUE(IO_URING_NAPI_STATIC_ADD_ID, 1),
	VALUE(IO_URING_NAPI_STATIC_DEL_ID, 2),
	VALUE(IO_URING_NAPI_TRACKING_DYNAMIC, 0),
	VALUE(IO_URING_NAPI_TRACKING_STATIC, 1),
	VALUE(IO_URING_NAPI_TRACKING_INACTIVE, 255),
	VALUE(IO_URING_QUERY_OPCODES, 0),
};
#undef VALUE

#define SIZE(type, size) {#type, sizeof(struct type), size}
static const struct {
	const char *name;
	size_t ours, kernels;
} sizes[] = {
	SIZE(io_uring_sqe, 64),
	SIZE(io_uring_cqe, 16),
	SIZE(io_uring_attr_pi, 32),
	SIZE(io_uring_params, 120),
	SIZE(io_sqring_offsets, 40),
	SIZE(io_cqring_offsets, 40),
	SIZE(io_uring_files_update, 16),
	SIZE(io_uring_region_desc, 64),
	SIZE(io_uring_mem_region_reg, 32),
	SIZE(io_uring_rsrc_register, 32),
	SIZE(io_uring_rsrc_update, 16),
	SIZE(io_uring_rsrc_update2, 32),
	SIZE(io_uring_probe_op, 8),
	SIZE(io_uring_probe, 16),
	SIZE(io_uring_restriction, 16),
	SIZE(io_uring_task_restriction, 16),
	SIZE(io_uring_clock_register, 16),
	SIZE(io_uring_clone_buffers, 32),
	SIZE(io_uring_buf, 16),
	SIZE(io_uring_buf_ring, 16),
	SIZE(io_uring_buf_reg, 40),
	SIZE(io_uring_buf_status, 40),
	SIZE(io_uring_napi, 16),
	SIZE(io_uring_reg_wait, 64),
	SIZE(io_uring_getevents_arg, 24),
	SIZE(io_uring_sync_cancel_reg, 64),
	SIZE(io_uring_file_index_range, 16),
	SIZE(io_uring_recvmsg_out, 16),
	SIZE(io_timespec, 16),
	SIZE(io_uring_zcrx_rqe, 16),
	SIZE(io_uring_zcrx_cqe, 16),
	SIZE(io_uring_zcrx_offsets, 32),
	SIZE(io_uring_zcrx_area_reg, 48),
	SIZE(io_uring_zcrx_ifq_reg, 96),
	SIZE(zcrx_ctrl, 72),
	SIZE(zcrx_ctrl_flush_rq, 48),
	SIZE(zcrx_ctrl_export, 48),
	SIZE(io_uring_query_hdr, 40),
	SIZE(io_uring_query_opcode, 48),
	SIZE(io_uring_query_zcrx, 40),
	SIZE(io_uring_query_scq, 16),
	SIZE(__kernel_timespec, 16),
};
#undef SIZE

#define FIELD(type, field, offset, size) \
	{#type "." #field, offsetof(struct type, field), offset, \
	 sizeof(((struct type *)NULL)->field), size}
static const struct {
	const char *name;
	size_t our_offset, offset, our_size, size;
} fields[] = {
	FIELD(io_uring_sqe, opcode, 0, 1),
	FIELD(io_uring_sqe, flags, 1, 1),
	FIELD(io_uring_sqe, ioprio, 2, 2),
	FIELD(io_uring_sqe, fd, 4, 4),
	FIELD(io_uring_sqe, off, 8, 8),
	FIELD(io_uring_sqe, addr2, 8, 8),
	FIELD(io_uring_sqe, cmd_op, 8, 4),
	FIELD(io_uring_sqe, __pad1, 12, 4),
	FIELD(io_uring_sqe, addr, 16, 8),
	FIELD(io_uring_sqe, splice_off_in, 16, 8),
	FIELD(io_uring_sqe, level, 16, 4),
	FIELD(io_uring_sqe, optname, 20, 4),
	FIELD(io_uring_sqe, len, 24, 4),
	FIELD(io_uring_sqe, rw_flags, 28, 4),
	FIELD(io_uring_sqe, poll_events, 28, 2),
	FIELD(io_uring_sqe, poll32_events, 28, 4),
	FIELD(io_uring_sqe, user_data, 32, 8),
	FIELD(io_uring_sqe, buf_index, 40, 2),
	FIELD(io_uring_sqe, buf_group, 40, 2),
	FIELD(io_uring_sqe, personality, 42, 2),
	FIELD(io_uring_sqe, splice_fd_in, 44, 4),
	FIELD(io_uring_sqe, file_index, 44, 4),
	FIELD(io_uring_sqe, zcrx_ifq_idx, 44, 4),
	FIELD(io_uring_sqe, optlen, 44, 4),
	FIELD(io_uring_sqe, addr_len, 44, 2),
	FIELD(io_uring_sqe, __pad3, 46, 2),
	FIELD(io_uring_sqe, addr3, 48, 8),
	FIELD(io_uring_sqe, __pad2, 56, 8),
	FIELD(io_uring_sqe, attr_ptr, 48, 8),
	FIELD(io_uring_sqe, attr_type_mask, 56, 8),
	FIELD(io_uring_sqe, optval, 48, 8),
	FIELD(io_uring_cqe, user_data, 0, 8),
	FIELD(io_uring_cqe, res, 8, 4),
	FIELD(io_uring_cqe, flags, 12, 4),
	FIELD(io_uring_params, sq_entries, 0, 4),
	FIELD(io_uring_params, cq_entries, 4, 4),
	FIELD(io_uring_params, flags, 8, 4),
	FIELD(io_uring_params, sq_thread_cpu, 12, 4),
	FIELD(io_uring_params, sq_thread_idle, 16, 4),
	FIELD(io_uring_params, features, 20, 4),
	FIELD(io_uring_params, wq_fd, 24, 4),
	FIELD(io_uring_params, resv, 28, 12),
	FIELD(io_uring_params, sq_off, 40, 40),
	FIELD(io_uring_params, cq_off, 80, 40),
	FIELD(io_sqring_offsets, head, 0, 4),
	FIELD(io_sqring_offsets, tail, 4, 4),
	FIELD(io_sqring_offsets, ring_mask, 8, 4),
	FIELD(io_sqring_offsets, ring_entries, 12, 4),
	FIELD(io_sqring_offsets, flags, 16, 4),
	FIELD(io_sqring_offsets, dropped, 20, 4),
	FIELD(io_sqring_offsets, array, 24, 4),
	FIELD(io_sqring_offsets, resv1, 28, 4),
	FIELD(io_sqring_offsets, user_addr, 32, 8),
	FIELD(io_cqring_offsets, head, 0, 4),
	FIELD(io_cqring_offsets, tail, 4, 4),
	FIELD(io_cqring_offsets, ring_mask, 8, 4),
	FIELD(io_cqring_offsets, ring_entries, 12, 4),
	FIELD(io_cqring_offsets, overflow, 16, 4),
	FIELD(io_cqring_offsets, cqes, 20, 4),
	FIELD(io_cqring_offsets, flags, 24, 4),
	FIELD(io_cqring_offsets, resv1, 28, 4),
	FIELD(io_cqring_offsets, user_addr, 32, 8),
	FIELD(io_uring_buf, addr, 0, 8),
	FIELD(io_uring_buf, len, 8, 4),
	FIELD(io_uring_buf, bid, 12, 2),
	FIELD(io_uring_buf, resv, 14, 2),
	FIELD(io_uring_buf_ring, tail, 14, 2),
	FIELD(io_uring_buf_reg, ring_addr, 0, 8),
	FIELD(io_uring_buf_reg, ring_entries, 8, 4),
	FIELD(io_uring_buf_reg, bgid, 12, 2),
	FIELD(io_uring_buf_reg, flags, 14, 2),
	FIELD(io_uring_buf_reg, min_left, 16, 4),
	FIELD(io_uring_reg_wait, ts, 0, 16),
	FIELD(io_uring_reg_wait, min_wait_usec, 16, 4),
	FIELD(io_uring_reg_wait, flags, 20, 4),
	FIELD(io_uring_reg_wait, sigmask, 24, 8),
	FIELD(io_uring_reg_wait, sigmask_sz, 32, 4),
	FIELD(io_uring_getevents_arg, sigmask, 0, 8),
	FIELD(io_uring_getevents_arg, sigmask_sz, 8, 4),
	FIELD(io_uring_getevents_arg, min_wait_usec, 12, 4),
	FIELD(io_uring_getevents_arg, ts, 16, 8),
	FIELD(io_uring_sync_cancel_reg, addr, 0, 8),
	FIELD(io_uring_sync_cancel_reg, fd, 8, 4),
	FIELD(io_uring_sync_cancel_reg, flags, 12, 4),
	FIELD(io_uring_sync_cancel_reg, timeout, 16, 16),
	FIELD(io_uring_sync_cancel_reg, opcode, 32, 1),
	{"io_uring_sqe.cmd", offsetof(struct io_uring_sqe, cmd), 48, 0, 0},
};
#undef FIELD

static const char *const operations[] = {
	"NOP", "READV", "WRITEV", "FSYNC",
	"READ_FIXED", "WRITE_FIXED", "POLL_ADD", "POLL_REMOVE",
	"SYNC_FILE_RANGE", "SENDMSG", "RECVMSG", "TIMEOUT",
	"TIMEOUT_REMOVE", "ACCEPT", "ASYNC_CANCEL", "LINK_TIMEOUT",
	"CONNECT", "FALLOCATE", "OPENAT", "CLOSE",
	"FILES_UPDATE", "STATX", "READ", "WRITE",
	"FADVISE", "MADVISE", "SEND", "RECV",
	"OPENAT2", "EPOLL_CTL", "SPLICE", "PROVIDE_BUFFERS",
	"REMOVE_BUFFERS", "TEE", "SHUTDOWN", "RENAMEAT",
	"UNLINKAT", "MKDIRAT", "SYMLINKAT", "LINKAT",
	"MSG_RING", "FSETXATTR", "SETXATTR", "FGETXATTR",
	"GETXATTR", "SOCKET", "URING_CMD", "SEND_ZC",
	"SENDMSG_ZC", "READ_MULTISHOT", "WAITID", "FUTEX_WAIT",
	"FUTEX_WAKE", "FUTEX_WAITV", "FIXED_FD_INSTALL", "FTRUNCATE",
	"BIND", "LISTEN", "RECV_ZC", "EPOLL_WAIT",
	"READV_FIXED", "WRITEV_FIXED", "PIPE", "NOP128",
	"URING_CMD128",
};
/* clang-format on */

START_TEST(every_constant_has_the_kernels_value)
{
	for (size_t i = 0; i < array_size(constants); i++)
		ck_assert_msg(constants[i].ours == constants[i].kernels, "%s: %#llx, not %#llx",
			      constants[i].name, (unsigned long long)constants[i].ours,
			      (unsigned long long)constants[i].kernels);
}
END_TEST

START_TEST(every_structure_has_the_kernels_layout)
{
	for (size_t i = 0; i < array_size(sizes); i++)
		ck_assert_msg(sizes[i].ours == sizes[i].kernels, "%s: %zu bytes", sizes[i].name,
			      sizes[i].ours);
	for (size_t i = 0; i < array_size(fields); i++)
		ck_assert_msg(fields[i].our_offset == fields[i].offset &&
				      fields[i].our_size == fields[i].size,
			      "%s: %zu bytes at %zu", fields[i].name, fields[i].our_size,
			      fields[i].our_offset);
}
END_TEST

START_TEST(operations_have_the_kernels_numbers_and_names_both_ways)
{
	ck_assert_uint_eq(array_size(operations), IORING_OP_LAST);
	for (unsigned i = 0; i < array_size(operations); i++) {
		ck_assert_str_eq(ring_op_name(i), operations[i]);
		ck_assert_int_eq(ring_op_from_name(operations[i]), (int)i);
	}
	ck_assert_str_eq(ring_op_name(IORING_OP_LAST), "INVALID");
	ck_assert_int_eq(ring_op_from_name("IORING_OP_NOP"), -ENOENT);
	/* where a list without numbers goes wrong */
	ck_assert_uint_eq(IORING_OP_READ_MULTISHOT, 49);
	ck_assert_uint_eq(IORING_OP_BIND, 56);
	ck_assert_uint_eq(IORING_OP_LISTEN, 57);
}
END_TEST

START_TEST(features_have_names_both_ways_and_no_two_the_same)
{
	for (unsigned i = 0; i < RING_FEATURE_COUNT; i++) {
		const char *name = ring_feature_name((enum ring_feature)i);
		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(ring_feature_from_name(name), (int)i);
	}
	ck_assert_str_eq(ring_feature_name(RING_RECV_BUDGET), "recv-budget");
	ck_assert_str_eq(ring_feature_name(RING_FEATURE_COUNT), "invalid");
	ck_assert_int_eq(ring_feature_from_name("no-such-thing"), -ENOENT);
}
END_TEST

START_TEST(the_running_kernels_query_is_what_we_know)
{
	struct io_uring_query_opcode answer = {0};
	struct io_uring_query_hdr question = {
		.query_data = (uint64_t)(uintptr_t)&answer,
		.query_op = IO_URING_QUERY_OPCODES,
		.size = sizeof(answer),
	};
	struct ring_capabilities capabilities;

	if (ring_kernel.enlist(NULL, -1, IORING_REGISTER_QUERY, &question, 0) < 0)
		skip("query");
	ck_assert_int_eq(question.result, 0);
	ck_assert_int_eq(ring_probe(&capabilities, NULL), 0);
	ck_assert_uint_eq(capabilities.operation_count, answer.nr_request_opcodes);
	ck_assert_uint_eq(capabilities.register_count, answer.nr_register_opcodes);
	ck_assert_uint_eq(capabilities.features, answer.feature_flags);
	ck_assert_uint_eq(capabilities.setup_flags, answer.ring_setup_flags);
	ck_assert_uint_eq(capabilities.enter_flags, answer.enter_flags);

	if (answer.nr_request_opcodes != 63)
		skip("the rest is about 6.18");
	ck_assert_uint_eq(answer.nr_register_opcodes, IORING_REGISTER_QUERY + 1);
	ck_assert_uint_eq(answer.ring_setup_flags, 2 * IORING_SETUP_CQE_MIXED - 1);
	ck_assert_uint_eq(answer.enter_flags, 2 * IORING_ENTER_NO_IOWAIT - 1);
	ck_assert_uint_eq(answer.feature_flags, 2 * IORING_FEAT_NO_IOWAIT - 1);
	ck_assert_uint_eq(answer.sqe_flags, 2 * IOSQE_CQE_SKIP_SUCCESS - 1);
}
END_TEST

START_TEST(what_came_after_6_18_is_known_by_name_and_refused_by_it)
{
	struct ring_error error;
	struct ring ring;

	open_ring(&ring, 4, 0);
	if (ring.capabilities.operation_count > 63) {
		ring_close(&ring);
		skip("a kernel after 6.18");
	}
	ck_assert(!ring_supports(&ring.capabilities, IORING_OP_NOP128));
	ck_assert(!ring_supports(&ring.capabilities, IORING_OP_URING_CMD128));
	ring_prep_nop128(entry(&ring));
	ck_assert_int_eq(result(&ring), -EINVAL);
	ring_prep_cmd128(entry(&ring), 0, -1);
	ck_assert_int_eq(result(&ring), -EINVAL);
	ring_close(&ring);

	ck_assert_int_eq(
		ring_open(&ring,
			  &(struct ring_options){.entries = 4, .required = IORING_SETUP_SQ_REWIND},
			  &error),
		-EINVAL);
	ck_assert_str_eq(error.text,
			 "the ring module does not know the set-up flag SQ_REWIND (bit 20)");
	ck_assert_int_eq(
		ring_open(&ring,
			  &(struct ring_options){.entries = 4, .wanted = IORING_SETUP_SQE_MIXED},
			  &error),
		0);
	ck_assert_uint_eq(ring.dropped, IORING_SETUP_SQE_MIXED);
	ring_close(&ring);
}
END_TEST

START_TEST(the_probe_agrees_with_what_the_kernel_does_with_each_operation)
{
	struct ring ring;

	open_ring(&ring, 4, 0);
	/* An operation it does not know is refused whatever its fields; NOP is known to all. */
	ck_assert(ring_supports(&ring.capabilities, IORING_OP_NOP));
	ck_assert(!ring_supports(&ring.capabilities, 255));
	ck_assert(!ring_supports(&ring.capabilities, 256));
	for (unsigned op = ring.capabilities.operation_count; op < 256; op++) {
		struct io_uring_sqe *sqe = entry(&ring);
		ring_prep_nop(sqe);
		sqe->opcode = (uint8_t)op;
		ck_assert_int_eq(result(&ring), -EINVAL);
	}
	ring_close(&ring);
}
END_TEST

SUITE("ring uapi", every_constant_has_the_kernels_value, every_structure_has_the_kernels_layout,
      operations_have_the_kernels_numbers_and_names_both_ways,
      features_have_names_both_ways_and_no_two_the_same, the_running_kernels_query_is_what_we_know,
      what_came_after_6_18_is_known_by_name_and_refused_by_it,
      the_probe_agrees_with_what_the_kernel_does_with_each_operation)
