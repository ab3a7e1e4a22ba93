/*
 * Submission and waiting: what needs the kernel.
 *
 * Without SQPOLL the kernel moves its head only inside our calls, so ring->sq_head
 * is exact; it is still read back after each call and never computed, so whatever
 * the kernel left behind is offered again next time.
 */
#include "ring/internal.h"

#include "ring/prepare.h"

#include <string.h>

/*
 * Must the polling thread be woken?  It sets NEED_WAKEUP, then looks at the tail
 * once more; we store the tail, then look at the flag.  Each needs the full fence
 * between its store and its load, or both may miss the other's.
 */
static uint32_t ring_wakeup_flag(struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_load_relaxed(ring->sq_kflags) & IORING_SQ_NEED_WAKEUP ? IORING_ENTER_SQ_WAKEUP
									  : 0;
}

int ring_enter_failed(struct ring *ring, int error)
{
	/* Another thread's index is unknown here: the mistake is the one of -EEXIST. */
	if ((error == -EBADF || error == -EINVAL) && ring->registered_index >= 0 &&
	    ring->system->thread(ring->system->context) != ring->registered_by)
		return -EEXIST;
	return error;
}

static int ring_submit_polled(struct ring *ring)
{
	uint32_t count = ring->sq_tail - ring->sq_published, flags = 0;
	int r = 0;

	ring_publish(ring);
	if (ring->sq_published != ring_load_acquire(ring->sq_khead))
		flags = ring_wakeup_flag(ring);
	if (ring_load_relaxed(ring->sq_kflags) & IORING_SQ_CQ_OVERFLOW)
		flags |= IORING_ENTER_GETEVENTS;
	if (flags)
		r = ring_enter(ring, ring->sq_published - ring->sq_head, 0, flags, NULL, 0);
	return r < 0 ? r : (int)count;
}

int ring_submit(struct ring *ring)
{
	uint32_t first = ring->sq_head, flags = 0;
	int r = 0;

	if (unlikely(ring->enter_fd < 0))
		return RING_CLOSED;
	if (ring->flags & IORING_SETUP_SQPOLL)
		return ring_submit_polled(ring);

	ring_publish(ring);
	if (ring_load_relaxed(ring->sq_kflags) & IORING_SQ_CQ_OVERFLOW)
		flags = IORING_ENTER_GETEVENTS;
	while (ring->sq_tail != ring->sq_head || flags) {
		uint32_t before = ring->sq_head;
		r = ring_enter(ring, ring->sq_tail - before, 0, flags, NULL, 0);
		ring->sq_head = ring_load_acquire(ring->sq_khead);
		if (r < 0 || ring->sq_head == before)
			break;
		flags = 0;
	}
	return ring->sq_head != first ? (int)(ring->sq_head - first) : r < 0 ? r : 0;
}

static bool ring_has_room(struct ring *ring, uint32_t count)
{
	ring->sq_head = ring_load_acquire(ring->sq_khead);
	return ring->sq_tail - ring->sq_head + count <= ring->sq_mask + 1;
}

bool ring_make_room(struct ring *ring, uint32_t count)
{
	int r = -EINVAL;

	if (ring->enter_fd < 0) {
		ring->error = RING_CLOSED;
		return false;
	}
	if (count <= ring->sq_mask + 1) {
		if (ring_has_room(ring, count))
			return true;
		ring->full++;
		r = ring_submit(ring);
	}
	while (r >= 0 || r == -EINTR) {
		if (ring_has_room(ring, count))
			return true;
		if (!(ring->flags & IORING_SETUP_SQPOLL)) {
			r = r < 0 ? r : -EBUSY;
			break;
		}
		r = ring_enter(ring, 0, 0, IORING_ENTER_SQ_WAIT | ring_wakeup_flag(ring), NULL, 0);
	}
	ring->error = r;
	return false;
}

struct io_uring_sqe *ring_sqe128(struct ring *ring)
{
	uint32_t last = ring->sq_mask, pad;
	struct io_uring_sqe *sqe;

