#include "fake_kernel.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEADER 64

static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static void *pages(size_t size)
{
	size_t rounded = (size + 4095) & ~(size_t)4095;
	void *memory = aligned_alloc(4096, rounded);

	assert(memory);
	memset(memory, 0, rounded);
	return memory;
}

/* ---- faults --------------------------------------------------------------- */

void fake_kernel_fail(struct fake_kernel *fake, enum fake_call call, uint32_t skip, uint32_t times,
		      int error)
{
	fake->faults[call] = (struct fake_fault){.skip = skip, .times = times, .error = error};
}

static int fault(struct fake_kernel *fake, enum fake_call call)
{
	struct fake_fault *f = &fake->faults[call];

	fake->calls[call]++;
	if (f->times == 0)
		return 0;
	if (f->skip > 0) {
		f->skip--;
		return 0;
	}
	f->times--;
	return f->error;
}

/* ---- completions ---------------------------------------------------------- */

static void queue_push(struct fake_queue *queue, const struct fake_completion *completion)
{
	if (queue->count == queue->capacity) {
		queue->capacity = queue->capacity ? queue->capacity * 2 : 64;
		queue->items = realloc(queue->items, queue->capacity * sizeof(*queue->items));
		assert(queue->items);
	}
	queue->items[queue->count++] = *completion;
}

static void queue_drop(struct fake_queue *queue, uint32_t count)
{
	if (count == 0)
		return;
	queue->count -= count;
	memmove(queue->items, queue->items + count, queue->count * sizeof(*queue->items));
}

static struct io_uring_cqe *cqe_at(struct fake_ring *ring, uint32_t index)
{
	uint32_t slot = (index & (ring->params.cq_entries - 1))
			<< !!(ring->params.flags & IORING_SETUP_CQE32);

	return (struct io_uring_cqe *)(ring->memory + HEADER) + slot;
}

/* Into the ring, if there is room for all its slots. */
static bool deliver(struct fake_ring *ring, const struct fake_completion *completion)
{
	uint32_t tail = *ring->cq_tail, mask = ring->params.cq_entries - 1;
	uint32_t need = completion->wide ? 2 : 1;
	bool filler = completion->wide && (tail & mask) == mask;
	struct io_uring_cqe *cqe;

	if (tail + need + filler - load(ring->cq_head) > ring->params.cq_entries)
		return false;
	if (filler)
		*cqe_at(ring, tail++) = (struct io_uring_cqe){.flags = IORING_CQE_F_SKIP};
	cqe = cqe_at(ring, tail);
	*cqe = completion->cqe;
	if (completion->wide || ring->params.flags & IORING_SETUP_CQE32)
		memcpy(cqe + 1, completion->extra, sizeof(completion->extra));
	store(ring->cq_tail, tail + need);
	return true;
}

static void deliver_or_keep(struct fake_ring *ring, const struct fake_completion *completion)
{
	if (ring->overflow.count == 0 && deliver(ring, completion))
		return;
	queue_push(&ring->overflow, completion);
	__atomic_or_fetch(ring->sq_flags, IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELEASE);
}

static void flush_overflow(struct fake_ring *ring)
{
	uint32_t done = 0;

	while (done < ring->overflow.count && deliver(ring, &ring->overflow.items[done]))
		done++;
	queue_drop(&ring->overflow, done);
	if (ring->overflow.count == 0)
		__atomic_and_fetch(ring->sq_flags, ~IORING_SQ_CQ_OVERFLOW, __ATOMIC_RELEASE);
}

static void run_deferred(struct fake_ring *ring, uint32_t most)
{
	uint32_t count = ring->deferred.count < most ? ring->deferred.count : most;

	for (uint32_t i = 0; i < count; i++)
		deliver_or_keep(ring, &ring->deferred.items[i]);
	queue_drop(&ring->deferred, count);
	if (ring->deferred.count == 0)
		__atomic_and_fetch(ring->sq_flags, ~IORING_SQ_TASKRUN, __ATOMIC_RELEASE);
}

