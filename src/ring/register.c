#include "ring/register.h"

#include "ring/internal.h"

int ring_enlist(const struct ring *ring, uint32_t operation, const void *argument, uint32_t count)
{
	const struct ring_system *system = ring->system;

	if (!system)
		return RING_CLOSED;
	/* The plain descriptor works in every thread, the registered one only in its own. */
	if (ring->fd < 0)
		return system->enlist(system->context, ring->enter_fd,
				      operation | IORING_REGISTER_USE_REGISTERED_RING,
				      (void *)argument, count);
	return system->enlist(system->context, ring->fd, operation, (void *)argument, count);
}

void ring_register_self(struct ring *ring)
{
	struct io_uring_rsrc_update update = {.offset = ~0U, .data = (uint64_t)ring->fd};

	if (ring->fd < 0 || ring->registered_index >= 0 || !ring_has(ring, RING_REGISTERED_RING))
		return;
	if (ring_enlist(ring, IORING_REGISTER_RING_FDS, &update, 1) != 1)
		return;
	ring->registered_index = (int)update.offset;
	ring->registered_by = ring->system->thread(ring->system->context);
	ring->enter_fd = ring->registered_index;
	ring->enter_flags |= IORING_ENTER_REGISTERED_RING;
}

void ring_unregister_self(struct ring *ring)
{
	struct io_uring_rsrc_update update = {.offset = (uint32_t)ring->registered_index};

	if (ring->registered_index < 0)
		return;
	/* In another thread the same index may be another ring. */
	if (ring->system->thread(ring->system->context) == ring->registered_by)
		ring_enlist(ring, IORING_UNREGISTER_RING_FDS, &update, 1);
	ring->registered_index = -1;
	ring->enter_fd = ring->fd;
	ring->enter_flags &= ~IORING_ENTER_REGISTERED_RING;
}

int ring_close_descriptor(struct ring *ring)
{
	if (ring->registered_index < 0)
		return RING_CLOSED;
	if (ring->fd < 0)
		return 0;
	if (!(ring->features & IORING_FEAT_REG_REG_RING))
		return -EOPNOTSUPP;
	ring->system->close(ring->system->context, ring->fd);
	ring->fd = -1;
	return 0;
}

int ring_iowait(struct ring *ring, bool counts)
{
	if (!(ring->features & IORING_FEAT_NO_IOWAIT))
		return counts ? 0 : -EOPNOTSUPP;
	ring->enter_flags &= ~IORING_ENTER_NO_IOWAIT;
	if (!counts)
		ring->enter_flags |= IORING_ENTER_NO_IOWAIT;
	return 0;
}

/* ---- files and buffers ---------------------------------------------------- */

static int ring_resources(struct ring *ring, uint32_t operation, const void *data,
			  const uint64_t *tags, uint32_t count, uint32_t flags)
{
	struct io_uring_rsrc_register resources = {
		.nr = count,
		.flags = flags,
		.data = ring_address(data),
		.tags = ring_address(tags),
	};

	return ring_enlist(ring, operation, &resources, sizeof(resources));
}

static int ring_resources_update(struct ring *ring, uint32_t operation, uint32_t offset,
				 const void *data, const uint64_t *tags, uint32_t count)
{
	struct io_uring_rsrc_update2 update = {
		.offset = offset,
		.data = ring_address(data),
		.tags = ring_address(tags),
		.nr = count,
	};

	return ring_enlist(ring, operation, &update, sizeof(update));
}

int ring_files_register(struct ring *ring, const int *fds, const uint64_t *tags, uint32_t count)
{
	return ring_resources(ring, IORING_REGISTER_FILES2, fds, tags, count, 0);
}

int ring_files_sparse(struct ring *ring, uint32_t count)
{
	return ring_resources(ring, IORING_REGISTER_FILES2, NULL, NULL, count,
			      IORING_RSRC_REGISTER_SPARSE);
}

int ring_files_update(struct ring *ring, uint32_t offset, const int *fds, const uint64_t *tags,
		      uint32_t count)
{
	return ring_resources_update(ring, IORING_REGISTER_FILES_UPDATE2, offset, fds, tags, count);
}

