/*
 * Coalescing completions: when many connections are busy, wait for several.
 *
 * A worker that is faster than its peers has dealt with one message before the next
 * one comes.  It then sleeps and is woken for each: two switches of its own, a
 * wake-up that the peer pays for, caches that each in turn finds cold.  That was a
 * third of the CPU of a small request.  Network cards have the same trouble with
 * interrupts, and the same remedy: where many come, one for several of them.
 *
 *   completions   | | | |     | |  |  | | |                  |
 *   turns                 ^                ^                 ^
 *                         as many as asked, or `coalesce` is over; or few are busy
 *
 * How many: half of the connections whose peer has something to answer, for with one
 * half of them here and the other with the peers nobody is idle.  By Little's law
 * that takes at most a quarter of the time that the peers themselves need to answer,
 * so fast answers are never waited for, and what is added to slow ones is little.
 * Of these connections only those count that said something lately: others have asked
 * for something that takes its time.  But no more than are likely within `coalesce`,
 * and where that is less than four there is no waiting, for there is nothing to be
 * gained.  (Where peers are unlike each other, the fast ones wait for slow ones, and
 * at most `coalesce`.)
 *
 * All this needs a kernel that can sleep until several have come (6.12).  Others wake
 * the thread for each, and it would wait on top of that.
 *
 * What is likely is what was so in the last window, of two milliseconds or more.  Now
 * and then eight of them are without waiting, to see whether it is worth it: where the
 * worker sleeps often, or where the completions of each session are much further apart
 * than the wait.  Otherwise they come several at a time by themselves -- the worker is
 * slower than its peers, or waits for a CPU that they use -- and waiting as well would
 * only cost time: where 64 HTTP connections keep worker and peers busy, 1.3 times the
 * 99th percentile for no CPU.
 */
#ifndef NET_COALESCE_H
#define NET_COALESCE_H

#include "base/compiler.h"

struct coalesce {
	uint32_t batch;       /* completions to wait for; 1: any */
	uint32_t asked;       /* of the last wait; 0: it was cut short */
	uint32_t sends;       /* since the last wait, that say so when they succeed */
	uint32_t awaited;     /* sessions whose peer has something to answer */
	uint32_t left;        /* windows with waiting, before a trial without */
	uint32_t window;      /* its number, the mark of the sessions counted in it */
	uint64_t began_ns;    /* and what was in it: */
	uint64_t awaited_sum; /* over its turns */
	uint32_t turns;
	uint32_t completions;
	uint32_t busy; /* sessions with a completion */
	struct trial {
		uint32_t windows;                   /* the how many-th; 0: there is none */
		uint64_t completions, busy, likely; /* in all of them */
		uint64_t sleeps;                    /* of the worker before it */
	} trial;
	uint64_t (*count_sleeps)(void);
};

/* count_sleeps: of this thread, asked some fifty times a second at most. */
void coalesce_init(struct coalesce *coalesce, uint64_t now_ns, uint64_t (*count_sleeps)(void));

/* A completion of a session, whose own the mark is. */
static inline void coalesce_saw(struct coalesce *coalesce, uint32_t *mark)
{
	coalesce->busy += *mark != coalesce->window;
	*mark = coalesce->window;
}

/* Whether a session's peer has something to answer from now on; the mark is the session's own. */
static inline void coalesce_await(struct coalesce *coalesce, bool *mark, bool awaited)
{
	coalesce->awaited += (uint32_t)awaited - (uint32_t)*mark;
	*mark = awaited;
}

/* A send was prepared that says so when it succeeds, which is at once: not what is waited for. */
static inline void coalesce_sent(struct coalesce *coalesce)
{
	coalesce->sends++;
}

/*
 * How long completions may be waited for, in us: wait_us at most, and not past a deadline
 * of the monotonic clock, in ns, RING_NOW or RING_NEVER, which the kernel does not look at
 * before that.
 */
uint32_t coalesce_patience(const struct coalesce *coalesce, uint64_t deadline, uint32_t wait_us);

/*
 * Completions to wait for, this once, for patience_us, which is wait_us or, where the
 * worker has something to do before that, less.
 */
static inline uint32_t coalesce_batch(struct coalesce *coalesce, uint32_t patience_us,
				      uint32_t wait_us)
{
	uint32_t count = 1;

	if (coalesce->batch > 1 && patience_us)
		count = coalesce->batch + coalesce->sends;
	coalesce->asked = patience_us == wait_us ? count : 0;
	coalesce->sends = 0;
	return count;
}

/* After a turn that brought so many, at now_ns; wait_us: how long one may wait, 0: not at all. */
void coalesce_turn(struct coalesce *coalesce, uint64_t now_ns, uint32_t completions,
		   uint32_t wait_us);

#endif
