/*
 * What can be registered with a ring, besides buffer rings (buffers.h).
 *
 * Everything returns 0 (or a count, where said) or a negative errno, and must be
 * called by the ring's issuer.  What is registered goes with the ring.  A kernel
 * that lacks one of these answers -EINVAL; ask ring_has() first.
 */
#ifndef RING_REGISTER_H
#define RING_REGISTER_H

#include "ring/wait.h"

#include <sched.h>
#include <sys/uio.h>

/* io_uring_register(2) itself, for what has no function here (network queues, say). */
int ring_enlist(const struct ring *ring, uint32_t operation, const void *argument, uint32_t count);

/*
 * Reach the ring by an index instead of a descriptor: cheaper, valid in the calling
 * thread only, 16 to a thread (5.18).  ring_open() and ring_enable() do it for
 * SINGLE_ISSUER rings.  0 also when all indices are taken: the descriptor serves.
 */
void ring_register_self(struct ring *ring);
/* Back to the descriptor; by the thread that registered it. */
void ring_unregister_self(struct ring *ring);

/*
 * Close the descriptor: the ring is reached by its index from now on, by this thread alone,
 * and takes no place in the table of descriptors (6.3).  0; -EOPNOTSUPP; RING_CLOSED where
 * it has no index.  ring_close() as usual, by this thread.
 */
int ring_close_descriptor(struct ring *ring) must_check;

/* ---- files: ring_sqe_fixed_file(), ring_sqe_direct() ---------------------- */

/*
 * The table of fds (-1: an empty slot).  The descriptors may be closed afterwards.
 * tags (NULL: none, else one for each; 5.13): a slot with a tag posts a completion
 * with it as user_data once its file is no longer used.
 */
int ring_files_register(struct ring *ring, const int *fds, const uint64_t *tags,
			uint32_t count) must_check;
/* A table of empty slots (5.19); at most RLIMIT_NOFILE. */
int ring_files_sparse(struct ring *ring, uint32_t count) must_check;
/* Set slots from offset on (-1 empties, IORING_REGISTER_FILES_SKIP leaves); the number set. */
int ring_files_update(struct ring *ring, uint32_t offset, const int *fds, const uint64_t *tags,
		      uint32_t count) must_check;
/* Where RING_SLOT_ANY may look (6.0). */
int ring_files_alloc_range(struct ring *ring, uint32_t offset, uint32_t count) must_check;
/* Give up the table; what is in flight on its files keeps them.  -ENXIO: there is none. */
int ring_files_unregister(struct ring *ring);

/* ---- registered buffers: the _fixed operations ---------------------------- */

/* Pin buffers, at most 16384 of at most 1 GiB; counts against RLIMIT_MEMLOCK.  tags as above. */
int ring_fixed_register(struct ring *ring, const struct iovec *buffers, const uint64_t *tags,
			uint32_t count) must_check;
/* A table of empty slots (5.19). */
int ring_fixed_sparse(struct ring *ring, uint32_t count) must_check;
/* A buffer of NULL and 0 empties the slot; the number set. */
int ring_fixed_update(struct ring *ring, uint32_t offset, const struct iovec *buffers,
		      const uint64_t *tags, uint32_t count) must_check;
/*
 * Share count buffers of another ring, from its slot source_offset on, into ours
 * from offset on; count 0: all of them (6.12, with offsets 6.13).  flags may hold
 * IORING_REGISTER_DST_REPLACE.
 */
int ring_fixed_clone(struct ring *ring, const struct ring *source, uint32_t source_offset,
		     uint32_t offset, uint32_t count, uint32_t flags) must_check;
/* Unpin them all.  -ENXIO: there are none. */
int ring_fixed_unregister(struct ring *ring);

/* ---- being told, being somebody ------------------------------------------- */

/*
 * Count completions in an eventfd, for a loop of another kind; async: only those
 * not found at submission (5.6).  With DEFER_TASKRUN they appear in the queue only
 * after ring_submit_wait().
 */
int ring_eventfd_register(struct ring *ring, int fd, bool async) must_check;
/* Count no more.  -ENXIO: there is none. */
int ring_eventfd_unregister(struct ring *ring);
/* Silence it for a while (5.8). */
void ring_eventfd_enable(struct ring *ring, bool enable);

/* The id of the caller's credentials, for ring_sqe_personality() (5.6). */
int ring_personality_register(struct ring *ring) must_check;
/* Forget them.  -EINVAL: no such id. */
int ring_personality_unregister(struct ring *ring, int id);