	if (ring->flags & IORING_SETUP_SQE128)
		return ring_sqe(ring);
	if (!(ring->flags & IORING_SETUP_SQE_MIXED) || last == 0) {
		ring->error = -EINVAL;
		return NULL;
	}
	pad = (ring->sq_tail & last) == last;
	if (last == 1 && pad) { /* the two of them are the queue: it has to be empty first */
		sqe = ring_sqe(ring);
		if (!sqe)
			return NULL;
		ring_prep_nop(sqe);
		ring_sqe_skip_success(sqe);
		pad = 0;
	}
	sqe = ring_sqe_reserve(ring, 2 + pad);
	if (!sqe)
		return NULL;
	if (pad) {
		ring_prep_nop(sqe);
		ring_sqe_skip_success(sqe);
		sqe = ring_sqe(ring);
	}
	(void)ring_sqe(ring);
	return sqe;
}

/* Slots filled, filler included: what the kernel counts by. */
static uint32_t ring_slots_ready(const struct ring *ring)
{
	return ring_load_acquire(ring->cq_ktail) - ring->cq_head;
}

/* Is there something only the kernel can bring into the queue?  A wait that slept has polled. */
static bool ring_work_waits(const struct ring *ring, bool polled)
{
	return (ring->cq_must_enter && !(polled && ring->flags & IORING_SETUP_IOPOLL)) ||
	       (ring_load_relaxed(ring->sq_kflags) & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN));
}

/*
 * Bring in all of it.  The kernel runs 20 deferred items a call and says in the
 * flags word when some are left; each further call costs a seventh of a
 * microsecond.  (It runs more if more completions are asked for, but a call that
 * then finds fewer programs a timer to end its wait, even one of no time at all:
 * 17 microseconds on a virtual machine.)  Bounded by what the queue can hold, and
 * by calls that bring nothing.
 */
int ring_run_deferred(struct ring *ring)
{
	/* Work without a completion is rare; a flag that means nothing is left by a resize. */
	unsigned barren = ring->cq_must_enter ? 1 : 8;
	int r;

	do {
		uint32_t before = ring_slots_ready(ring);
		r = ring_enter(ring, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0);
		if (ring_slots_ready(ring) == before)
			barren--;
	} while (r >= 0 && barren > 0 && ring_slots_ready(ring) < ring->cq_entries &&
		 (ring->cq_must_enter || ring_load_relaxed(ring->sq_kflags) & IORING_SQ_TASKRUN));
	return r;
}

/* One io_uring_enter() that sleeps until count slots are filled. */
static inline __attribute__((always_inline)) int ring_sleep(struct ring *ring, uint32_t to_submit,
							    uint32_t count, uint32_t flags,
							    const struct ring_want *want)
{
	struct io_uring_getevents_arg argument = {0};
	struct __kernel_timespec ts;

	flags |= IORING_ENTER_GETEVENTS;
	if (want->slot) {
		/* by its place in the region, as if that were an address */
		size_t offset =
			(size_t)((unsigned char *)want->slot - (unsigned char *)ring->wait_region);
		flags |= IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG | IORING_ENTER_ABS_TIMER;
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): the interface has it so */
		return ring_enter(ring, to_submit, count, flags, (const void *)offset,
				  sizeof(*want->slot));
	}
	if (want->deadline_ns == RING_NEVER && !want->min_wait_us && !want->mask)
		return ring_enter(ring, to_submit, count, flags, NULL, 0);
	if (!(ring->features & IORING_FEAT_EXT_ARG))
		return -EOPNOTSUPP;

	flags |= IORING_ENTER_EXT_ARG;
	if (want->mask) {
		argument.sigmask = ring_address(want->mask);
		argument.sigmask_sz = sizeof(*want->mask);
	}
	argument.min_wait_usec = want->min_wait_us;
	if (want->deadline_ns != RING_NEVER) {
		uint64_t left = want->deadline_ns;
		if (ring_has(ring, RING_ABS_TIMER)) {
			flags |= IORING_ENTER_ABS_TIMER;
		} else {
			uint64_t now = ring->system->now(ring->system->context, ring->clock);
			left = left > now ? left - now : 0;
		}
		ts.tv_sec = (int64_t)(left / 1000000000);
		ts.tv_nsec = (int64_t)(left % 1000000000);
		argument.ts = ring_address(&ts);
	}
	return ring_enter(ring, to_submit, count, flags, &argument, sizeof(argument));
}

