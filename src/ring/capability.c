/*
 * Asking the kernel what it can do.
 *
 * Most questions are requests that must fail: EINVAL says "I do not know that
 * flag", because flags are judged before descriptors; EBADF, EFAULT or ENOENT say
 * that only the rest was wrong.
 */
#include "ring/internal.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static void have(struct ring_capabilities *capabilities, enum ring_feature feature, bool has)
{
	if (has)
		capabilities->have[feature / 64] |= 1ULL << (feature % 64);
}

/* ---- set-up flags --------------------------------------------------------- */

static bool ask_query(struct ring_capabilities *ret, const struct ring_system *system)
{
	struct io_uring_query_opcode answer = {0};
	struct io_uring_query_hdr question = {
		.query_data = ring_address(&answer),
		.query_op = IO_URING_QUERY_OPCODES,
		.size = sizeof(answer),
	};

	if (system->enlist(system->context, -1, IORING_REGISTER_QUERY, &question, 0) < 0 ||
	    question.result < 0)
		return false;
	ret->setup_flags = (uint32_t)answer.ring_setup_flags;
	ret->enter_flags = (uint32_t)answer.enter_flags;
	ret->register_count = answer.nr_register_opcodes;
	return true;
}

static bool ask_setup(const struct ring_system *system, uint32_t flags)
{
	struct io_uring_params params = {.flags = flags};
	int r = system->setup(system->context, 1, &params);

	if (r >= 0)
		system->close(system->context, r);
	return r != -EINVAL;
}

/* Each flag with those it cannot do without; NO_MMAP without memory is EFAULT at best. */
static void try_setup_flags(struct ring_capabilities *ret, const struct ring_system *system)
{
	static const uint32_t with[32] = {
		[9] = IORING_SETUP_COOP_TASKRUN,
		[13] = IORING_SETUP_SINGLE_ISSUER,
		[15] = IORING_SETUP_NO_MMAP,
		[17] = IORING_SETUP_IOPOLL,
	};

	/* 5.10 and before: older than anything this module runs on */
	ret->setup_flags = IORING_SETUP_SUBMIT_ALL - 1;
	for (unsigned bit = 7; bit <= 18; bit++)
		if (ask_setup(system, 1U << bit | with[bit]))
			ret->setup_flags |= 1U << bit;
}

/* ---- operations ----------------------------------------------------------- */

/* A negative errno where a filter keeps us from registering anything. */
static int ask_operations(struct ring_capabilities *ret, struct ring *ring)
{
	union {
		struct io_uring_probe probe;
		unsigned char room[sizeof(struct io_uring_probe) +
				   256 * sizeof(struct io_uring_probe_op)];
	} u;
	const struct io_uring_probe_op *ops = u.probe.ops;
	int r;

	memset(&u, 0, sizeof(u));
	r = ring_enlist(ring, IORING_REGISTER_PROBE, &u, 256);
	if (r < 0)
		return r == -EPERM || r == -EACCES || r == -ENOSYS ? r : 0;
	for (unsigned i = 0; i < u.probe.ops_len; i++) {
		if (!(ops[i].flags & IO_URING_OP_SUPPORTED))
			continue;
		ret->operations[i / 64] |= 1ULL << (i % 64);
		ret->operation_count++;
	}
	return 0;
}

/* Anything but -EINVAL means yes. */
struct question {
	enum ring_feature feature;
	struct io_uring_sqe sqe;
};

static const char one_byte;
static const struct iovec one_vector = {.iov_base = (void *)&one_byte, .iov_len = 1};

