#include "net/coalesce.h"

#include "base/clock.h"
#include "ring/ring.h"

#define WINDOW_NS 1000000u
#define WINDOWS   50
#define LEAST     4  /* completions; fewer are not worth waiting for */
#define FEW       5  /* fewer at a time are worth it; a short connection is six */
#define MOST      64 /* more gain nothing */

void coalesce_init(struct coalesce *coalesce, uint64_t now_ns)
{
	*coalesce = (struct coalesce){.began_ns = now_ns, .window = 1, .batch = 1};
}

/* From what a window was like. */
static uint32_t batch_for(const struct coalesce *coalesce, uint64_t elapsed_ns, uint32_t wait_us)
{
	uint64_t likely = (uint64_t)coalesce->completions * wait_us * 1000 / elapsed_ns;
	uint64_t awaited = coalesce->turns ? coalesce->awaited_sum / coalesce->turns : 0;
	uint64_t batch = (awaited < coalesce->busy ? awaited : coalesce->busy) / 2;

	batch = batch < likely ? batch : likely;
	if (batch < LEAST)
		return 1;
	return batch < MOST ? (uint32_t)batch : MOST;
}

/* Without waiting: do completions come few at a time? */
static bool is_dripping(const struct coalesce *coalesce)
{
	return coalesce->completions < FEW * coalesce->turns;
}

static void end_window(struct coalesce *coalesce, uint64_t elapsed_ns, uint32_t wait_us)
{
	uint32_t batch = batch_for(coalesce, elapsed_ns, wait_us);

	if (batch == 1)
		coalesce->left = 0;
	else if (coalesce->left > 0)
		coalesce->left--;
	else if (is_dripping(coalesce))
		coalesce->left = WINDOWS;
	coalesce->batch = coalesce->left ? batch : 1;
}

void coalesce_turn(struct coalesce *coalesce, uint64_t now_ns, uint32_t completions,
		   uint32_t wait_us)
{
	uint64_t elapsed_ns = now_ns - coalesce->began_ns;

	coalesce->completions += completions;
	if (coalesce->asked || completions) {
		coalesce->awaited_sum += coalesce->awaited;
		coalesce->turns++;
	}
	if (coalesce->asked > 1 && completions < LEAST / 2) /* in vain: they have become quiet */
		coalesce->batch = 1;
	coalesce->asked = 0;
	if (elapsed_ns < WINDOW_NS)
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