static void post(struct fake_ring *ring, const struct fake_completion *completion)
{
	if (!ring->open)
		return;
	ring->posted++;
	if (!(ring->params.flags & IORING_SETUP_DEFER_TASKRUN)) {
		deliver_or_keep(ring, completion);
		return;
	}
	queue_push(&ring->deferred, completion);
	if (ring->params.flags & IORING_SETUP_TASKRUN_FLAG)
		__atomic_or_fetch(ring->sq_flags, IORING_SQ_TASKRUN, __ATOMIC_RELEASE);
}

void fake_kernel_post(struct fake_ring *ring, uint64_t user_data, int32_t result, uint32_t flags)
{
	post(ring, &(struct fake_completion){
			   .cqe = {.user_data = user_data, .res = result, .flags = flags}});
}

void fake_kernel_post_wide(struct fake_ring *ring, uint64_t user_data, int32_t result,
			   uint32_t flags, uint64_t extra0, uint64_t extra1)
{
	bool mixed = ring->params.flags & IORING_SETUP_CQE_MIXED;

	post(ring, &(struct fake_completion){
			   .cqe = {.user_data = user_data,
				   .res = result,
				   .flags = flags | (mixed ? IORING_CQE_F_32 : 0)},
			   .extra = {extra0, extra1},
			   .wide = mixed,
		   });
}

void fake_kernel_lose(struct fake_ring *ring)
{
	store(ring->cq_overflow, *ring->cq_overflow + 1);
}

/* ---- entries -------------------------------------------------------------- */

static void take(struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	struct fake_kernel *fake = ring->kernel;

	ring->consumed++;
	if (fake->taken_count < FAKE_LOG_MAX)
		fake->taken[fake->taken_count++] = *sqe;
	if (fake->consume)
		fake->consume(fake, ring, sqe);
	else if (!(sqe->flags & IOSQE_CQE_SKIP_SUCCESS))
		fake_kernel_post(ring, sqe->user_data, 0, 0);
}

static bool is_wide(const struct fake_ring *ring, const struct io_uring_sqe *sqe)
{
	return ring->params.flags & IORING_SETUP_SQE_MIXED &&
	       (sqe->opcode == IORING_OP_NOP128 || sqe->opcode == IORING_OP_URING_CMD128);
}

uint32_t fake_kernel_consume(struct fake_ring *ring, uint32_t most)
{
	uint32_t head = *ring->sq_head, count = load(ring->sq_tail) - head;
	uint32_t mask = ring->params.sq_entries - 1;

	if (count > most)
		count = most;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = (head + i) & mask;
		struct io_uring_sqe sqe;

		if (ring->sq_array)
			index = ring->sq_array[index];
		sqe = ring->sqes[(size_t)index << !!(ring->params.flags & IORING_SETUP_SQE128)];
		if (is_wide(ring, &sqe)) { /* two slots of a mixed queue, side by side */
			if (i + 1 == count || index == mask) {
				store(ring->sq_head, head + i + 1);
				fake_kernel_post(ring, sqe.user_data, -EINVAL, 0);
				continue;
			}
			i++;
		}
		store(ring->sq_head, head + i + 1);
		take(ring, &sqe);
	}
	return count;
}

/* ---- io_uring_setup ------------------------------------------------------- */

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static void locate(struct fake_ring *ring)
{
	struct io_uring_params *p = &ring->params;
	size_t cqes = (size_t)p->cq_entries * 16 << !!(p->flags & IORING_SETUP_CQE32);

	p->sq_off = (struct io_sqring_offsets){.head = 0,
					       .tail = 4,
					       .ring_mask = 16,
					       .ring_entries = 24,
					       .flags = 36,
					       .dropped = 32};
	p->cq_off = (struct io_cqring_offsets){.head = 8,
					       .tail = 12,
					       .ring_mask = 20,
					       .ring_entries = 28,
					       .overflow = 44,
					       .cqes = HEADER,
					       .flags = 40};
	ring->memory = pages(HEADER + cqes + p->sq_entries * sizeof(uint32_t));
	ring->sqes = pages((size_t)p->sq_entries * 64 << !!(p->flags & IORING_SETUP_SQE128));
	ring->sq_head = (uint32_t *)(ring->memory + p->sq_off.head);
	ring->sq_tail = (uint32_t *)(ring->memory + p->sq_off.tail);
	ring->sq_flags = (uint32_t *)(ring->memory + p->sq_off.flags);
	ring->cq_head = (uint32_t *)(ring->memory + p->cq_off.head);
	ring->cq_tail = (uint32_t *)(ring->memory + p->cq_off.tail);
	ring->cq_overflow = (uint32_t *)(ring->memory + p->cq_off.overflow);
	if (!(p->flags & IORING_SETUP_NO_SQARRAY)) {
		p->sq_off.array = (uint32_t)(HEADER + cqes);
		ring->sq_array = (uint32_t *)(ring->memory + p->sq_off.array);
	}
	*ring->sq_head = *ring->sq_tail = ring->kernel->first_index;
	*ring->cq_head = *ring->cq_tail = ring->kernel->first_index;
}