/* clang-format off */
#define ASK(feature, op, ...) {feature, {.opcode = (op), .fd = -1, __VA_ARGS__}}
static const struct question questions[] = {
	ASK(RING_ACCEPT_MULTISHOT,  IORING_OP_ACCEPT, .ioprio = IORING_ACCEPT_MULTISHOT),
	ASK(RING_POLL_MULTISHOT,    IORING_OP_POLL_ADD, .len = IORING_POLL_ADD_MULTI,
	    .poll32_events = POLLIN),
	ASK(RING_RECV_MULTISHOT,    IORING_OP_RECV, .flags = IOSQE_BUFFER_SELECT,
	    .ioprio = IORING_RECV_MULTISHOT),
	ASK(RING_RECV_BUDGET,       IORING_OP_RECV, .flags = IOSQE_BUFFER_SELECT,
	    .ioprio = IORING_RECV_MULTISHOT, .optlen = 1),
	ASK(RING_SEND_ZC_REPORT,    IORING_OP_SEND_ZC, .ioprio = IORING_SEND_ZC_REPORT_USAGE),
	ASK(RING_CANCEL_FD,         IORING_OP_ASYNC_CANCEL, .cancel_flags = IORING_ASYNC_CANCEL_FD),
	ASK(RING_TIMEOUT_MULTISHOT, IORING_OP_TIMEOUT, .len = 1,
	    .timeout_flags = IORING_TIMEOUT_MULTISHOT), /* EFAULT: no time given */
	ASK(RING_MSG_RING_FD,       IORING_OP_MSG_RING,
	    .msg_ring_flags = IORING_MSG_RING_CQE_SKIP), /* came with it */
};
#undef ASK
/* clang-format on */

/*
 * The result of one request; the kernel's refusal to take it counts as its result.
 * A zero-copy send that fails may still announce, now or later, that it let go of
 * the buffer: each question has its own tag, and what carries another is passed over.
 */
static int ask(struct ring *ring, const struct io_uring_sqe *question)
{
	struct io_uring_sqe *sqe = ring_sqe(ring);
	struct io_uring_cqe cqe = {0};
	struct ring_wait wait;
	uint64_t tag = ring->sq_tail;

	if (!sqe)
		return -EINVAL;
	*sqe = *question;
	sqe->user_data = tag;
	do {
		wait = ring_submit_wait(ring, 1, RING_NEVER, 0);
		if (wait.error < 0 && wait.error != -EINTR)
			return -EINVAL;
	} while (ring_reap(ring, &cqe, 1) != 1 || cqe.user_data != tag ||
		 cqe.flags & IORING_CQE_F_NOTIF);
	return cqe.res;
}

static void ask_sockets(struct ring_capabilities *ret, struct ring *ring)
{
	int type = 0, fd;

	fd = ask(ring, &(struct io_uring_sqe){
			       .opcode = IORING_OP_SOCKET, .fd = AF_UNIX, .off = SOCK_STREAM});
	if (fd < 0)
		return;
	have(ret, RING_SOCKET_COMMANDS,
	     ask(ring, &(struct io_uring_sqe){
			       .opcode = IORING_OP_URING_CMD,
			       .fd = fd,
			       .cmd_op = SOCKET_URING_OP_GETSOCKOPT,
			       .level = SOL_SOCKET,
			       .optname = SO_TYPE,
			       .optlen = sizeof(type),
			       .optval = ring_address(&type),
		       }) == sizeof(type));
	ask(ring, &(struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = fd});
}

/*
 * Some kernels take flags of cancelling that they do not know, and look for a
 * request by its tag: so there is one, with another tag, to be found by operation.
 */
static bool ask_cancel_op(struct ring *ring)
{
	struct __kernel_timespec long_time = {.tv_sec = 3600};
	const struct io_uring_sqe cancel = {
		.opcode = IORING_OP_ASYNC_CANCEL,
		.fd = -1,
		.len = IORING_OP_TIMEOUT,
		.cancel_flags = IORING_ASYNC_CANCEL_OP,
	};
	struct io_uring_sqe *sqe = ring_sqe(ring);

	if (!sqe)
		return false;
	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_TIMEOUT,
		.fd = -1,
		.addr = ring_address(&long_time),
		.len = 1,
		.user_data = UINT64_MAX,
	};
	return ring_submit(ring) == 1 && ask(ring, &cancel) == 0;
}

static void ask_requests(struct ring_capabilities *ret, struct ring *ring)
{
	/* not constant: an address in a 64-bit integer */
	const struct io_uring_sqe vector = {
		.opcode = IORING_OP_SEND,
		.fd = -1,
		.ioprio = IORING_SEND_VECTORIZED,
		.addr = ring_address(&one_vector),
		.len = 1,
	};

	const struct io_uring_sqe nop = {
		.opcode = IORING_OP_NOP,
		.fd = -1,
		.len = 1,
		.nop_flags = IORING_NOP_INJECT_RESULT,
	};

	for (unsigned i = 0; i < array_size(questions); i++)
		have(ret, questions[i].feature, ask(ring, &questions[i].sqe) != -EINVAL);
	have(ret, RING_NOP_RESULT, ask(ring, &nop) == 1);
	have(ret, RING_CANCEL_OP, ask_cancel_op(ring));
	have(ret, RING_SEND_VECTORIZED, ask(ring, &vector) != -EINVAL);
	ask_sockets(ret, ring);
}

