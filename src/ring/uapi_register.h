/*
 * The kernel's io_uring interface, second part: io_uring_register(2) and what it
 * takes.  See uapi.h.
 */
#ifndef RING_UAPI_REGISTER_H
#define RING_UAPI_REGISTER_H

#include "ring/uapi.h"

/* clang-format off */
enum io_uring_register_op {
	IORING_REGISTER_BUFFERS          = 0,
	IORING_UNREGISTER_BUFFERS        = 1,
	IORING_REGISTER_FILES            = 2,
	IORING_UNREGISTER_FILES          = 3,
	IORING_REGISTER_EVENTFD          = 4,
	IORING_UNREGISTER_EVENTFD        = 5,
	IORING_REGISTER_FILES_UPDATE     = 6,
	IORING_REGISTER_EVENTFD_ASYNC    = 7,
	IORING_REGISTER_PROBE            = 8,
	IORING_REGISTER_PERSONALITY      = 9,
	IORING_UNREGISTER_PERSONALITY    = 10,
	IORING_REGISTER_RESTRICTIONS     = 11,
	IORING_REGISTER_ENABLE_RINGS     = 12,
	IORING_REGISTER_FILES2           = 13,
	IORING_REGISTER_FILES_UPDATE2    = 14,
	IORING_REGISTER_BUFFERS2         = 15,
	IORING_REGISTER_BUFFERS_UPDATE   = 16,
	IORING_REGISTER_IOWQ_AFF         = 17,
	IORING_UNREGISTER_IOWQ_AFF       = 18,
	IORING_REGISTER_IOWQ_MAX_WORKERS = 19,
	IORING_REGISTER_RING_FDS         = 20,
	IORING_UNREGISTER_RING_FDS       = 21,
	IORING_REGISTER_PBUF_RING        = 22,
	IORING_UNREGISTER_PBUF_RING      = 23,
	IORING_REGISTER_SYNC_CANCEL      = 24,
	IORING_REGISTER_FILE_ALLOC_RANGE = 25,
	IORING_REGISTER_PBUF_STATUS      = 26,
	IORING_REGISTER_NAPI             = 27,
	IORING_UNREGISTER_NAPI           = 28,
	IORING_REGISTER_CLOCK            = 29,
	IORING_REGISTER_CLONE_BUFFERS    = 30,
	IORING_REGISTER_SEND_MSG_RING    = 31,
	IORING_REGISTER_ZCRX_IFQ         = 32,
	IORING_REGISTER_RESIZE_RINGS     = 33,
	IORING_REGISTER_MEM_REGION       = 34,
	IORING_REGISTER_QUERY            = 35, /* the last of 6.18 */
	IORING_REGISTER_ZCRX_CTRL        = 36, /* 6.19 */
	IORING_REGISTER_BPF_FILTER       = 37, /* 7.0 */
	IORING_REGISTER_LAST             = 38,
};

/* or-ed into the operation: the descriptor is an index of REGISTER_RING_FDS (6.3) */
#define IORING_REGISTER_USE_REGISTERED_RING (1U << 31)

#define IORING_RSRC_REGISTER_SPARSE (1U << 0)      /* 5.19 */
#define IORING_REGISTER_FILES_SKIP  (-2)
#define IO_URING_OP_SUPPORTED       (1U << 0)

enum { IO_WQ_BOUND = 0, IO_WQ_UNBOUND = 1 };

enum {
	IOU_PBUF_RING_MMAP = 1, /* 6.4: the kernel's memory */
	IOU_PBUF_RING_INC  = 2, /* 6.12: consumed bit by bit */
};

enum {
	IORING_RESTRICTION_REGISTER_OP        = 0,
	IORING_RESTRICTION_SQE_OP             = 1,
	IORING_RESTRICTION_SQE_FLAGS_ALLOWED  = 2,
	IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3,
	IORING_RESTRICTION_LAST               = 4,
};

enum { IORING_REGISTER_SRC_REGISTERED = 1, IORING_REGISTER_DST_REPLACE = 2 };
enum { IORING_MEM_REGION_TYPE_USER = 1 };
enum { IORING_MEM_REGION_REG_WAIT_ARG = 1 };
enum { IORING_REG_WAIT_TS = 1 };