int ring_files_alloc_range(struct ring *ring, uint32_t offset, uint32_t count)
{
	struct io_uring_file_index_range range = {.off = offset, .len = count};

	return ring_enlist(ring, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0);
}

int ring_files_unregister(struct ring *ring)
{
	return ring_enlist(ring, IORING_UNREGISTER_FILES, NULL, 0);
}

int ring_fixed_register(struct ring *ring, const struct iovec *buffers, const uint64_t *tags,
			uint32_t count)
{
	return ring_resources(ring, IORING_REGISTER_BUFFERS2, buffers, tags, count, 0);
}

int ring_fixed_sparse(struct ring *ring, uint32_t count)
{
	return ring_resources(ring, IORING_REGISTER_BUFFERS2, NULL, NULL, count,
			      IORING_RSRC_REGISTER_SPARSE);
}

int ring_fixed_update(struct ring *ring, uint32_t offset, const struct iovec *buffers,
		      const uint64_t *tags, uint32_t count)
{
	return ring_resources_update(ring, IORING_REGISTER_BUFFERS_UPDATE, offset, buffers, tags,
				     count);
}

int ring_fixed_clone(struct ring *ring, const struct ring *source, uint32_t source_offset,
		     uint32_t offset, uint32_t count, uint32_t flags)
{
	struct io_uring_clone_buffers clone = {
		.src_fd = (uint32_t)source->fd,
		.flags = flags,
		.src_off = source_offset,
		.dst_off = offset,
		.nr = count,
	};

	if (source->fd < 0) {
		clone.src_fd = (uint32_t)source->enter_fd;
		clone.flags |= IORING_REGISTER_SRC_REGISTERED;
	}
	return ring_enlist(ring, IORING_REGISTER_CLONE_BUFFERS, &clone, 1);
}

