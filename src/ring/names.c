/* Names of operations and features, both ways. */
#include "ring/internal.h"

#include <string.h>

static const char *const op_names[] = {
#define OP(name) [IORING_OP_##name] = #name
	OP(NOP),
	OP(READV),
	OP(WRITEV),
	OP(FSYNC),
	OP(READ_FIXED),
	OP(WRITE_FIXED),
	OP(POLL_ADD),
	OP(POLL_REMOVE),
	OP(SYNC_FILE_RANGE),
	OP(SENDMSG),
	OP(RECVMSG),
	OP(TIMEOUT),
	OP(TIMEOUT_REMOVE),
	OP(ACCEPT),
	OP(ASYNC_CANCEL),
	OP(LINK_TIMEOUT),
	OP(CONNECT),
	OP(FALLOCATE),
	OP(OPENAT),
	OP(CLOSE),
	OP(FILES_UPDATE),
	OP(STATX),
	OP(READ),
	OP(WRITE),
	OP(FADVISE),
	OP(MADVISE),
	OP(SEND),
	OP(RECV),
	OP(OPENAT2),
	OP(EPOLL_CTL),
	OP(SPLICE),
	OP(PROVIDE_BUFFERS),
	OP(REMOVE_BUFFERS),
	OP(TEE),
	OP(SHUTDOWN),
	OP(RENAMEAT),
	OP(UNLINKAT),
	OP(MKDIRAT),
	OP(SYMLINKAT),
	OP(LINKAT),
	OP(MSG_RING),
	OP(FSETXATTR),
	OP(SETXATTR),
	OP(FGETXATTR),
	OP(GETXATTR),
	OP(SOCKET),
	OP(URING_CMD),
	OP(SEND_ZC),
	OP(SENDMSG_ZC),
	OP(READ_MULTISHOT),
	OP(WAITID),
	OP(FUTEX_WAIT),
	OP(FUTEX_WAKE),
	OP(FUTEX_WAITV),
	OP(FIXED_FD_INSTALL),
	OP(FTRUNCATE),
	OP(BIND),
	OP(LISTEN),
	OP(RECV_ZC),
	OP(EPOLL_WAIT),
	OP(READV_FIXED),
	OP(WRITEV_FIXED),
	OP(PIPE),
	OP(NOP128),
	OP(URING_CMD128),
#undef OP
};
_Static_assert(array_size(op_names) == IORING_OP_LAST, "every operation has a name");

const char *ring_op_name(unsigned operation)
{
	return operation < array_size(op_names) ? op_names[operation] : "INVALID";
}

int ring_op_from_name(const char *name)
{
	for (unsigned i = 0; i < array_size(op_names); i++)
		if (strcmp(op_names[i], name) == 0)
			return (int)i;
	return -ENOENT;
}

struct feature {
	const char *name;
	uint32_t setup_flag; /* what is not asked for when the feature is switched off */
	int operation;       /* or -1 */
};