/* ---- registrations -------------------------------------------------------- */

static int ask_buffer_ring(struct ring *ring, void *memory, uint16_t group, uint16_t flags)
{
	struct io_uring_buf_reg buffers = {
		.ring_addr = flags & IOU_PBUF_RING_MMAP ? 0 : ring_address(memory),
		.ring_entries = 1,
		.bgid = group,
		.flags = flags,
	};

	return ring_enlist(ring, IORING_REGISTER_PBUF_RING, &buffers, 1);
}

static void ask_buffer_rings(struct ring_capabilities *ret, struct ring *ring)
{
	const struct ring_system *system = ring->system;
	struct io_uring_buf_status status = {.buf_group = 0};
	struct io_uring_buf_reg buffers = {.bgid = 0};
	void *page;

	if (system->map(system->context, &page, NULL, ring_page(), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) < 0)
		return;
	have(ret, RING_BUFFER_RING, ask_buffer_ring(ring, page, 0, 0) == 0);
	have(ret, RING_BUFFER_RING_STATUS,
	     ring_enlist(ring, IORING_REGISTER_PBUF_STATUS, &status, 1) == 0);
	have(ret, RING_BUFFER_RING_MMAP, ask_buffer_ring(ring, page, 1, IOU_PBUF_RING_MMAP) == 0);
	have(ret, RING_BUFFER_RING_INC, ask_buffer_ring(ring, page, 2, IOU_PBUF_RING_INC) == 0);
	for (; buffers.bgid < 3; buffers.bgid++)
		ring_enlist(ring, IORING_UNREGISTER_PBUF_RING, &buffers, 1);
	system->unmap(system->context, page, ring_page());
}

static void ask_files(struct ring_capabilities *ret, struct ring *ring)
{
	struct io_uring_rsrc_register table = {.nr = 1, .flags = IORING_RSRC_REGISTER_SPARSE};
	struct io_uring_file_index_range range = {.len = 1};
	struct io_uring_rsrc_update self = {.offset = ~0U, .data = (uint64_t)ring->fd};
	int r;

	have(ret, RING_FILES_SPARSE,
	     ring_enlist(ring, IORING_REGISTER_FILES2, &table, sizeof(table)) == 0);
	have(ret, RING_FILE_ALLOC_RANGE,
	     ring_enlist(ring, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0) == 0);
	r = ring_enlist(ring, IORING_REGISTER_RING_FDS, &self, 1);
	have(ret, RING_REGISTERED_RING, r == 1 || r == -EBUSY); /* busy: all 16 are taken */
	if (r == 1) {
		self.data = 0;
		ring_enlist(ring, IORING_UNREGISTER_RING_FDS, &self, 1);
	}
}

static void ask_registrations(struct ring_capabilities *ret, struct ring *ring)
{
	const struct ring_system *system = ring->system;
	struct io_uring_sync_cancel_reg cancel = {
		.fd = -1, .flags = IORING_ASYNC_CANCEL_ANY, .timeout = {-1, -1}};
	struct io_uring_napi napi = {0}, fixed = {.op_param = IO_URING_NAPI_TRACKING_STATIC};
	struct io_uring_clock_register clock = {.clockid = CLOCK_MONOTONIC};
	struct io_uring_clone_buffers clone = {.src_fd = (uint32_t)-1};
	struct io_uring_mem_region_reg region = {0};
	struct io_uring_sqe message = {.opcode = IORING_OP_MSG_RING, .fd = -1};

	ask_buffer_rings(ret, ring);
	ask_files(ret, ring);
	have(ret, RING_SYNC_CANCEL,
	     ring_enlist(ring, IORING_REGISTER_SYNC_CANCEL, &cancel, 1) != -EINVAL);
	have(ret, RING_NAPI, ring_enlist(ring, IORING_REGISTER_NAPI, &napi, 1) == 0);
	have(ret, RING_NAPI_STATIC, ring_enlist(ring, IORING_REGISTER_NAPI, &fixed, 1) == 0);
	have(ret, RING_CLOCK, ring_enlist(ring, IORING_REGISTER_CLOCK, &clock, 0) == 0);
	have(ret, RING_CLONE_BUFFERS,
	     ring_enlist(ring, IORING_REGISTER_CLONE_BUFFERS, &clone, 1) == -EBADF);
	have(ret, RING_MEM_REGION,
	     ring_enlist(ring, IORING_REGISTER_MEM_REGION, &region, 1) == -EFAULT);
	have(ret, RING_SEND_MSG_RING,
	     system->enlist(system->context, -1, IORING_REGISTER_SEND_MSG_RING, &message, 1) ==
		     -EBADF);
}