enum {
	IO_URING_NAPI_REGISTER_OP   = 0, /* 6.9 */
	IO_URING_NAPI_STATIC_ADD_ID = 1, /* 6.13 */
	IO_URING_NAPI_STATIC_DEL_ID = 2, /* 6.13 */
};
enum {
	IO_URING_NAPI_TRACKING_DYNAMIC  = 0,
	IO_URING_NAPI_TRACKING_STATIC   = 1,   /* 6.13 */
	IO_URING_NAPI_TRACKING_INACTIVE = 255, /* 6.13 */
};

enum {
	IO_URING_QUERY_OPCODES = 0,
	IO_URING_QUERY_ZCRX    = 1, /* 6.19 */
	IO_URING_QUERY_SCQ     = 2, /* 6.19 */
};

enum { IORING_ZCRX_AREA_DMABUF = 1 };
enum { ZCRX_REG_IMPORT = 1, ZCRX_REG_NODEV = 2 };
enum { ZCRX_FEATURE_RX_PAGE_SIZE = 1 };
enum { ZCRX_CTRL_FLUSH_RQ = 0, ZCRX_CTRL_EXPORT = 1 };
#define IORING_ZCRX_AREA_SHIFT 48

enum { IO_URING_BPF_CMD_FILTER = 1 }; /* 7.0 */
enum { IO_URING_BPF_FILTER_DENY_REST = 1, IO_URING_BPF_FILTER_SZ_STRICT = 2 };
/* clang-format on */

struct io_uring_files_update { /* superseded by io_uring_rsrc_update */
	uint32_t offset;
	uint32_t resv;
	uint64_t fds;
};

struct io_uring_rsrc_register {
	uint32_t nr;
	uint32_t flags; /* IORING_RSRC_REGISTER_* */
	uint64_t resv2;
	uint64_t data;
	uint64_t tags;
};

struct io_uring_rsrc_update {
	uint32_t offset;
	uint32_t resv;
	uint64_t data;
};

struct io_uring_rsrc_update2 {
	uint32_t offset;
	uint32_t resv;
	uint64_t data;
	uint64_t tags;
	uint32_t nr;
	uint32_t resv2;
};

struct io_uring_probe_op {
	uint8_t op;
	uint8_t resv;
	uint16_t flags; /* IO_URING_OP_SUPPORTED */
	uint32_t resv2;
};

struct io_uring_probe {
	uint8_t last_op;
	uint8_t ops_len;
	uint16_t resv;
	uint32_t resv2[3];
	struct io_uring_probe_op ops[];
};

struct io_uring_restriction {
	uint16_t opcode; /* IORING_RESTRICTION_* */
	union {
		uint8_t register_op;
		uint8_t sqe_op;
		uint8_t sqe_flags;
	};
	uint8_t resv;
	uint32_t resv2[3];
};

struct io_uring_task_restriction { /* 7.0 */
	uint16_t flags;
	uint16_t nr_res;
	uint32_t resv[3];
	struct io_uring_restriction restrictions[];
};

struct io_uring_clock_register {
	uint32_t clockid;
	uint32_t __resv[3];
};

struct io_uring_clone_buffers {
	uint32_t src_fd;
	uint32_t flags; /* IORING_REGISTER_* */
	uint32_t src_off;
	uint32_t dst_off;
	uint32_t nr;
	uint32_t pad[3];
};

struct io_uring_buf {
	uint64_t addr;
	uint32_t len;
	uint16_t bid;
	uint16_t resv;
};

/* The tail lies where the first entry keeps its reserved field. */
struct io_uring_buf_ring {
	uint64_t resv1;
	uint32_t resv2;
	uint16_t resv3;
	uint16_t tail;
};

struct io_uring_buf_reg {
	uint64_t ring_addr;
	uint32_t ring_entries;
	uint16_t bgid;
	uint16_t flags;    /* IOU_PBUF_RING_* */
	uint32_t min_left; /* with INC: retire a buffer that has less room than this */
	uint32_t resv[5];
};

struct io_uring_buf_status {
	uint32_t buf_group;
	uint32_t head;
	uint32_t resv[8];
};

struct io_uring_napi { /* the layout of 6.13; 6.9 knew the first two fields */
	uint32_t busy_poll_to;
	uint8_t prefer_busy_poll;
	uint8_t opcode;
	uint8_t pad[2];
	uint32_t op_param;
	uint32_t resv;
};