/* clang-format off */
#define PLAIN(feature, text)       [feature] = {text, 0, -1}
#define FLAG(feature, text, flag)  [feature] = {text, flag, -1}
#define OPERATION(feature, text, op) [feature] = {text, 0, op}
static const struct feature features[] = {
	PLAIN(RING_SINGLE_MMAP,        "single-mmap"),
	PLAIN(RING_NODROP,             "nodrop"),
	PLAIN(RING_SUBMIT_STABLE,      "submit-stable"),
	PLAIN(RING_RW_CUR_POS,         "rw-cur-pos"),
	PLAIN(RING_CUR_PERSONALITY,    "cur-personality"),
	PLAIN(RING_FAST_POLL,          "fast-poll"),
	PLAIN(RING_POLL_32BITS,        "poll-32bits"),
	PLAIN(RING_SQPOLL_NONFIXED,    "sqpoll-nonfixed"),
	PLAIN(RING_EXT_ARG,            "ext-arg"),
	PLAIN(RING_NATIVE_WORKERS,     "native-workers"),
	PLAIN(RING_RSRC_TAGS,          "rsrc-tags"),
	PLAIN(RING_CQE_SKIP,           "cqe-skip"),
	PLAIN(RING_LINKED_FILE,        "linked-file"),
	PLAIN(RING_REG_REG_RING,       "reg-reg-ring"),
	PLAIN(RING_RECV_BUNDLE,        "recv-bundle"),
	PLAIN(RING_MIN_WAIT,           "min-wait"),
	PLAIN(RING_RW_ATTR,            "rw-attr"),
	PLAIN(RING_NO_IOWAIT,          "no-iowait"),
	FLAG(RING_SQPOLL,              "sqpoll",             IORING_SETUP_SQPOLL),
	FLAG(RING_SUBMIT_ALL,          "submit-all",         IORING_SETUP_SUBMIT_ALL),
	FLAG(RING_COOP_TASKRUN,        "coop-taskrun",       IORING_SETUP_COOP_TASKRUN),
	FLAG(RING_TASKRUN_FLAG,        "taskrun-flag",       IORING_SETUP_TASKRUN_FLAG),
	FLAG(RING_SINGLE_ISSUER,       "single-issuer",      IORING_SETUP_SINGLE_ISSUER),
	FLAG(RING_DEFER_TASKRUN,       "defer-taskrun",      IORING_SETUP_DEFER_TASKRUN),
	FLAG(RING_NO_MMAP,             "no-mmap",            IORING_SETUP_NO_MMAP),
	FLAG(RING_REGISTERED_FD_ONLY,  "registered-fd-only", IORING_SETUP_REGISTERED_FD_ONLY),
	FLAG(RING_NO_SQARRAY,          "no-sqarray",         IORING_SETUP_NO_SQARRAY),
	FLAG(RING_HYBRID_IOPOLL,       "hybrid-iopoll",      IORING_SETUP_HYBRID_IOPOLL),
	FLAG(RING_CQE_MIXED,           "cqe-mixed",          IORING_SETUP_CQE_MIXED),
	PLAIN(RING_ACCEPT_MULTISHOT,   "accept-multishot"),
	PLAIN(RING_POLL_MULTISHOT,     "poll-multishot"),
	PLAIN(RING_RECV_MULTISHOT,     "recv-multishot"),
	PLAIN(RING_RECV_BUDGET,        "recv-budget"),
	PLAIN(RING_SEND_VECTORIZED,    "send-vectorized"),
	OPERATION(RING_SEND_ZC,        "send-zc",            IORING_OP_SEND_ZC),
	OPERATION(RING_SENDMSG_ZC,     "sendmsg-zc",         IORING_OP_SENDMSG_ZC),
	PLAIN(RING_SEND_ZC_REPORT,     "send-zc-report"),
	PLAIN(RING_CANCEL_FD,          "cancel-fd"),
	PLAIN(RING_CANCEL_OP,          "cancel-op"),
	PLAIN(RING_TIMEOUT_MULTISHOT,  "timeout-multishot"),
	OPERATION(RING_MSG_RING,       "msg-ring",           IORING_OP_MSG_RING),
	PLAIN(RING_MSG_RING_FD,        "msg-ring-fd"),
	PLAIN(RING_NOP_RESULT,         "nop-result"),
	PLAIN(RING_SOCKET_COMMANDS,    "socket-commands"),
	OPERATION(RING_SPLICE,         "splice",             IORING_OP_SPLICE),
	OPERATION(RING_BIND_LISTEN,    "bind-listen",        IORING_OP_LISTEN),
	OPERATION(RING_PIPE,           "pipe",               IORING_OP_PIPE),
	PLAIN(RING_ABS_TIMER,          "abs-timer"),
	PLAIN(RING_REGISTERED_WAIT,    "registered-wait"),
	PLAIN(RING_REGISTERED_RING,    "registered-ring"),
	PLAIN(RING_FILES_SPARSE,       "files-sparse"),
	PLAIN(RING_FILE_ALLOC_RANGE,   "file-alloc-range"),
	PLAIN(RING_BUFFER_RING,        "buffer-ring"),
	PLAIN(RING_BUFFER_RING_MMAP,   "buffer-ring-mmap"),
	PLAIN(RING_BUFFER_RING_INC,    "buffer-ring-inc"),
	PLAIN(RING_BUFFER_RING_STATUS, "buffer-ring-status"),
	PLAIN(RING_SYNC_CANCEL,        "sync-cancel"),
	PLAIN(RING_NAPI,               "napi"),
	PLAIN(RING_NAPI_STATIC,        "napi-static"),
	PLAIN(RING_CLOCK,              "clock"),
	PLAIN(RING_CLONE_BUFFERS,      "clone-buffers"),
	PLAIN(RING_SEND_MSG_RING,      "send-msg-ring"),
	PLAIN(RING_MEM_REGION,         "mem-region"),
	PLAIN(RING_RESIZE,             "resize"),
	PLAIN(RING_QUERY,              "query"),
};
#undef PLAIN
#undef FLAG
#undef OPERATION
/* clang-format on */
_Static_assert(array_size(features) == RING_FEATURE_COUNT, "every feature has a name");

const char *ring_feature_name(enum ring_feature feature)
{
	return feature < RING_FEATURE_COUNT ? features[feature].name : "invalid";
}

int ring_feature_from_name(const char *name)
{
	for (unsigned i = 0; i < array_size(features); i++)
		if (strcmp(features[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

bool ring_capable(const struct ring_capabilities *capabilities, enum ring_feature feature)
{
	return capabilities->have[feature / 64] >> (feature % 64) & 1;
}

bool ring_supports(const struct ring_capabilities *capabilities, unsigned operation)
{
	return operation < 256 &&
	       (capabilities->operations[operation / 64] >> (operation % 64) & 1);
}

void ring_capable_derive(struct ring_capabilities *capabilities)
{
	for (unsigned i = 0; i < RING_FEATURE_COUNT; i++) {
		bool has = false;
		if (i < 18)
			has = capabilities->features >> i & 1;
		else if (features[i].setup_flag)
			has = capabilities->setup_flags & features[i].setup_flag;
		else if (features[i].operation >= 0)
			has = ring_supports(capabilities, (unsigned)features[i].operation);
		else
			continue;
		if (has)
			capabilities->have[i / 64] |= 1ULL << (i % 64);
	}
}
_Static_assert(1U << RING_NO_IOWAIT == IORING_FEAT_NO_IOWAIT, "feature bits come first, in order");

int ring_capabilities_without(struct ring_capabilities *capabilities, const char *name)
{
	int i = ring_feature_from_name(name);

	if (i < 0)
		return i;
	capabilities->have[i / 64] &= ~(1ULL << (i % 64));
	capabilities->setup_flags &= ~features[i].setup_flag;
	if (features[i].operation >= 0)
		capabilities->operations[features[i].operation / 64] &=
			~(1ULL << (features[i].operation % 64));
	return 0;
}