int ring_fixed_unregister(struct ring *ring)
{
	return ring_enlist(ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

/* ---- being told, being somebody ------------------------------------------- */

int ring_eventfd_register(struct ring *ring, int fd, bool async)
{
	return ring_enlist(ring, async ? IORING_REGISTER_EVENTFD_ASYNC : IORING_REGISTER_EVENTFD,
			   &fd, 1);
}

int ring_eventfd_unregister(struct ring *ring)
{
	return ring_enlist(ring, IORING_UNREGISTER_EVENTFD, NULL, 0);
}

void ring_eventfd_enable(struct ring *ring, bool enable)
{
	/* Ours alone to write, so a plain read will do. */
	uint32_t flags = ring_load_relaxed(ring->cq_kflags);

	if (enable)
		flags &= ~IORING_CQ_EVENTFD_DISABLED;
	else
		flags |= IORING_CQ_EVENTFD_DISABLED;
	ring_store_release(ring->cq_kflags, flags);
}

int ring_personality_register(struct ring *ring)
{
	return ring_enlist(ring, IORING_REGISTER_PERSONALITY, NULL, 0);
}

int ring_personality_unregister(struct ring *ring, int id)
{
	return ring_enlist(ring, IORING_UNREGISTER_PERSONALITY, NULL, (uint32_t)id);
}

int ring_restrict(struct ring *ring, const struct io_uring_restriction *restrictions,
		  uint32_t count)
{
	return ring_enlist(ring, IORING_REGISTER_RESTRICTIONS, restrictions, count);
}

/* ---- kernel threads, busy polling, time ----------------------------------- */

int ring_iowq_affinity(struct ring *ring, const cpu_set_t *cpus, size_t size)
{
	if (!cpus)
		return ring_enlist(ring, IORING_UNREGISTER_IOWQ_AFF, NULL, 0);
	return ring_enlist(ring, IORING_REGISTER_IOWQ_AFF, cpus, (uint32_t)size);
}

int ring_iowq_limits(struct ring *ring, uint32_t *bounded, uint32_t *unbounded)
{
	uint32_t limits[2] = {[IO_WQ_BOUND] = *bounded, [IO_WQ_UNBOUND] = *unbounded};
	int r = ring_enlist(ring, IORING_REGISTER_IOWQ_MAX_WORKERS, limits, 2);

	if (r < 0)
		return r;
	*bounded = limits[IO_WQ_BOUND];
	*unbounded = limits[IO_WQ_UNBOUND];
	return 0;
}

int ring_napi_register(struct ring *ring, uint32_t *timeout_us, bool *prefer, uint32_t tracking)
{
	struct io_uring_napi napi = {
		.busy_poll_to = *timeout_us,
		.prefer_busy_poll = *prefer,
		.opcode = IO_URING_NAPI_REGISTER_OP,
		.op_param = tracking,
	};
	int r = ring_enlist(ring, IORING_REGISTER_NAPI, &napi, 1);

	if (r < 0)
		return r;
	*timeout_us = napi.busy_poll_to;
	*prefer = napi.prefer_busy_poll;
	return 0;
}

int ring_napi_id(struct ring *ring, uint32_t id, bool add)
{
	struct io_uring_napi napi = {
		.opcode = add ? IO_URING_NAPI_STATIC_ADD_ID : IO_URING_NAPI_STATIC_DEL_ID,
		.op_param = id,
	};

	return ring_enlist(ring, IORING_REGISTER_NAPI, &napi, 1);
}

int ring_napi_unregister(struct ring *ring, uint32_t *ret_timeout_us, bool *ret_prefer)
{
	struct io_uring_napi napi = {0};
	int r = ring_enlist(ring, IORING_UNREGISTER_NAPI, &napi, 1);

	if (r < 0)
		return r;
	if (ret_timeout_us)
		*ret_timeout_us = napi.busy_poll_to;
	if (ret_prefer)
		*ret_prefer = napi.prefer_busy_poll;
	return 0;
}

int ring_region_register(struct ring *ring, void *memory, size_t size, uint64_t flags)
{
	struct io_uring_region_desc region = {
		.user_addr = ring_address(memory),
		.size = size,
		.flags = IORING_MEM_REGION_TYPE_USER,
	};
	struct io_uring_mem_region_reg registration = {
		.region_uptr = ring_address(&region),
		.flags = flags,
	};

	return ring_enlist(ring, IORING_REGISTER_MEM_REGION, &registration, 1);
}

int ring_query(uint32_t what, void *ret_answer, uint32_t size)
{
	struct io_uring_query_hdr question = {
		.query_data = ring_address(ret_answer),
		.query_op = what,
		.size = size,
	};
	int r = ring_kernel.enlist(ring_kernel.context, -1, IORING_REGISTER_QUERY, &question, 0);

	return r < 0 ? r : question.result < 0 ? question.result : (int)question.size;
}

int ring_clock_register(struct ring *ring, int clock)
{
	struct io_uring_clock_register registration = {.clockid = (uint32_t)clock};
	int r = ring_enlist(ring, IORING_REGISTER_CLOCK, &registration, 0);

	if (r < 0)
		return r;
	ring->clock = clock;
	return 0;
}

static int cancel_sync(struct ring *ring, struct io_uring_sync_cancel_reg *cancel,
		       uint64_t timeout_ns)
{
	if (timeout_ns == RING_NEVER) {
		cancel->timeout.tv_sec = cancel->timeout.tv_nsec = -1;
	} else {
		cancel->timeout.tv_sec = (int64_t)(timeout_ns / 1000000000);
		cancel->timeout.tv_nsec = (int64_t)(timeout_ns % 1000000000);
	}
	return ring_enlist(ring, IORING_REGISTER_SYNC_CANCEL, cancel, 1);
}

int ring_cancel_sync(struct ring *ring, uint64_t user_data, int fd, uint32_t flags,
		     uint64_t timeout_ns)
{
	struct io_uring_sync_cancel_reg cancel = {.addr = user_data, .fd = fd, .flags = flags};

	if (flags & IORING_ASYNC_CANCEL_OP)
		return -EINVAL; /* it would be the operation 0, NOP */
	return cancel_sync(ring, &cancel, timeout_ns);
}

int ring_cancel_sync_op(struct ring *ring, enum io_uring_op operation, uint32_t flags,
			uint64_t timeout_ns)
{
	struct io_uring_sync_cancel_reg cancel = {
		.fd = -1,
		.flags = flags | IORING_ASYNC_CANCEL_OP,
		.opcode = (uint8_t)operation,
	};

	return cancel_sync(ring, &cancel, timeout_ns);
}
