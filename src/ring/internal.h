/* What the module's own files share; nobody else includes it. */
#ifndef RING_INTERNAL_H
#define RING_INTERNAL_H

#include "ring/register.h"
#include "ring/wait.h"

#include <errno.h>
#include <time.h>

static inline uint32_t ring_load_acquire(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint32_t ring_load_relaxed(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

/* In a loop that waits for another processor. */
static inline void ring_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline void ring_store_release(uint32_t *p, uint32_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline uint64_t ring_address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* IORING_SETUP_* that the module can do with: all up to that, and no queue that is rewound. */
#define RING_SETUP_KNOWN ((IORING_SETUP_SQE_MIXED << 1) - 1)

/* Bytes of a page: 4, 16 or 64 KiB, as the kernel was built. */
size_t ring_page(void);

/* Rounded up to whole pages. */
static inline size_t ring_pages(size_t size)
{
	return (size + ring_page() - 1) & ~(ring_page() - 1);
}

/* A better name for an error of io_uring_enter(), where there is one. */
int ring_enter_failed(struct ring *ring, int error);

static inline int ring_enter(struct ring *ring, uint32_t to_submit, uint32_t min_complete,
			     uint32_t flags, const void *argument, size_t size)
{
	const struct ring_system *system = ring->system;
	int r;

	flags |= ring->enter_flags;
	if (likely(system->enter == ring_kernel.enter))
		r = ring_syscall_enter(ring->enter_fd, to_submit, min_complete, flags, argument,
				       size);
	else
		r = system->enter(system->context, ring->enter_fd, to_submit, min_complete, flags,
				  argument, size);
	return likely(r >= 0) ? r : ring_enter_failed(ring, r);
}

/* A wait as the caller asked for it. */
struct ring_want {
	uint32_t min_complete;
	uint32_t min_wait_us;
	uint64_t deadline_ns;
	const uint64_t *mask;
	bool keeps;                           /* what is handed out is not submitted */
	const struct io_uring_reg_wait *slot; /* a registered wait instead of the three above */
};
struct ring_wait ring_wait_for(struct ring *ring, const struct ring_want *want);

/* Run deferred work, all of it: completions appear in the queue. */
int ring_run_deferred(struct ring *ring);

/* Fill in the features that follow from feature bits, set-up flags and operations. */
void ring_capable_derive(struct ring_capabilities *capabilities);

/* As one that never opened. */
static inline void ring_clear(struct ring *ring)
{
	*ring = (struct ring){
		.fd = -1,
		.enter_fd = -1,
		.registered_index = -1,
		.clock = CLOCK_MONOTONIC,
		.sq_head = UINT32_MAX, /* no entry is free */
		.error = RING_CLOSED,
	};
}

/* Where the rings lie and how big they are, from what the kernel filled in. */
int ring_map(struct ring *ring, const struct io_uring_params *params);
void ring_unmap(struct ring *ring);
/* Point into the mapping. */
void ring_locate(struct ring *ring, const struct io_uring_params *params);

/* Whole pages the kernel takes for a ring of these options. */
struct ring_extent {
	size_t sqes, rings;
};
struct ring_extent ring_measure(const struct ring_options *options, bool sq_array);

struct ring_sizes {
	size_t rings;    /* what of the rings is shared, in the single mapping */
	size_t cq_rings; /* the second mapping of a kernel without SINGLE_MMAP, or 0 */
	size_t sqes;
};
struct ring_sizes ring_sizes(const struct io_uring_params *params);

#endif