static int fake_setup(void *context, uint32_t entries, struct io_uring_params *params)
{
	struct fake_kernel *fake = context;
	struct fake_ring *ring = NULL;
	int r = fault(fake, FAKE_SETUP);

	if (r < 0)
		return r;
	if (entries == 0 || entries > 32768 || params->flags & ~fake->setup_flags)
		return -EINVAL;
	for (int i = 0; i < FAKE_RINGS_MAX && !ring; i++)
		if (!fake->rings[i].open)
			ring = &fake->rings[i];
	if (!ring)
		return -EMFILE;
	*ring = (struct fake_ring){
		.kernel = fake,
		.open = true,
		.disabled = params->flags & IORING_SETUP_R_DISABLED,
		.fd = FAKE_FIRST_FD + (int)(ring - fake->rings),
		.params = *params,
	};
	ring->params.sq_entries = power_of_two(entries);
	ring->params.cq_entries = params->flags & IORING_SETUP_CQSIZE
					  ? power_of_two(params->cq_entries)
					  : ring->params.sq_entries * 2;
	ring->params.features = fake->features;
	locate(ring);
	*params = ring->params;
	fake->open_descriptors++;
	return ring->fd;
}

struct fake_ring *fake_kernel_ring(struct fake_kernel *fake, int fd)
{
	int i = fd - FAKE_FIRST_FD;

	return i >= 0 && i < FAKE_RINGS_MAX && fake->rings[i].open ? &fake->rings[i] : NULL;
}

/* ---- io_uring_enter ------------------------------------------------------- */

static uint32_t completed(struct fake_ring *ring)
{
	return *ring->cq_tail - load(ring->cq_head);
}

static uint64_t deadline(struct fake_kernel *fake, uint32_t flags, const void *argument)
{
	const struct io_uring_getevents_arg *arg = argument;
	const struct __kernel_timespec *ts;
	uint64_t ns;

	if (!(flags & IORING_ENTER_EXT_ARG) || !arg || !arg->ts)
		return UINT64_MAX;
	ts = (const struct __kernel_timespec *)(uintptr_t)arg->ts;
	ns = (uint64_t)ts->tv_sec * 1000000000 + (uint64_t)ts->tv_nsec;
	return flags & IORING_ENTER_ABS_TIMER ? ns : fake->now_ns + ns;
}

/* From when on any completion is enough. */
static uint64_t patience(const struct fake_kernel *fake, uint32_t flags, const void *argument)
{
	const struct io_uring_getevents_arg *arg = argument;

	if (!(flags & IORING_ENTER_EXT_ARG) || !arg || !arg->min_wait_usec)
		return UINT64_MAX;
	return fake->now_ns + (uint64_t)arg->min_wait_usec * 1000;
}

static int sleep_until(struct fake_ring *ring, uint32_t min_complete, uint64_t patient,
		       uint64_t until)
{
	struct fake_kernel *fake = ring->kernel;

	for (;;) {
		bool patient_still = patient != UINT64_MAX && fake->now_ns < patient;
		uint64_t limit = patient_still ? patient : until;

		flush_overflow(ring);
		run_deferred(ring, min_complete > FAKE_PORTION ? min_complete : FAKE_PORTION);
		if (completed(ring) >= min_complete || (completed(ring) && fake->now_ns >= patient))
			return 0;
		if (!patient_still && fake->now_ns >= until)
			return completed(ring) ? 0 : -ETIME;
		if (fake->idle && fake->idle(fake, limit))
			continue;
		if (limit == UINT64_MAX)
			return -EDEADLK; /* nobody would ever wake it */
		fake->now_ns = limit;
	}
}

