/* Opening and enabling a ring. */
#include "ring/internal.h"

#include <sys/mman.h>
#include <time.h>

/* Flags that mean nothing, and are refused, without one of the others. */
static uint32_t ring_orphans(uint32_t flags)
{
	uint32_t orphans = 0;

	if (!(flags & (IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN)))
		orphans |= IORING_SETUP_TASKRUN_FLAG;
	if (!(flags & IORING_SETUP_SQPOLL))
		orphans |= IORING_SETUP_SQ_AFF;
	if (!(flags & IORING_SETUP_IOPOLL))
		orphans |= IORING_SETUP_HYBRID_IOPOLL;
	if (!(flags & IORING_SETUP_NO_MMAP))
		orphans |= IORING_SETUP_REGISTERED_FD_ONLY;
	return flags & orphans;
}

static uint32_t ring_choose_flags(struct ring *ring, const struct ring_options *options)
{
	uint32_t offered = ring->capabilities.setup_flags & RING_SETUP_KNOWN;
	uint32_t wanted = options->wanted, required = options->required, flags;

	if (wanted & IORING_SETUP_DEFER_TASKRUN)
		wanted |= IORING_SETUP_SINGLE_ISSUER;
	if (required & IORING_SETUP_DEFER_TASKRUN)
		required |= IORING_SETUP_SINGLE_ISSUER;
	flags = required | (wanted & offered);
	if (options->sq_cpu && flags & IORING_SETUP_SQPOLL)
		flags |= IORING_SETUP_SQ_AFF;
	/* Without it each wait would have to ask the kernel whether work is left. */
	if (flags & IORING_SETUP_DEFER_TASKRUN)
		flags |= offered & IORING_SETUP_TASKRUN_FLAG;
	flags &= ~(ring_orphans(flags) & ~required);
	ring->dropped = wanted & ~flags;

	flags |= offered & IORING_SETUP_NO_SQARRAY;
	if (options->cq_entries)
		flags |= IORING_SETUP_CQSIZE;
	return flags;
}

/* NO_MMAP: the caller's memory holds the entries first, the rings behind them. */
static int ring_place(struct ring *ring, const struct ring_options *options,
		      struct io_uring_params *params)
{
	struct ring_extent extent =
		ring_measure(options, !(params->flags & IORING_SETUP_NO_SQARRAY));
	const struct ring_system *system = ring->system;
	int r;

	if (!options->memory || options->memory_size < extent.sqes + extent.rings ||
	    (uintptr_t)options->memory & (ring_page() - 1))
		return -EFAULT;
	r = system->advise(system->context, options->memory, extent.sqes + extent.rings,
			   MADV_DONTFORK);
	if (r < 0)
		return r;
	ring->own_memory = true;
	ring->sqe_memory = options->memory;
	ring->sqe_memory_size = extent.sqes;
	ring->rings = (unsigned char *)options->memory + extent.sqes;
	ring->rings_size = extent.rings;
	params->sq_off.user_addr = ring_address(ring->sqe_memory);
	params->cq_off.user_addr = ring_address(ring->rings);
	return 0;
}

static int ring_setup(struct ring *ring, const struct ring_options *options,
		      struct io_uring_params *params)
{
	const struct ring_system *system = ring->system;
	struct io_uring_params asked = {
		.flags = ring_choose_flags(ring, options),
		.cq_entries = options->cq_entries,
		.sq_thread_cpu = options->sq_cpu,
		.sq_thread_idle = options->sq_idle_ms,
	};
	int r;

	if (options->required & ~RING_SETUP_KNOWN)
		return -EINVAL; /* the kernel may know it, and would do what we do not expect */
	if (options->sq_cpu && !((options->required | options->wanted) & IORING_SETUP_SQPOLL))
		return -EINVAL; /* it would take it in silence */
	if (asked.flags & IORING_SETUP_ATTACH_WQ)
		asked.wq_fd = (uint32_t)options->attach_fd;
	for (;;) {
		*params = asked;
		if (asked.flags & IORING_SETUP_NO_MMAP) {
			r = ring_place(ring, options, params);
			if (r < 0)
				return r;
		}
		r = system->setup(system->context, options->entries, params);
		/* Capabilities may be another kernel's; this flag was our idea alone. */
		if (r != -EINVAL || !(asked.flags & IORING_SETUP_NO_SQARRAY) ||
		    options->required & IORING_SETUP_NO_SQARRAY)
			break;
		asked.flags &= ~IORING_SETUP_NO_SQARRAY;
	}
	if (r < 0)
		return r;
	if (params->flags & IORING_SETUP_REGISTERED_FD_ONLY) {
		ring->enter_flags = IORING_ENTER_REGISTERED_RING;
		ring->registered_index = r;
		ring->registered_by = system->thread(system->context);
	} else {
		ring->fd = r;
	}
	ring->enter_fd = r;
	return 0;
}

static int ring_build(struct ring *ring, const struct ring_options *options, const char **ret_what)
{
	struct io_uring_params params;
	int r;

	*ret_what = "io_uring_setup";
	if (options->capabilities) {
		ring->capabilities = *options->capabilities;
	} else {
		r = ring_probe(&ring->capabilities, ring->system);
		if (r < 0)
			return r;
	}
	r = ring_setup(ring, options, &params);
	if (r < 0)
		return r;
	if (options->ret_params)
		*options->ret_params = params;
	*ret_what = "mmap";
	if (!ring->own_memory) {
		r = ring_map(ring, &params);
		if (r < 0)
			return r;
	}
	ring_locate(ring, &params);
	/* Another thread could not use the index, and only these flags rule one out. */
	if (ring->flags & IORING_SETUP_SINGLE_ISSUER && !(ring->flags & IORING_SETUP_R_DISABLED))
		ring_register_self(ring);
	return 0;
}

int ring_open(struct ring *ring, const struct ring_options *options, struct ring_error *error)
{
	const char *what;
	int r;

	ring_clear(ring);
	ring->system = options->system ? options->system : &ring_kernel;
	ring->process = ring->system->process(ring->system->context);
	ring->looks = options->required & IORING_SETUP_SQPOLL ? options->sq_looks : 0;
	r = ring_build(ring, options, &what);
	if (r < 0) {
		struct ring_options shown = *options;
		shown.capabilities = &ring->capabilities;
		if (error)
			ring_explain(error, what, r, &shown);
		ring_close(ring);
	}
	return r;
}

int ring_adopt(struct ring *ring, int fd, const struct io_uring_params *params,
	       const struct ring_capabilities *capabilities, struct ring_error *error)
{
	int r = 0;

	ring_clear(ring);
	ring->system = &ring_kernel;
	ring->process = ring->system->process(ring->system->context);
	if (capabilities)
		ring->capabilities = *capabilities;
	else
		r = ring_probe(&ring->capabilities, ring->system);
	if (r == 0) {
		ring->fd = ring->enter_fd = fd;
		r = ring_map(ring, params);
	}
	if (r == 0) {
		ring_locate(ring, params);
		return 0;
	}
	if (error)
		ring_explain(error, "mmap", r, NULL);
	ring_unmap(ring);
	ring_clear(ring);
	return r;
}

int ring_enable(struct ring *ring)
{
	int r = ring_enlist(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);

	if (r < 0)
		return r;
	ring->flags &= ~IORING_SETUP_R_DISABLED;
	if (ring->flags & IORING_SETUP_SINGLE_ISSUER)
		ring_register_self(ring);
	return 0;
}