/*
 * The kernel returned from a sleep with too few completions and without saying
 * why: it reports what it submitted instead, or that there are some.  *ret_again: it says
 * that there is nothing at all, so it was no signal, which it would have named: a polled
 * ring that gave up for a moment, or a timeout whose completion was skipped.
 */
static int ring_why_awake(struct ring *ring, const struct ring_want *want, int r, bool *ret_again)
{
	if (want->deadline_ns != RING_NEVER &&
	    ring->system->now(ring->system->context, ring->clock) >= want->deadline_ns)
		return -ETIME;
	*ret_again = r == 0 && ring_slots_ready(ring) == 0 &&
		     (want->keeps || ring->sq_head == ring->sq_published);
	return *ret_again ? 0 : -EINTR;
}

/*
 * After a call that gave r: 0 or a negative errno.  *ret_again: entries are left
 * that the kernel may take in another.
 */
static inline __attribute__((always_inline)) int
ring_stepped(struct ring *ring, const struct ring_want *want, int r, bool slept, bool *ret_again)
{
	uint32_t before = ring->sq_head, ready;

	if (!want->keeps) /* another thread may be submitting: shared.h */
		ring->sq_head = ring_load_acquire(ring->sq_khead);
	if (r < 0)
		return r;
	/* It stops at a bad entry, without waiting; the others are still there. */
	*ret_again = !want->keeps && !(ring->flags & IORING_SETUP_SQPOLL) &&
		     ring->sq_head != before && ring->sq_head != ring->sq_published;
	if (unlikely(*ret_again) || !slept)
		return 0;
	ready = ring_cq_ready(ring);
	if (likely(ready >= want->min_complete) || (want->min_wait_us && ready))
		return 0;
	return ring_why_awake(ring, want, r, ret_again);
}

/* One call into the kernel, if one is needed. */
static inline __attribute__((always_inline)) int
ring_step(struct ring *ring, const struct ring_want *want, bool *ret_again, bool *ret_slept)
{
	bool polled = ring->flags & IORING_SETUP_SQPOLL;
	/* One look at the tail: a completion between two would be waited for twice. */
	uint32_t end = ring_load_acquire(ring->cq_ktail), ready = ring_cq_count(ring, end);
	uint32_t to_submit, flags = 0;
	bool sleep = ready < want->min_complete && want->deadline_ns != RING_NOW;
	int r;

	*ret_again = false;
	*ret_slept = sleep;
	to_submit = want->keeps ? 0
		    : polled    ? ring->sq_published - ring_load_acquire(ring->sq_khead)
				: ring->sq_published - ring->sq_head;
	if (unlikely(polled) && to_submit)
		flags = ring_wakeup_flag(ring);
	if (!sleep && !flags && (polled || !to_submit))
		return 0; /* deferred work is run by the caller */

	if (sleep) {
		uint32_t missing = want->min_complete - ready;
		r = ring_sleep(ring, to_submit, end - ring->cq_head + missing, flags, want);
	} else {
		if (ring->flags & IORING_SETUP_DEFER_TASKRUN)
			flags |= IORING_ENTER_GETEVENTS; /* what completes at once need not wait */
		r = ring_enter(ring, to_submit, 0, flags, NULL, 0);
	}
	return ring_stepped(ring, want, r, sleep, ret_again);
}

/* The end of a wait whose last step gave r: deferred work, and what came of it all. */
static inline __attribute__((always_inline)) struct ring_wait
ring_waited(struct ring *ring, const struct ring_want *want, uint32_t first, int r, bool slept)
{
	bool polled = ring->flags & IORING_SETUP_SQPOLL;
	struct ring_wait result;

	if (unlikely(ring_work_waits(ring, slept && r == 0))) {
		int ran = ring_run_deferred(ring);
		if (ran < 0 && ran != -EINTR && r >= 0)
			r = ran;
	}
	result.submitted = want->keeps ? 0 : (polled ? ring->sq_published : ring->sq_head) - first;
	result.ready = ring_cq_ready(ring);
	if (unlikely(r == -ETIME || r == -EINTR) && result.ready >= want->min_complete)
		r = 0;
	result.error = r;
	return result;
}

