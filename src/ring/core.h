/*
 * The ring itself: set-up and submission.
 *
 * One struct ring is one io_uring instance, used by one thread.  Entries are
 * taken with ring_sqe(), filled by a ring_prep_ function and seen by the kernel
 * at the next ring_submit() or ring_submit_wait(); completions come back through
 * cqe.h.  The first cache line belongs to submission, the second to completion;
 * taking and filling an entry reads no memory that the kernel writes.
 */
#ifndef RING_CORE_H
#define RING_CORE_H

#include "ring/capability.h"

#include <errno.h>

#define RING_NEVER UINT64_MAX /* a deadline that does not come */
#define RING_NOW   0          /* a deadline that has passed: do not sleep */

/*
 * What a closed ring, and one that never opened, says to everything: ring_sqe() with NULL, the
 * calls that submit and wait, and registering.
 */
#define RING_CLOSED (-EBADF)

struct ring {
	/* submission; everything here but *sq_khead and *sq_kflags is written by us alone */
	struct io_uring_sqe *sqes;
	uint32_t *sq_khead;
	uint32_t *sq_ktail;
	uint32_t *sq_kflags;
	uint32_t sq_tail;      /* the next entry to hand out */
	uint32_t sq_published; /* the tail the kernel knows */
	uint32_t sq_head;      /* its head when we last looked */
	uint32_t sq_mask;
	uint32_t sqe_shift; /* 1 with 128-byte entries */
	uint32_t flags;     /* IORING_SETUP_* in force */
	uint32_t features;  /* IORING_FEAT_* of the kernel */
	int error;          /* why ring_sqe() gave NULL */

	/* completion; *cq_ktail is the kernel's */
	struct io_uring_cqe *cqes __attribute__((aligned(64)));
	uint32_t *cq_ktail;
	uint32_t *cq_khead;
	uint32_t *cq_koverflow;
	uint32_t cq_head;      /* the next completion to look at */
	uint32_t cq_published; /* the head the kernel knows */
	uint32_t cq_mask;
	uint32_t cqe_shift; /* 1 with 32-byte entries */
	bool cq_mixed;      /* entries of both sizes, and filler */
	bool cq_must_enter; /* completions appear only inside the kernel, unannounced */
	bool plain;         /* waiting is one system call, nothing else: see wait.h */
	uint32_t enter_flags;
	int enter_fd; /* a registered index, or fd */
	int clock;    /* of deadlines, CLOCK_MONOTONIC unless ring_clock_register() */

	/* cold */
	const struct ring_system *system;
	int fd; /* -1 with REGISTERED_FD_ONLY */
	int registered_index, registered_by;
	int process;       /* that opened it: a child has its descriptor and nothing else of it */
	uint32_t dropped;  /* wanted IORING_SETUP_* that this kernel does not have */
	uint32_t overflow; /* lost completions already accounted for */
	uint32_t looks;    /* at the queue before a sleep: see ring_look() in submit.c */
	uint32_t full;     /* times an entry was asked for and the kernel had taken none */
	uint32_t *cq_kflags;
	uint32_t sq_entries, cq_entries;
	void *rings, *cq_rings, *sqe_memory;
	size_t rings_size, cq_rings_size, sqe_memory_size;
	bool own_memory;   /* rings lie in the caller's memory */
	void *wait_region; /* of registered waits */
	bool own_region;   /* it is the caller's memory */
	size_t wait_region_size;
	struct ring_capabilities capabilities;
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct ring, error) < 64, "submission has the first cache line");
_Static_assert(offsetof(struct ring, clock) < 128, "completion has the second");

