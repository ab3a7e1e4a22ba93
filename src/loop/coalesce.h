/*
 * Coalescing completions: where answers take their time anyway, wait for several.
 *
 * A worker that is faster than its peers has dealt with one message before the next
 * one comes.  It then sleeps and is woken for each: two switches of its own, a
 * wake-up that the peer pays for, caches that each in turn finds cold.  Network cards
 * have the same trouble with interrupts, and the same remedy: where many come, one for
 * several of them.
 *
 *   completions   | | | |     | |  |  | | |                  |
 *   turns                 ^                ^                 ^
 *                         as many as are likely, or `coalesce` is over; or few come
 *
 * What is saved is paid for in latency, and whether that is a good bargain cannot be
 * seen from here: a client that asks again as soon as it is answered may gain by it,
 * one that asks at times of its own only waits, and both look alike -- the rate is what
 * it is, and the worker sleeps between any two messages.  So one waits only where that
 * is little beside what servers take to answer: in the last window, of two milliseconds
 * or more, nine in ten answers took twenty times as long, or longer.  A message waits
 * half of `coalesce` on average, once on its way up and once on its way down, which is
 * then a twentieth of what its client waits for the server alone.
 *
 * What a service here says is an answer that took no time, and so is what a server says
 * unasked, for who knows when that began: another piece of a large answer, or news.
 *
 * Servers that take 5 ms, messages sent at times fixed in advance, 20,000 and 40,000 a
 * second: CPU per message 0.74 and 0.78 of that without waiting among 256 connections,
 * 0.79 and 0.90 among 1,000; the 50th percentile of the latency 1.04, the 99th 1.03-1.09.
 *
 * One waits for as many completions as came in so much time in that window, and where
 * that is less than four there is no waiting, for there is nothing to be gained.
 *
 * All this needs a kernel that can sleep until several have come (6.12).  Others wake
 * the thread for each, and it would wait on top of that.
 */
#ifndef LOOP_COALESCE_H
#define LOOP_COALESCE_H

#include "base/compiler.h"

struct coalesce {
	uint32_t wait_us;  /* how long one may wait; 0: not at all */
	uint32_t batch;    /* completions to wait for; 1: any */
	uint32_t asked;    /* of the last wait; 0: it was cut short */
	uint32_t sends;    /* since the last wait, that say so when they succeed */
	uint64_t now_ns;   /* when this turn began */
	uint64_t began_ns; /* when the window did; and what was in it: */
	uint32_t completions;
	uint32_t answers, quick; /* all of them, and those that came sooner than ... */
	uint64_t far_ns;
};

void coalesce_init(struct coalesce *coalesce, uint64_t now_ns, uint32_t wait_us);

/* A turn begins. */
static inline void coalesce_begin(struct coalesce *coalesce, uint64_t now_ns)
{
	coalesce->now_ns = now_ns;
}

/* A server was asked something; the time is kept by the session, 0 at first. */
static inline void coalesce_asked(const struct coalesce *coalesce, uint64_t *asked_ns)
{
	*asked_ns = coalesce->now_ns;
}

/* ... and said something, asked or not. */
static inline void coalesce_answered(struct coalesce *coalesce, uint64_t *asked_ns)
{
	coalesce->answers++;
	coalesce->quick += !*asked_ns || coalesce->now_ns - *asked_ns < coalesce->far_ns;
	*asked_ns = 0;
}

/* A send was prepared that says so when it succeeds, which is at once: not what is waited for. */
static inline void coalesce_sent(struct coalesce *coalesce)
{
	coalesce->sends++;
}

/*
 * How long completions may be waited for, in us, from now on: not past a deadline of the
 * monotonic clock, in ns, RING_NOW or RING_NEVER, which the kernel does not look at before
 * that.
 */
uint32_t coalesce_patience(const struct coalesce *coalesce, uint64_t deadline, uint64_t now_ns);

/*
 * Completions to wait for, this once, for patience_us, which is wait_us or, where the
 * worker has something to do before that, less.
 */
static inline uint32_t coalesce_batch(struct coalesce *coalesce, uint32_t patience_us)
{
	uint32_t count = 1;

	if (coalesce->batch > 1 && patience_us)
		count = coalesce->batch + coalesce->sends;
	coalesce->asked = patience_us == coalesce->wait_us ? count : 0;
	coalesce->sends = 0;
	return count;
}

/* The turn that began brought so many completions. */
void coalesce_turn(struct coalesce *coalesce, uint32_t completions);

#endif
