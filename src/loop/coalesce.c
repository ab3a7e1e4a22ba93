#include "loop/coalesce.h"

#include "ring/ring.h"

#define WINDOW_NS         2000000u /* at least */
#define WAITS_PER_ANSWER  20 /* times as long as one waits takes an answer that is not quick */
#define ANSWERS_PER_QUICK 10 /* one answer of so many may be */
#define BATCH_MIN         4  /* completions; fewer are not worth waiting for */
#define BATCH_MAX         64 /* more gain nothing */

void coalesce_init(struct coalesce *coalesce, uint64_t now_ns, uint32_t wait_us)
{
	*coalesce = (struct coalesce){
		.wait_us = wait_us,
		.batch = 1,
		.now_ns = now_ns,
		.began_ns = now_ns,
		.far_ns = WAITS_PER_ANSWER * 1000ull * wait_us,
	};
}

static uint32_t next_batch(const struct coalesce *coalesce, uint64_t elapsed_ns)
{
	uint64_t likely = coalesce->completions * 1000ull * coalesce->wait_us / elapsed_ns;

	if (likely < BATCH_MIN || !coalesce->answers ||
	    (uint64_t)coalesce->quick * ANSWERS_PER_QUICK > coalesce->answers)
		return 1;
	return likely < BATCH_MAX ? (uint32_t)likely : BATCH_MAX;
}

void coalesce_turn(struct coalesce *coalesce, uint32_t completions)
{
	uint64_t elapsed_ns = coalesce->now_ns - coalesce->began_ns;

	coalesce->completions += completions;
	if (coalesce->asked > 1 &&
	    completions < BATCH_MIN / 2) /* in vain: they have become quiet */
		coalesce->batch = 1;
	coalesce->asked = 0;
	if (elapsed_ns < WINDOW_NS)
		return;
	coalesce->batch = next_batch(coalesce, elapsed_ns);
	coalesce->began_ns = coalesce->now_ns;
	coalesce->completions = coalesce->answers = coalesce->quick = 0;
}

uint32_t coalesce_patience(const struct coalesce *coalesce, uint64_t deadline, uint64_t now_ns)
{
	uint64_t left_us;

	if (deadline == RING_NOW)
		return 0;
	if (deadline == RING_NEVER || coalesce->batch == 1)
		return coalesce->wait_us;
	left_us = deadline > now_ns ? (deadline - now_ns) / 1000 : 0;
	return left_us < coalesce->wait_us ? (uint32_t)left_us : coalesce->wait_us;
}