/* What to open; zero is a plain ring.  Designated initialisers make these read well. */
struct ring_options {
	uint32_t entries;    /* submission entries, 1 to 32768; rounded up to a power of two */
	uint32_t cq_entries; /* 0: twice the entries; at most 65536 */
	uint32_t required;   /* IORING_SETUP_*: fail without */
	uint32_t wanted;     /* IORING_SETUP_*: do without if the kernel does not know it */
	uint32_t sq_cpu;     /* with SQPOLL: where the polling thread runs; 0: with SQ_AFF, too */
	uint32_t sq_idle_ms; /* with SQPOLL: sleep after so long; 0: the kernel's second */
	/*
	 * With SQPOLL required: before a wait sleeps, look so many times whether what it waits
	 * for is there, as long as the polling thread is awake.  300 take some 5 us,
	 * and a wait is over in a tenth of the time where that thread has a CPU of its
	 * own; where it has not, they keep it from running.
	 */
	uint32_t sq_looks;
	int attach_fd; /* with ATTACH_WQ: the ring whose polling thread to share */
	/* with NO_MMAP: page-aligned, ring_memory() long; outlives the ring */
	void *memory;
	size_t memory_size;
	const struct ring_system *system;             /* NULL: the kernel */
	const struct ring_capabilities *capabilities; /* NULL: probe */
	struct io_uring_params *ret_params; /* what the kernel filled in; NULL: it is not wanted */
};

struct ring_error {
	const char *what; /* the step that failed: "io_uring_setup" */
	int error;        /* the negative errno */
	char text[256];   /* one sentence for the administrator: what, why, what to do */
};

/*
 * Open a ring.  0, or a negative errno with *error (may be NULL) explaining it;
 * then there is nothing to close, but ring_close() does no harm.
 *
 * NO_SQARRAY is taken where the kernel has it, CQSIZE is implied by cq_entries and SQ_AFF
 * by an sq_cpu other than 0; DEFER_TASKRUN brings SINGLE_ISSUER, and TASKRUN_FLAG where the
 * kernel has it.  A required flag that the module does not know is -EINVAL; SQ_REWIND (7.0)
 * is one: a queue that begins anew at each submit is not what ring_sqe() fills.  Without
 * R_DISABLED the calling thread is the issuer; a SINGLE_ISSUER ring also takes
 * one of the thread's 16 registered ring descriptors if one is free.  A child
 * made by fork(2) does not inherit the mapping.
 */
int ring_open(struct ring *ring, const struct ring_options *options,
	      struct ring_error *error) must_check;

/*
 * A ring that somebody else has set up by io_uring_setup(2): its descriptor, which is the
 * ring's from now on, and what that call filled in (liburing's queue_mmap).  Errors as above;
 * the descriptor is the caller's still then.
 */
int ring_adopt(struct ring *ring, int fd, const struct io_uring_params *params,
	       const struct ring_capabilities *capabilities, struct ring_error *error) must_check;

/*
 * Cancel everything in flight, wait for that (a second at most), free all.  What
 * the kernel held -- a listening socket's port -- is free on return, if the issuer
 * calls it; from another thread a SINGLE_ISSUER ring lets go a little later.  Safe
 * twice and on a ring that never opened.  In a child made by fork(2) it closes the
 * child's descriptor and touches nothing else: the requests are the parent's.
 */
void ring_close(struct ring *ring);

/*
 * As ring_close(), but nothing is cancelled or waited for: the kernel ends what is in
 * flight soon after, a few ms for each thousand.  For rings with very many operations,
 * since cancelling takes 5 us for each, and before 6.6 (RING_CANCEL_OP) the square of
 * their number: 9,000 armed receives 0.6 s.  Cancel by tag what must end now, such as an
 * accept that keeps a port; memory that operations name must stay until the process ends,
 * but for the buffers of a group that is closed (buffers.h).  A ring whose memory is still
 * mapped ends nothing, so this unmaps it first.
 */
void ring_leave(struct ring *ring);

/* An R_DISABLED ring starts working; the calling thread becomes its issuer (5.10). */
int ring_enable(struct ring *ring) must_check;

/* Bytes a ring of these options needs: for NO_MMAP, and against RLIMIT_MEMLOCK. */
size_t ring_memory(const struct ring_options *options);

/* The sentence for a failed step of set-up (see struct ring_error). */
void ring_explain(struct ring_error *ret_error, const char *what, int error,
		  const struct ring_options *options);

/* Has the ring's kernel this feature, and was it not switched off? */
static inline bool ring_has(const struct ring *ring, enum ring_feature feature)
{
	return ring->capabilities.have[feature / 64] >> (feature % 64) & 1;
}

/* ---- submission ----------------------------------------------------------- */