/* Resizing is for rings with deferred work only, and leaves our mapping behind. */
static void ask_resize(struct ring_capabilities *ret, const struct ring_system *system)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	struct io_uring_params larger = {.sq_entries = 2, .cq_entries = 4};
	int fd;

	if (!(ret->setup_flags & IORING_SETUP_DEFER_TASKRUN))
		return;
	larger.flags = IORING_SETUP_CQSIZE;
	fd = system->setup(system->context, 1, &params);
	if (fd < 0)
		return;
	have(ret, RING_RESIZE,
	     system->enlist(system->context, fd, IORING_REGISTER_RESIZE_RINGS, &larger, 1) == 0);
	system->close(system->context, fd);
}

static void ask_enter_flags(struct ring_capabilities *ret, struct ring *ring)
{
	/* known to all; then those that a call with nothing to do accepts or does not know */
	ret->enter_flags = IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP | IORING_ENTER_SQ_WAIT;
	if (ret->features & IORING_FEAT_EXT_ARG)
		ret->enter_flags |= IORING_ENTER_EXT_ARG;
	if (ring_capable(ret, RING_REGISTERED_RING))
		ret->enter_flags |= IORING_ENTER_REGISTERED_RING;
	for (uint32_t flag = IORING_ENTER_ABS_TIMER; flag <= IORING_ENTER_NO_IOWAIT; flag <<= 1)
		if (ring_enter(ring, 0, 0, flag, NULL, 0) == 0)
			ret->enter_flags |= flag;
}

/* ---- the ring to ask with ------------------------------------------------- */

static void close_plain(struct ring *ring)
{
	ring_unmap(ring);
	ring->system->close(ring->system->context, ring->fd);
}

/* By the raw calls, without flags: ring_open() would ask what is to be found out here. */
static int open_plain(struct ring *ring, const struct ring_system *system)
{
	struct io_uring_params params = {0};
	int fd = system->setup(system->context, 2, &params), r;

	if (fd < 0)
		return fd;
	*ring = (struct ring){
		.system = system,
		.fd = fd,
		.enter_fd = fd,
		.registered_index = -1,
		.clock = CLOCK_MONOTONIC,
	};
	r = ring_map(ring, &params);
	if (r < 0)
		close_plain(ring);
	else
		ring_locate(ring, &params);
	return r;
}

int ring_probe(struct ring_capabilities *ret_capabilities, const struct ring_system *system)
{
	struct ring_capabilities found = {0};
	struct ring ring;
	bool queried;
	int r;

	system = system ? system : &ring_kernel;
	r = open_plain(&ring, system);
	if (r < 0)
		return r;
	queried = ask_query(&found, system);
	have(&found, RING_QUERY, queried);
	if (!queried)
		try_setup_flags(&found, system);
	found.features = ring.features;
	/* The questions below take a refusal of their call for a no: so is it a ring that works? */
	r = ring_enter(&ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
	if (r >= 0)
		r = ask_operations(&found, &ring);
	if (r < 0) {
		close_plain(&ring);
		return r;
	}
	ring_capable_derive(&found);
	ask_requests(&found, &ring);
	ask_registrations(&found, &ring);
	ask_resize(&found, system);
	if (!queried)
		ask_enter_flags(&found, &ring);
	have(&found, RING_ABS_TIMER, found.enter_flags & IORING_ENTER_ABS_TIMER);
	have(&found, RING_REGISTERED_WAIT,
	     found.enter_flags & IORING_ENTER_EXT_ARG_REG && ring_capable(&found, RING_MEM_REGION));
	close_plain(&ring);
	*ret_capabilities = found;
	return 0;
}
