/*
 * A kernel side of io_uring made of ordinary memory, behind struct ring_system.
 *
 * The real ring module runs on it unchanged: give &fake.system to ring_open() in
 * ring_options.system, with capabilities of fake_kernel_capabilities().  It moves
 * entries and completions with the kernel's rules -- deferred work in portions of
 * 20, completions that find the queue full kept aside, filler in mixed queues,
 * buffer rings, time that passes only when somebody waits -- and knows nothing of
 * what operations do: that is the consume callback's part, which answers, now or
 * later, with fake_kernel_post().
 *
 *	static void consume(struct fake_kernel *fake, struct fake_ring *ring,
 *			    const struct io_uring_sqe *sqe)
 *	{
 *		fake_kernel_post(ring, sqe->user_data, 0, 0);
 *	}
 *
 * Without a callback every entry completes with 0.  For unit tests a script says
 * what single calls do instead, and a fault makes one kind of call fail.
 */
#ifndef TESTS_SUPPORT_FAKE_KERNEL_H
#define TESTS_SUPPORT_FAKE_KERNEL_H

#include "ring/ring.h"

#include <limits.h>

#define FAKE_RINGS_MAX  16
#define FAKE_GROUPS_MAX 16
#define FAKE_LOG_MAX    4096
#define FAKE_PORTION    20      /* deferred items run per call, as in the kernel */
#define FAKE_PASS       INT_MIN /* a hook's result: do what you would do without me */
#define FAKE_FIRST_FD   1000

struct fake_kernel;

struct fake_completion {
	struct io_uring_cqe cqe;
	uint64_t extra[2];
	bool wide; /* 32 bytes, in a mixed queue */
};

struct fake_queue {
	struct fake_completion *items;
	uint32_t count, capacity;
};

/* A registered buffer ring, as the kernel sees it. */
struct fake_group {
	bool used;
	uint16_t id, head;
	uint32_t entries;
	uint16_t flags;
	struct io_uring_buf_ring *shared;
	void *own; /* with IOU_PBUF_RING_MMAP */
};

struct fake_ring {
	struct fake_kernel *kernel;
	bool open, disabled;
	int fd;
	struct io_uring_params params;
	unsigned char *memory; /* header, completions, index array */
	struct io_uring_sqe *sqes;
	uint32_t *sq_head, *sq_tail, *sq_flags, *sq_array;
	uint32_t *cq_head, *cq_tail, *cq_overflow;
	struct fake_queue deferred; /* posted, waiting for the issuer to come by */
	struct fake_queue overflow; /* found the queue full */
	struct fake_group groups[FAKE_GROUPS_MAX];
	uint64_t posted, consumed;
};

enum fake_call { FAKE_SETUP, FAKE_ENTER, FAKE_ENLIST, FAKE_MAP, FAKE_ADVISE, FAKE_CALL_COUNT };

/* The next calls of one kind: let so many through, then fail so many times. */
struct fake_fault {
	uint32_t skip, times;
	int error;
};

/* What one io_uring_enter() does, instead of what it would do. */
struct fake_step {
	int expect_submit;   /* -1: any */
	int expect_min;      /* -1: any */
	uint32_t want_flags; /* must be among the call's flags */
	uint32_t consume;    /* entries taken (and completed, by the callback or with 0) */
	uint32_t complete;   /* NOP completions posted besides, user_data 0 */
	uint32_t set_flags;  /* in the flags word of the submission queue */
	uint32_t clear_flags;
	int result;
};

struct fake_enter {
	int fd;
	uint32_t to_submit, min_complete, flags;
};

struct fake_kernel {
	struct ring_system system;

	/* what it pretends to be; set before ring_open() */
	uint32_t features;
	uint32_t setup_flags; /* others are refused with -EINVAL */
	uint32_t first_index; /* of all heads and tails, to see them wrap */
	uint64_t now_ns;      /* every clock */
	int thread;

	/* An entry was taken.  NULL: complete it with 0. */
	void (*consume)(struct fake_kernel *fake, struct fake_ring *ring,
			const struct io_uring_sqe *sqe);
	/*
	 * A wait would sleep until the time given (UINT64_MAX: for ever).  Let something
	 * happen, advance now_ns, and return true; false: nothing will ever happen again
	 * before that time.  NULL is false.
	 */
	bool (*idle)(struct fake_kernel *fake, uint64_t until_ns);
	/* A registration; FAKE_PASS for the usual. */
	int (*enlist)(struct fake_kernel *fake, struct fake_ring *ring, uint32_t operation,
		      void *argument, uint32_t count);
	void *context;

	struct fake_fault faults[FAKE_CALL_COUNT];
	const struct fake_step *script;
	uint32_t script_left;
	uint32_t consume_limit; /* entries taken per call at most; 0: all */

	struct fake_ring rings[FAKE_RINGS_MAX];
	int registered[16]; /* ring descriptors by index, or -1 */

	/* what happened */
	uint32_t calls[FAKE_CALL_COUNT];
	struct fake_enter enters[FAKE_LOG_MAX]; /* the first of them */
	struct io_uring_sqe taken[FAKE_LOG_MAX];
	uint32_t taken_count;
	int open_descriptors, mappings; /* 0 again when all is closed */
};

void fake_kernel_init(struct fake_kernel *fake);
void fake_kernel_done(struct fake_kernel *fake);

/* Every feature and operation of 6.18; take some away with ring_capabilities_without(). */
void fake_kernel_capabilities(struct ring_capabilities *ret_capabilities);

/* Open a ring on it, with those capabilities and required flags; asserted. */
void fake_kernel_open(struct fake_kernel *fake, struct ring *ring, uint32_t entries,
		      uint32_t flags);

/* The fake side of an open ring, by ring->fd. */
struct fake_ring *fake_kernel_ring(struct fake_kernel *fake, int fd);

/* A completion.  With DEFER_TASKRUN the ring sees it in its next wait. */
void fake_kernel_post(struct fake_ring *ring, uint64_t user_data, int32_t result, uint32_t flags);
/* The same in 32 bytes, for mixed queues. */
void fake_kernel_post_wide(struct fake_ring *ring, uint64_t user_data, int32_t result,
			   uint32_t flags, uint64_t extra0, uint64_t extra1);
/* Take the completion queue's counter of lost completions one up. */
void fake_kernel_lose(struct fake_ring *ring);

/* Take all entries published, as a polling thread would. */
uint32_t fake_kernel_consume(struct fake_ring *ring, uint32_t most);

/* The buffer at the head of a group, taken; false when there is none. */
bool fake_kernel_take_buffer(struct fake_ring *ring, uint16_t group, void **ret_address,
			     uint32_t *ret_length, uint16_t *ret_id);
/* How many it holds. */
uint32_t fake_kernel_buffers(struct fake_ring *ring, uint16_t group);

/* The next calls of a kind: skip so many, then fail with error so many times. */
void fake_kernel_fail(struct fake_kernel *fake, enum fake_call call, uint32_t skip, uint32_t times,
		      int error);

#endif