/* Allow only what restrictions list, from ring_enable() on (5.10, R_DISABLED). */
int ring_restrict(struct ring *ring, const struct io_uring_restriction *restrictions,
		  uint32_t count) must_check;

/* ---- kernel threads, busy polling, time ----------------------------------- */

/* Where the kernel's worker threads may run (5.14); NULL: anywhere again. */
int ring_iowq_affinity(struct ring *ring, const cpu_set_t *cpus, size_t size) must_check;
/* At most so many, bounded and unbounded; 0 leaves it; the limits before come back (5.15). */
int ring_iowq_limits(struct ring *ring, uint32_t *bounded, uint32_t *unbounded) must_check;

/*
 * Poll the network card for so long before sleeping (6.9).  tracking: which queues,
 * IO_URING_NAPI_TRACKING_DYNAMIC: those of the sockets in use; STATIC: those given
 * by ring_napi_id() (6.13).  What was set before comes back.
 */
int ring_napi_register(struct ring *ring, uint32_t *timeout_us, bool *prefer,
		       uint32_t tracking) must_check;
/* Add a queue (SO_INCOMING_NAPI_ID) to those polled, or remove it (6.13). */
int ring_napi_id(struct ring *ring, uint32_t id, bool add) must_check;
/* Poll no more; what was set comes back, NULL: it is not wanted. */
int ring_napi_unregister(struct ring *ring, uint32_t *ret_timeout_us, bool *ret_prefer);

/* The clock of deadlines: CLOCK_MONOTONIC or CLOCK_BOOTTIME (6.12). */
int ring_clock_register(struct ring *ring, int clock) must_check;

/* ---- registered waits (6.13) ---------------------------------------------- */

/*
 * Room for count sets of wait arguments that the kernel need not copy.  Before
 * ring_enable(); once per ring.
 */
int ring_waits_open(struct ring *ring, uint32_t count) must_check;
/* The same in the caller's memory: whole pages, which outlive the ring. */
int ring_waits_open_in(struct ring *ring, void *memory, size_t size) must_check;
/*
 * Show the kernel a region of the caller's memory, for what refers to it by offsets: flags
 * IORING_MEM_REGION_* (6.13).  One to a ring; ring_waits_open() takes it.
 */
int ring_region_register(struct ring *ring, void *memory, size_t size, uint64_t flags) must_check;
/* Fill set index: what ring_submit_wait_mask() takes. */
void ring_waits_set(struct ring *ring, uint32_t index, uint64_t deadline_ns, uint32_t min_wait_us,
		    const uint64_t *mask);
/* Wait by set index. */
struct ring_wait ring_submit_wait_index(struct ring *ring, uint32_t min_complete, uint32_t index);

/* ---- asking (6.18) -------------------------------------------------------- */

/*
 * What the kernel says of itself: IO_URING_QUERY_*, into the structure of that name.  The
 * bytes it filled in, or a negative errno (-EINVAL: an older kernel; -EOPNOTSUPP: it does not
 * know the question).
 */
int ring_query(uint32_t what, void *ret_answer, uint32_t size) must_check;

/* ---- size, cancelling ----------------------------------------------------- */

/*
 * New sizes for a DEFER_TASKRUN ring (6.13); entries and completions not yet read
 * move along.  -EOVERFLOW: they do not fit.  Should the new rings not be mapped,
 * the ring is finished: that error, then -EBADF from every call; close it.
 */
int ring_resize(struct ring *ring, uint32_t entries, uint32_t cq_entries) must_check;
/*
 * The same with 0 for a queue that stays as it is, and flags: IORING_SETUP_CLAMP takes what
 * is too large for the greatest there is.
 */
int ring_resize_with(struct ring *ring, uint32_t entries, uint32_t cq_entries,
		     uint32_t flags) must_check;

/*
 * Cancel now, and wait until it is done or timeout_ns has passed (RING_NEVER): by
 * user_data, or with flags IORING_ASYNC_CANCEL_FD, _ANY, _ALL (6.0).  0 or the
 * number found; -ENOENT; -ETIME; -EINVAL with IORING_ASYNC_CANCEL_OP, for which the next
 * one is.  The completions come as usual.
 */
int ring_cancel_sync(struct ring *ring, uint64_t user_data, int fd, uint32_t flags,
		     uint64_t timeout_ns);
/* The same of requests of one operation (IORING_OP_*; 6.6): one, or with _ALL all of them. */
int ring_cancel_sync_op(struct ring *ring, enum io_uring_op operation, uint32_t flags,
			uint64_t timeout_ns);

#endif
