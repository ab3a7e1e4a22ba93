#include "net/coalesce.h"

#include "base/clock.h"
#include "ring/ring.h"

#define WINDOW_NS 2000000u /* at least, and twice as long as FAR needs to be seen */
#define WINDOWS   200      /* with waiting, */
#define TRIAL     8        /* and without */
#define LEAST     4        /* completions; fewer are not worth waiting for */
#define MOST      64       /* more gain nothing */
#define OFTEN     20       /* completions for each sleep, or fewer */
#define FAR       6        /* times as long as one waits, or more */

void coalesce_init(struct coalesce *coalesce, uint64_t now_ns, uint64_t (*count_sleeps)(void))
{
	*coalesce = (struct coalesce){
		.began_ns = now_ns,
		.window = 1,
		.batch = 1,
		.count_sleeps = count_sleeps,
	};
}

/* Completions that come while one waits, by what a window was like. */
static uint32_t likely_in(const struct coalesce *coalesce, uint64_t elapsed_ns, uint32_t wait_us)
{
	return (uint32_t)((uint64_t)coalesce->completions * wait_us * 1000 / elapsed_ns);
}

static uint32_t batch_for(const struct coalesce *coalesce, uint32_t likely)
{
	uint64_t awaited = coalesce->turns ? coalesce->awaited_sum / coalesce->turns : 0;
	uint64_t batch = (awaited < coalesce->busy ? awaited : coalesce->busy) / 2;

	batch = batch < likely ? batch : likely;
	if (batch < LEAST)
		return 1;
	return batch < MOST ? (uint32_t)batch : MOST;
}

/* Without waiting: did the worker sleep often, or are a session's completions far apart? */
static bool is_worth_it(const struct trial *trial, uint64_t sleeps)
{
	return OFTEN * (sleeps - trial->sleeps) > trial->completions ||
	       FAR * trial->likely < trial->busy;
}

/* A window without waiting has ended, after which one would wait for a batch. */
static bool try_without(struct coalesce *coalesce, uint32_t batch, uint32_t likely)
{
	struct trial *trial = &coalesce->trial;
	bool running = trial->windows > 0, worth_it;
	uint64_t sleeps;

	if (!running && batch == 1)
		return false;
	trial->completions += coalesce->completions;
	trial->busy += coalesce->busy;
	trial->likely += likely;
	if (running && ++trial->windows <= TRIAL)
		return false;
	sleeps = coalesce->count_sleeps();
	worth_it = running && is_worth_it(trial, sleeps);
	/* The next one begins at once. */
	*trial = (struct trial){.windows = batch > 1 && !worth_it, .sleeps = sleeps};
	return worth_it;
}

static void end_window(struct coalesce *coalesce, uint64_t elapsed_ns, uint32_t wait_us)
{
	uint32_t likely = likely_in(coalesce, elapsed_ns, wait_us);
	uint32_t batch = batch_for(coalesce, likely);

	coalesce->left -= coalesce->left > 0;
	if (coalesce->left == 0 && try_without(coalesce, batch, likely))
		coalesce->left = WINDOWS;
	coalesce->batch = coalesce->left ? batch : 1;
}

void coalesce_turn(struct coalesce *coalesce, uint64_t now_ns, uint32_t completions,
		   uint32_t wait_us)
{
	uint64_t elapsed_ns = now_ns - coalesce->began_ns;
	uint64_t least_ns = 2 * FAR * 1000u * (uint64_t)wait_us;

	coalesce->completions += completions;
	if (coalesce->asked || completions) {
		coalesce->awaited_sum += coalesce->awaited;
		coalesce->turns++;
	}
	if (coalesce->asked > 1 && completions < LEAST / 2) /* in vain: they have become quiet */
		coalesce->batch = 1;
	coalesce->asked = 0;
	if (elapsed_ns < WINDOW_NS || elapsed_ns < least_ns)
		return;
	end_window(coalesce, elapsed_ns, wait_us);
	coalesce->began_ns = now_ns;
	coalesce->awaited_sum = 0;
	coalesce->turns = coalesce->completions = coalesce->busy = 0;
	coalesce->window++;
}

uint32_t coalesce_patience(const struct coalesce *coalesce, uint64_t deadline, uint32_t wait_us)
{
	uint64_t now_ns, left_us;

	if (deadline == RING_NOW)
		return 0;
	if (deadline == RING_NEVER || coalesce->batch == 1)
		return wait_us;
	now_ns = clock_now_ns();
	left_us = deadline > now_ns ? (deadline - now_ns) / 1000 : 0;
	return left_us < wait_us ? (uint32_t)left_us : wait_us;
}
