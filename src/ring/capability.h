/*
 * What this kernel offers, asked once, then known by name.
 *
 * Nothing here looks at a version number.  Flags and operations are asked for
 * where the kernel can be asked (IORING_REGISTER_QUERY, IORING_REGISTER_PROBE);
 * for the rest a tiny throw-away ring is sent requests that can only fail, and
 * the error tells: a kernel that does not know a flag says EINVAL before it looks
 * at the descriptor, one that does says EBADF.
 */
#ifndef RING_CAPABILITY_H
#define RING_CAPABILITY_H

#include "base/compiler.h"
#include "ring/system.h"

/* clang-format off */
enum ring_feature {
	/* the kernel's feature bits, in its order */
	RING_SINGLE_MMAP,
	RING_NODROP,              /* completions that do not fit wait in the kernel */
	RING_SUBMIT_STABLE,       /* what an entry points at is read before submit returns */
	RING_RW_CUR_POS,
	RING_CUR_PERSONALITY,
	RING_FAST_POLL,
	RING_POLL_32BITS,
	RING_SQPOLL_NONFIXED,
	RING_EXT_ARG,             /* waiting with a time limit and a signal mask */
	RING_NATIVE_WORKERS,
	RING_RSRC_TAGS,
	RING_CQE_SKIP,            /* IOSQE_CQE_SKIP_SUCCESS */
	RING_LINKED_FILE,
	RING_REG_REG_RING,        /* register through a registered ring descriptor */
	RING_RECV_BUNDLE,         /* one completion covers several provided buffers */
	RING_MIN_WAIT,            /* waiting at least so long for more than one */
	RING_RW_ATTR,
	RING_NO_IOWAIT,
	/* set-up flags */
	RING_SQPOLL,
	RING_SUBMIT_ALL,
	RING_COOP_TASKRUN,
	RING_TASKRUN_FLAG,
	RING_SINGLE_ISSUER,
	RING_DEFER_TASKRUN,
	RING_NO_MMAP,
	RING_REGISTERED_FD_ONLY,
	RING_NO_SQARRAY,
	RING_HYBRID_IOPOLL,
	RING_CQE_MIXED,
	/* what an operation can do */
	RING_ACCEPT_MULTISHOT,
	RING_POLL_MULTISHOT,
	RING_RECV_MULTISHOT,
	RING_RECV_BUDGET,         /* a multishot receive that ends after so many bytes */
	RING_SEND_VECTORIZED,     /* SEND takes an iovec */
	RING_SEND_ZC,
	RING_SENDMSG_ZC,
	RING_SEND_ZC_REPORT,      /* the notification tells whether bytes were copied */
	RING_CANCEL_FD,
	RING_CANCEL_OP,
	RING_TIMEOUT_MULTISHOT,
	RING_MSG_RING,
	RING_MSG_RING_FD,
	RING_NOP_RESULT,          /* a NOP completes with a result of our choice */
	RING_SOCKET_COMMANDS,     /* SIOCINQ, SIOCOUTQ, getsockopt, setsockopt */
	RING_SPLICE,
	RING_BIND_LISTEN,
	RING_PIPE,
	/* waiting */
	RING_ABS_TIMER,           /* absolute deadlines */
	RING_REGISTERED_WAIT,     /* wait arguments in a registered region */
	/* registration */
	RING_REGISTERED_RING,     /* a ring descriptor known by index */
	RING_FILES_SPARSE,
	RING_FILE_ALLOC_RANGE,
	RING_BUFFER_RING,
	RING_BUFFER_RING_MMAP,
	RING_BUFFER_RING_INC,
	RING_BUFFER_RING_STATUS,
	RING_SYNC_CANCEL,
	RING_NAPI,
	RING_NAPI_STATIC,
	RING_CLOCK,
	RING_CLONE_BUFFERS,
	RING_SEND_MSG_RING,       /* message a ring without a ring of one's own */
	RING_MEM_REGION,
	RING_RESIZE,
	RING_QUERY,
	RING_FEATURE_COUNT,
};
/* clang-format on */

struct ring_capabilities {
	uint64_t have[(RING_FEATURE_COUNT + 63) / 64];
	uint64_t operations[4]; /* a bit for each of 256 */
	uint32_t features;      /* IORING_FEAT_* */
	uint32_t setup_flags;   /* IORING_SETUP_* that may be asked for */
	uint32_t enter_flags;   /* IORING_ENTER_* */
	uint32_t operation_count;
	uint32_t register_count; /* 0: a kernel that cannot be asked, before 6.18 */
};

/*
 * Ask the kernel.  Takes about a millisecond and a few descriptors for a moment.
 * 0, or the negative errno of a kernel that refuses io_uring altogether (see
 * ring_explain()).  system is NULL for the kernel.
 */
int ring_probe(struct ring_capabilities *ret_capabilities,
	       const struct ring_system *system) must_check;

/* Is a feature there, and not switched off? */
bool ring_capable(const struct ring_capabilities *capabilities, enum ring_feature feature);

/* Is an operation (IORING_OP_*) supported? */
bool ring_supports(const struct ring_capabilities *capabilities, unsigned operation);

/*
 * Do as if the kernel lacked one feature, by name ("recv-budget"), with the set-up
 * flag or operation behind it.  0, or -ENOENT: no such name.
 */
int ring_capabilities_without(struct ring_capabilities *capabilities, const char *name) must_check;

/* "recv-budget"; a value that is none: "invalid". */
const char *ring_feature_name(enum ring_feature feature);
/* The feature, or -ENOENT. */
int ring_feature_from_name(const char *name) must_check;

/* The kernel's spelling without IORING_OP_: "SEND_ZC"; unknown: "INVALID". */
const char *ring_op_name(unsigned operation);
/* The operation, or -ENOENT. */
int ring_op_from_name(const char *name) must_check;

#endif