/* Make room for count entries by submitting; false sets ring->error. */
bool ring_make_room(struct ring *ring, uint32_t count);

/*
 * The next free entry; submits first when the queue is full.  It is NOT zeroed
 * and must be filled by a ring_prep_ function, which writes all 64 bytes, before
 * the next submit.  NULL only when the kernel takes nothing (ring->error: -EAGAIN
 * and -EBUSY mean reap completions and try again, others are final).
 */
static inline struct io_uring_sqe *ring_sqe(struct ring *ring)
{
	if (unlikely(ring->sq_tail - ring->sq_head > ring->sq_mask) && !ring_make_room(ring, 1))
		return NULL;
	return &ring->sqes[(size_t)(ring->sq_tail++ & ring->sq_mask) << ring->sqe_shift];
}

/*
 * The same, and the next count - 1 calls of ring_sqe() are certain to succeed
 * without a submit between them: a chain stays whole.  count at most the queue's
 * entries (-EINVAL in ring->error).
 */
static inline struct io_uring_sqe *ring_sqe_reserve(struct ring *ring, unsigned count)
{
	if (unlikely(ring->sq_tail - ring->sq_head + count > ring->sq_mask + 1) &&
	    !ring_make_room(ring, count))
		return NULL;
	return ring_sqe(ring);
}

/*
 * A 128-byte entry: the next one of an SQE128 ring, two slots side by side of an SQE_MIXED
 * one (6.19), where a slot too few before the end of the queue becomes a NOP without a
 * completion.  Fill it by ring_prep_nop128() or ring_prep_cmd128() (in an SQE128 ring, by
 * any).  NULL as ring_sqe(); -EINVAL in ring->error where the ring has none of that size.
 */
struct io_uring_sqe *ring_sqe128(struct ring *ring);

/* Take back the last count entries, handed out but not yet submitted. */
static inline void ring_sqe_unget(struct ring *ring, unsigned count)
{
	assert(count <= ring->sq_tail - ring->sq_published);
	ring->sq_tail -= count;
}

/* Which slot an entry is, below ring->sq_entries: for arrays that run beside the queue. */
static inline uint32_t ring_sqe_index(const struct ring *ring, const struct io_uring_sqe *sqe)
{
	return (uint32_t)(sqe - ring->sqes) >> ring->sqe_shift;
}

/* Entries handed out that the kernel has not taken, by its own head. */
static inline unsigned ring_sq_ready(const struct ring *ring)
{
	return ring->sq_tail - __atomic_load_n(ring->sq_khead, __ATOMIC_ACQUIRE);
}

/* Entries that can be taken without a submit. */
static inline unsigned ring_sq_space(const struct ring *ring)
{
	return ring->sq_mask + 1 - ring_sq_ready(ring);
}

/*
 * Give the kernel everything prepared.  The number of entries it took, or a
 * negative errno; what it did not take stays queued and goes with the next call.
 * With SQPOLL: the number published; the polling thread is woken if it sleeps.
 */
int ring_submit(struct ring *ring);

/*
 * With SQPOLL, when the queue is full: wait until the polling thread has taken something; the
 * entries that are free then.  Otherwise -EINVAL (5.10).
 */
int ring_sq_wait(struct ring *ring);

/*
 * Of a wait that sleeps: whether its time counts as waiting for a disk, as it does unless
 * said otherwise.  It raises the clock of a processor that has nothing else to do, and
 * monitoring shows it as load (6.15).  0 or -EOPNOTSUPP.
 */
int ring_iowait(struct ring *ring, bool counts);

/* To wait as well: wait.h. */

enum ring_error_class {
	RING_ERROR_NONE,
	RING_ERROR_RETRY, /* EINTR EAGAIN EBUSY ENOMEM ETIME: reap, try again */
	RING_ERROR_LOST,  /* EBADR: completions are gone, the ring works on */
	RING_ERROR_FATAL, /* the ring is of no use any more */
	RING_ERROR_BUG,   /* EINVAL EFAULT EEXIST: the caller did what it must not */
};

/* What a negative errno of the calls above means for the caller. */
enum ring_error_class ring_error_class(int error);

#endif