struct io_uring_reg_wait {
	struct __kernel_timespec ts;
	uint32_t min_wait_usec;
	uint32_t flags; /* IORING_REG_WAIT_TS */
	uint64_t sigmask;
	uint32_t sigmask_sz;
	uint32_t pad[3];
	uint64_t pad2[2];
};

struct io_uring_region_desc {
	uint64_t user_addr;
	uint64_t size;
	uint32_t flags; /* IORING_MEM_REGION_TYPE_USER */
	uint32_t id;
	uint64_t mmap_offset;
	uint64_t __resv[4];
};

struct io_uring_mem_region_reg {
	uint64_t region_uptr; /* struct io_uring_region_desc */
	uint64_t flags;       /* IORING_MEM_REGION_REG_WAIT_ARG */
	uint64_t __resv[2];
};

struct io_uring_sync_cancel_reg {
	uint64_t addr;
	int32_t fd;
	uint32_t flags; /* IORING_ASYNC_CANCEL_* */
	struct __kernel_timespec timeout;
	uint8_t opcode; /* 6.6 */
	uint8_t pad[7];
	uint64_t pad2[3];
};

struct io_uring_file_index_range {
	uint32_t off;
	uint32_t len;
	uint64_t resv;
};

struct io_uring_query_hdr {
	uint64_t next_entry;
	uint64_t query_data;
	uint32_t query_op;
	uint32_t size;
	int32_t result;
	uint32_t __resv[3];
};

struct io_uring_query_opcode {
	uint32_t nr_request_opcodes;
	uint32_t nr_register_opcodes;
	uint64_t feature_flags;
	uint64_t ring_setup_flags;
	uint64_t enter_flags;
	uint64_t sqe_flags;
	uint32_t nr_query_opcodes;
	uint32_t __pad;
};

struct io_uring_query_zcrx { /* 6.19 */
	uint64_t register_flags;
	uint64_t area_flags;
	uint32_t nr_ctrl_opcodes;
	uint32_t features;
	uint32_t rq_hdr_size;
	uint32_t rq_hdr_alignment;
	uint64_t __resv2;
};

struct io_uring_query_scq { /* 6.19 */
	uint64_t hdr_size;
	uint64_t hdr_alignment;
};

/* Zero-copy receive (6.15), which needs a network card that can steer a queue. */
struct io_uring_zcrx_rqe {
	uint64_t off;
	uint32_t len;
	uint32_t __pad;
};

struct io_uring_zcrx_cqe {
	uint64_t off;
	uint64_t __pad;
};

struct io_uring_zcrx_offsets {
	uint32_t head;
	uint32_t tail;
	uint32_t rqes;
	uint32_t __resv2;
	uint64_t __resv[2];
};

struct io_uring_zcrx_area_reg {
	uint64_t addr;
	uint64_t len;
	uint64_t rq_area_token;
	uint32_t flags; /* IORING_ZCRX_AREA_DMABUF */
	uint32_t dmabuf_fd;
	uint64_t __resv2[2];
};

struct io_uring_zcrx_ifq_reg {
	uint32_t if_idx;
	uint32_t if_rxq;
	uint32_t rq_entries;
	uint32_t flags; /* ZCRX_REG_* */
	uint64_t area_ptr;
	uint64_t region_ptr;
	struct io_uring_zcrx_offsets offsets;
	uint32_t zcrx_id;
	uint32_t rx_buf_len;
	uint64_t __resv[3];
};

struct zcrx_ctrl_flush_rq { /* 6.19 */
	uint64_t __resv[6];
};

struct zcrx_ctrl_export { /* 6.19 */
	uint32_t zcrx_fd;
	uint32_t __resv1[11];
};

struct zcrx_ctrl { /* 6.19 */
	uint32_t zcrx_id;
	uint32_t op; /* ZCRX_CTRL_* */
	uint64_t __resv[2];
	union {
		struct zcrx_ctrl_export zc_export;
		struct zcrx_ctrl_flush_rq zc_flush;
	};
};