static int play(struct fake_ring *ring, uint32_t to_submit, uint32_t min_complete, uint32_t flags)
{
	struct fake_kernel *fake = ring->kernel;
	const struct fake_step *step = fake->script++;

	fake->script_left--;
	assert(step->expect_submit < 0 || (uint32_t)step->expect_submit == to_submit);
	assert(step->expect_min < 0 || (uint32_t)step->expect_min == min_complete);
	assert((flags & step->want_flags) == step->want_flags);
	fake_kernel_consume(ring, step->consume);
	for (uint32_t i = 0; i < step->complete; i++)
		fake_kernel_post(ring, 0, 0, 0);
	if (flags & IORING_ENTER_GETEVENTS) {
		flush_overflow(ring);
		run_deferred(ring, FAKE_PORTION);
	}
	__atomic_or_fetch(ring->sq_flags, step->set_flags, __ATOMIC_RELEASE);
	__atomic_and_fetch(ring->sq_flags, ~step->clear_flags, __ATOMIC_RELEASE);
	return step->result;
}

static int fake_enter(void *context, int fd, uint32_t to_submit, uint32_t min_complete,
		      uint32_t flags, const void *argument, size_t size)
{
	struct fake_kernel *fake = context;
	uint32_t most = fake->consume_limit ? fake->consume_limit : UINT32_MAX, taken;
	struct fake_ring *ring;
	int r;

	(void)size;
	if (fake->calls[FAKE_ENTER] < FAKE_LOG_MAX)
		fake->enters[fake->calls[FAKE_ENTER]] =
			(struct fake_enter){fd, to_submit, min_complete, flags};
	r = fault(fake, FAKE_ENTER);
	if (r < 0)
		return r;
	if (flags & IORING_ENTER_REGISTERED_RING)
		fd = fd >= 0 && fd < 16 ? fake->registered[fd] : -1;
	ring = fake_kernel_ring(fake, fd);
	if (!ring)
		return -EBADF;
	if (ring->disabled)
		return -EBADFD;
	if (fake->script_left > 0)
		return play(ring, to_submit, min_complete, flags);

	if (ring->params.flags & IORING_SETUP_SQPOLL) {
		if (flags & IORING_ENTER_SQ_WAKEUP)
			__atomic_and_fetch(ring->sq_flags, ~IORING_SQ_NEED_WAKEUP,
					   __ATOMIC_RELEASE);
		/* The thread takes them when it likes: now, unless it sleeps. */
		if (!(*ring->sq_flags & IORING_SQ_NEED_WAKEUP))
			fake_kernel_consume(ring, most);
		taken = to_submit;
	} else {
		taken = fake_kernel_consume(ring, to_submit < most ? to_submit : most);
		if (taken < to_submit)
			return (int)taken;
	}
	if (!(flags & IORING_ENTER_GETEVENTS))
		return (int)taken;
	r = sleep_until(ring, min_complete, patience(fake, flags, argument),
			deadline(fake, flags, argument));
	return taken ? (int)taken : r;
}

/* ---- io_uring_register ---------------------------------------------------- */

static struct fake_group *find_group(struct fake_ring *ring, uint16_t id)
{
	for (int i = 0; i < FAKE_GROUPS_MAX; i++)
		if (ring->groups[i].used && ring->groups[i].id == id)
			return &ring->groups[i];
	return NULL;
}

static int add_group(struct fake_ring *ring, const struct io_uring_buf_reg *reg)
{
	if (find_group(ring, reg->bgid))
		return -EEXIST;
	for (int i = 0; i < FAKE_GROUPS_MAX; i++) {
		struct fake_group *group = &ring->groups[i];

		if (group->used)
			continue;
		*group = (struct fake_group){
			.used = true,
			.id = reg->bgid,
			.entries = reg->ring_entries,
			.flags = reg->flags,
			.shared = (struct io_uring_buf_ring *)(uintptr_t)reg->ring_addr,
		};
		if (reg->flags & IOU_PBUF_RING_MMAP)
			group->own = group->shared =
				pages(reg->ring_entries * sizeof(struct io_uring_buf));
		return 0;
	}
	return -ENOMEM;
}