/* A polling thread that is awake is mostly done before we were asleep: ring_options.sq_looks. */
static void ring_look(const struct ring *ring, const struct ring_want *want)
{
	for (unsigned i = 0; i < ring->looks; i++) {
		if (ring_cq_ready(ring) >= want->min_complete ||
		    ring_load_relaxed(ring->sq_kflags) & IORING_SQ_NEED_WAKEUP)
			break;
		ring_relax();
	}
}

static inline __attribute__((always_inline)) struct ring_wait
ring_wait_inline(struct ring *ring, const struct ring_want *want)
{
	bool polled = ring->flags & IORING_SETUP_SQPOLL, again, slept;
	uint32_t first = polled ? ring->sq_published : ring->sq_head;
	int r;

	if (unlikely(ring->enter_fd < 0))
		return (struct ring_wait){.error = RING_CLOSED};
	ring_cq_release(ring);
	if (likely(!want->keeps))
		ring_publish(ring);
	if (unlikely(ring->looks) && want->deadline_ns != RING_NOW)
		ring_look(ring, want);
	do
		r = ring_step(ring, want, &again, &slept);
	while (unlikely(again));
	return ring_waited(ring, want, first, r, slept);
}

static inline struct ring_want ring_want(const struct ring *ring, uint32_t min_complete,
					 uint64_t deadline_ns, uint32_t min_wait_us,
					 const uint64_t *mask)
{
	return (struct ring_want){
		.min_complete = min_complete < ring->cq_entries ? min_complete : ring->cq_entries,
		.min_wait_us = min_wait_us && ring_has(ring, RING_MIN_WAIT) ? min_wait_us : 0,
		.deadline_ns = deadline_ns,
		.mask = mask,
	};
}

struct ring_wait ring_wait_for(struct ring *ring, const struct ring_want *want)
{
	return ring_wait_inline(ring, want);
}

/* Without a call in between, see syscall.h: an event loop with a deadline turns on it. */
struct ring_wait ring_submit_wait_mask(struct ring *ring, uint32_t min_complete,
				       uint64_t deadline_ns, uint32_t min_wait_us,
				       const uint64_t *mask)
{
	struct ring_want want = ring_want(ring, min_complete, deadline_ns, min_wait_us, mask);

	return ring_wait_inline(ring, &want);
}

struct ring_wait ring_await(struct ring *ring, uint32_t min_complete, uint64_t deadline_ns,
			    uint32_t min_wait_us)
{
	struct ring_want want = ring_want(ring, min_complete, deadline_ns, min_wait_us, NULL);

	want.keeps = true;
	return ring_wait_for(ring, &want);
}

int ring_sq_wait(struct ring *ring)
{
	int r = 0;

	if (ring->enter_fd < 0)
		return RING_CLOSED;
	if (!(ring->flags & IORING_SETUP_SQPOLL))
		return -EINVAL;
	while (!ring_has_room(ring, 1)) {
		ring_publish(ring);
		r = ring_enter(ring, 0, 0, IORING_ENTER_SQ_WAIT | ring_wakeup_flag(ring), NULL, 0);
		if (r < 0)
			return r;
	}
	return (int)ring_sq_space(ring);
}

struct ring_wait ring_wait_rest(struct ring *ring, uint32_t min_complete, uint32_t first, int r)
{
	struct ring_want want = ring_want(ring, min_complete, RING_NEVER, 0, NULL);
	bool again = false, slept = true;

	ring->sq_head = first;
	if (r < 0)
		r = ring_enter_failed(ring, r);
	r = ring_stepped(ring, &want, r, true, &again);
	while (again)
		r = ring_step(ring, &want, &again, &slept);
	return ring_waited(ring, &want, first, r, slept);
}

enum ring_error_class ring_error_class(int error)
{
	switch (error < 0 ? -error : 0) {
	case 0:
		return RING_ERROR_NONE;
	case EINTR:
	case EAGAIN:
	case EBUSY:
	case ENOMEM:
	case ETIME:
		return RING_ERROR_RETRY;
	case EBADR:
		return RING_ERROR_LOST;
	case EINVAL:
	case EFAULT:
	case EEXIST:
		return RING_ERROR_BUG;
	default:
		return RING_ERROR_FATAL;
	}
}
