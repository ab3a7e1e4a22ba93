#include "control/check_pace.h"

#define JITTER_PERCENT 10
#define STEP_MS        16u /* so that one wake-up is for several of many */
#define STEPS_LEAST    20  /* of an interval that is counted in them */

void pace_init(struct pace *pace, uint32_t every_ms, uint32_t fast_ms, uint32_t index,
	       uint32_t count, uint64_t now_ms)
{
	*pace = (struct pace){
		.every_ms = every_ms,
		.fast_ms = fast_ms < every_ms ? fast_ms : every_ms,
		.first_ms = (uint32_t)((index + 1) * (uint64_t)every_ms / count),
		.due_ms = now_ms,
	};
}

void pace_begin(struct pace *pace, uint64_t now_ms)
{
	pace->begun_ms = now_ms;
	pace->due_ms = UINT64_MAX;
	pace->hurried = false;
}

/* xorshift64: good enough for what need not be secret. */
static uint64_t draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

static uint64_t interval(const struct pace *pace, uint64_t *random)
{
	uint64_t tenth = (uint64_t)pace->every_ms * JITTER_PERCENT / 100;

	return pace->every_ms - tenth + draw(random) % (2 * tenth + 1);
}

void pace_over(struct pace *pace, bool changing, uint64_t now_ms, uint64_t *random)
{
	uint64_t due = pace->begun_ms;

	if (changing || pace->hurried)
		due += pace->fast_ms;
	else if (pace->first_ms)
		due += pace->first_ms;
	else
		due += interval(pace, random);
	pace->first_ms = 0;
	if (pace->every_ms >= STEPS_LEAST * STEP_MS && !changing && !pace->hurried)
		due -= due % STEP_MS;
	pace->due_ms = due > now_ms ? due : now_ms;
}

void pace_hurry(struct pace *pace, bool at_once, uint64_t now_ms)
{
	uint64_t soon = at_once ? pace->begun_ms + pace->fast_ms : now_ms + pace->fast_ms;

	pace->hurried = true;
	if (soon < now_ms)
		soon = now_ms;
	if (pace->due_ms != UINT64_MAX && soon < pace->due_ms)
		pace->due_ms = soon;
}

bool pace_forgives(uint64_t late_ms, uint32_t timeout_ms, uint32_t ran_out, uint32_t went_on)
{
	return late_ms > timeout_ms && ran_out > 0 && 2 * ran_out >= went_on;
}