static int remove_group(struct fake_ring *ring, uint16_t id)
{
	struct fake_group *group = find_group(ring, id);

	if (!group)
		return -ENOENT;
	*group = (struct fake_group){0}; /* its own memory goes when it is unmapped */
	return 0;
}

static uint16_t group_waiting(const struct fake_group *group)
{
	return (uint16_t)(__atomic_load_n(&group->shared->tail, __ATOMIC_ACQUIRE) - group->head);
}

bool fake_kernel_take_buffer(struct fake_ring *ring, uint16_t id, void **ret_address,
			     uint32_t *ret_length, uint16_t *ret_id)
{
	struct fake_group *group = find_group(ring, id);
	struct io_uring_buf *buffer;

	if (!group || group_waiting(group) == 0)
		return false;
	buffer = (struct io_uring_buf *)group->shared + (group->head & (group->entries - 1));
	group->head++;
	*ret_address = (void *)(uintptr_t)buffer->addr;
	*ret_length = buffer->len;
	*ret_id = buffer->bid;
	return true;
}

uint32_t fake_kernel_buffers(struct fake_ring *ring, uint16_t id)
{
	struct fake_group *group = find_group(ring, id);

	return group ? group_waiting(group) : 0;
}

static int register_ring(struct fake_kernel *fake, struct io_uring_rsrc_update *update)
{
	for (uint32_t i = 0; i < 16; i++) {
		if (fake->registered[i] >= 0)
			continue;
		fake->registered[i] = (int)update->data;
		update->offset = i;
		return 1;
	}
	return -EBUSY;
}

static int send_message(struct fake_kernel *fake, const struct io_uring_sqe *sqe)
{
	struct fake_ring *target = fake_kernel_ring(fake, sqe->fd);

	if (!target)
		return -EBADF;
	if (target->disabled)
		return -EBADFD;
	fake_kernel_post(target, sqe->off, (int32_t)sqe->len, 0);
	return 0;
}