struct io_uring_bpf_ctx { /* what a filter sees (7.0) */
	uint64_t user_data;
	uint8_t opcode;
	uint8_t sqe_flags;
	uint8_t pdu_size;
	uint8_t pad[5];
	union {
		struct {
			uint32_t family;
			uint32_t type;
			uint32_t protocol;
		} socket;
		struct {
			uint64_t flags;
			uint64_t mode;
			uint64_t resolve;
		} open;
	};
};

struct io_uring_bpf_filter {
	uint32_t opcode;
	uint32_t flags; /* IO_URING_BPF_FILTER_* */
	uint32_t filter_len;
	uint8_t pdu_size;
	uint8_t resv[3];
	uint64_t filter_ptr;
	uint64_t resv2[5];
};

struct io_uring_bpf {
	uint16_t cmd_type; /* IO_URING_BPF_CMD_* */
	uint16_t cmd_flags;
	uint32_t resv;
	union {
		struct io_uring_bpf_filter filter;
	};
};

/* clang-format off */
#define RING_SIZE(type, size) _Static_assert(sizeof(struct type) == (size), #type)

RING_SIZE(io_uring_files_update, 16);
RING_SIZE(io_uring_rsrc_register, 32);
RING_SIZE(io_uring_rsrc_update, 16);
RING_SIZE(io_uring_rsrc_update2, 32);
RING_SIZE(io_uring_probe_op, 8);
RING_SIZE(io_uring_probe, 16);
RING_SIZE(io_uring_restriction, 16);
RING_SIZE(io_uring_task_restriction, 16);
RING_SIZE(io_uring_clock_register, 16);
RING_SIZE(io_uring_clone_buffers, 32);
RING_SIZE(io_uring_buf, 16);
RING_LAYOUT(io_uring_buf, len, 8);
RING_LAYOUT(io_uring_buf, bid, 12);
RING_LAYOUT(io_uring_buf, resv, 14);
RING_SIZE(io_uring_buf_ring, 16);
RING_LAYOUT(io_uring_buf_ring, tail, 14);
RING_SIZE(io_uring_buf_reg, 40);
RING_LAYOUT(io_uring_buf_reg, ring_entries, 8);
RING_LAYOUT(io_uring_buf_reg, bgid, 12);
RING_LAYOUT(io_uring_buf_reg, flags, 14);
RING_LAYOUT(io_uring_buf_reg, min_left, 16);
RING_SIZE(io_uring_buf_status, 40);
RING_SIZE(io_uring_napi, 16);
RING_SIZE(io_uring_reg_wait, 64);
RING_LAYOUT(io_uring_reg_wait, min_wait_usec, 16);
RING_LAYOUT(io_uring_reg_wait, flags, 20);
RING_LAYOUT(io_uring_reg_wait, sigmask, 24);
RING_LAYOUT(io_uring_reg_wait, sigmask_sz, 32);
RING_SIZE(io_uring_region_desc, 64);
RING_SIZE(io_uring_mem_region_reg, 32);
RING_SIZE(io_uring_sync_cancel_reg, 64);
RING_LAYOUT(io_uring_sync_cancel_reg, fd, 8);
RING_LAYOUT(io_uring_sync_cancel_reg, flags, 12);
RING_LAYOUT(io_uring_sync_cancel_reg, timeout, 16);
RING_LAYOUT(io_uring_sync_cancel_reg, opcode, 32);
RING_SIZE(io_uring_file_index_range, 16);
RING_SIZE(io_uring_query_hdr, 40);
RING_SIZE(io_uring_query_opcode, 48);
RING_SIZE(io_uring_query_zcrx, 40);
RING_SIZE(io_uring_query_scq, 16);
RING_SIZE(io_uring_zcrx_rqe, 16);
RING_SIZE(io_uring_zcrx_cqe, 16);
RING_SIZE(io_uring_zcrx_offsets, 32);
RING_SIZE(io_uring_zcrx_area_reg, 48);
RING_SIZE(io_uring_zcrx_ifq_reg, 96);
RING_SIZE(zcrx_ctrl_flush_rq, 48);
RING_SIZE(zcrx_ctrl_export, 48);
RING_SIZE(zcrx_ctrl, 72);
RING_SIZE(io_uring_bpf_ctx, 40);
RING_SIZE(io_uring_bpf_filter, 64);
RING_SIZE(io_uring_bpf, 72);
/* clang-format on */

#endif