static int fake_enlist(void *context, int fd, uint32_t operation, void *argument, uint32_t count)
{
	struct fake_kernel *fake = context;
	struct fake_ring *ring;
	int r = fault(fake, FAKE_ENLIST);

	if (r < 0)
		return r;
	if (operation & IORING_REGISTER_USE_REGISTERED_RING)
		fd = fd >= 0 && fd < 16 ? fake->registered[fd] : -1;
	operation &= ~IORING_REGISTER_USE_REGISTERED_RING;
	ring = fake_kernel_ring(fake, fd);
	if (fake->enlist) {
		r = fake->enlist(fake, ring, operation, argument, count);
		if (r != FAKE_PASS)
			return r;
	}
	if (operation == IORING_REGISTER_SEND_MSG_RING)
		return send_message(fake, argument);
	if (!ring)
		return operation == IORING_REGISTER_QUERY ? -EINVAL : -EBADF;

	switch (operation) {
	case IORING_REGISTER_ENABLE_RINGS:
		if (!ring->disabled)
			return -EBADFD;
		ring->disabled = false;
		return 0;
	case IORING_REGISTER_RING_FDS:
		return register_ring(fake, argument);
	case IORING_UNREGISTER_RING_FDS:
		fake->registered[((struct io_uring_rsrc_update *)argument)->offset & 15] = -1;
		return 1;
	case IORING_REGISTER_PBUF_RING:
		return add_group(ring, argument);
	case IORING_UNREGISTER_PBUF_RING:
		return remove_group(ring, ((struct io_uring_buf_reg *)argument)->bgid);
	case IORING_REGISTER_SYNC_CANCEL:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}

/* ---- the other calls ------------------------------------------------------ */

static int fake_map(void *context, void **ret_address, void *address, size_t size, int protection,
		    int flags, int fd, uint64_t offset)
{
	struct fake_kernel *fake = context;
	struct fake_ring *ring = fake_kernel_ring(fake, fd);
	struct fake_group *group = NULL;
	int r = fault(fake, FAKE_MAP);

	(void)address;
	(void)protection;
	if (r < 0)
		return r;
	if (flags & MAP_ANONYMOUS) {
		*ret_address = pages(size);
	} else if (!ring) {
		return -EBADF;
	} else if (offset == IORING_OFF_SQ_RING || offset == IORING_OFF_CQ_RING) {
		*ret_address = ring->memory;
	} else if (offset == IORING_OFF_SQES) {
		*ret_address = ring->sqes;
	} else {
		group = find_group(ring, (uint16_t)((offset & ~IORING_OFF_MMAP_MASK) >>
						    IORING_OFF_PBUF_SHIFT));
		if (!group)
			return -EINVAL;
		*ret_address = group->shared;
	}
	fake->mappings++;
	return 0;
}

/* Is it one of ours, freed with its ring? */
static bool is_ring_memory(struct fake_kernel *fake, const void *address)
{
	for (int i = 0; i < FAKE_RINGS_MAX; i++) {
		struct fake_ring *ring = &fake->rings[i];

		if (!ring->open)
			continue;
		if (address == ring->memory || address == ring->sqes)
			return true;
		for (int g = 0; g < FAKE_GROUPS_MAX; g++)
			if (ring->groups[g].used && address == ring->groups[g].own)
				return true;
	}
	return false;
}

static int fake_unmap(void *context, void *address, size_t size)
{
	struct fake_kernel *fake = context;

	(void)size;
	fake->mappings--;
	if (!is_ring_memory(fake, address))
		free(address);
	return 0;
}

static int fake_advise(void *context, void *address, size_t size, int advice)
{
	(void)address;
	(void)size;
	(void)advice;
	return fault(context, FAKE_ADVISE);
}

static void ring_free(struct fake_ring *ring)
{
	for (int i = 0; i < FAKE_GROUPS_MAX; i++)
		free(ring->groups[i].own);
	free(ring->memory);
	free(ring->sqes);
	free(ring->deferred.items);
	free(ring->overflow.items);
	*ring = (struct fake_ring){0};
}

static int fake_close(void *context, int fd)
{
	struct fake_kernel *fake = context;
	struct fake_ring *ring = fake_kernel_ring(fake, fd);

	if (!ring)
		return -EBADF;
	ring_free(ring);
	fake->open_descriptors--;
	for (int i = 0; i < 16; i++)
		if (fake->registered[i] == fd)
			fake->registered[i] = -1;
	return 0;
}

static uint64_t fake_now(void *context, int clock)
{
	const struct fake_kernel *fake = context;

	(void)clock;
	return fake->now_ns;
}

static int fake_thread(void *context)
{
	const struct fake_kernel *fake = context;

	return fake->thread;
}

static int fake_process(void *context)
{
	(void)context;
	return 1;
}

void fake_kernel_init(struct fake_kernel *fake)
{
	*fake = (struct fake_kernel){
		.system = {.setup = fake_setup,
			   .enter = fake_enter,
			   .enlist = fake_enlist,
			   .map = fake_map,
			   .unmap = fake_unmap,
			   .advise = fake_advise,
			   .close = fake_close,
			   .now = fake_now,
			   .thread = fake_thread,
			   .process = fake_process,
			   .context = fake},
		.features = 0x3ffff,
		.setup_flags = 0x7ffff,
		.now_ns = 1000000000,
		.thread = 1,
	};
	for (int i = 0; i < 16; i++)
		fake->registered[i] = -1;
}

void fake_kernel_done(struct fake_kernel *fake)
{
	for (int i = 0; i < FAKE_RINGS_MAX; i++)
		ring_free(&fake->rings[i]);
}

void fake_kernel_capabilities(struct ring_capabilities *ret_capabilities)
{
	*ret_capabilities = (struct ring_capabilities){
		.operations = {0x7fffffffffffffff},
		.features = 0x3ffff,
		.setup_flags = 0x7ffff,
		.enter_flags = 0xff,
		.operation_count = 63,
		.register_count = 36,
	};
	for (unsigned i = 0; i < RING_FEATURE_COUNT; i++)
		ret_capabilities->have[i / 64] |= 1ULL << (i % 64);
}

void fake_kernel_open(struct fake_kernel *fake, struct ring *ring, uint32_t entries, uint32_t flags)
{
	struct ring_capabilities capabilities;
	struct ring_options options = {
		.entries = entries,
		.required = flags,
		.system = &fake->system,
		.capabilities = &capabilities,
	};
	int r;

	fake_kernel_capabilities(&capabilities);
	r = ring_open(ring, &options, NULL);
	assert(r == 0);
	(void)r;
}
