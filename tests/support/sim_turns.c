/*
 * Whose turn it is.
 *
 * Each worker has a stack of its own and runs until it sleeps in io_uring_enter(2), or is
 * preempted in another system call.  Then whoever has a reason to run does: one that was
 * preempted, one that has completions it has not looked at, one whose time has come; which of
 * them first, chance decides.  Time goes on when nobody has.
 */
#include "support/sim.h"

#include <stdlib.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#define STACK_SIZE (1u << 20)

static struct turn {
	ucontext_t context;
	unsigned char *stack; /* NULL: the program's own */
	const void *bottom;
	size_t size;
	void *sanitizer; /* what it keeps of a stack that is not in use */
	bool there;      /* not finished */
	bool asleep;
	uint64_t until_ns, seen; /* completions */
} turns[SIM_WORKERS];

static void (*body)(uint32_t);

/* ---- Stacks ---------------------------------------------------------------------------------- */

static void hand_over(uint32_t index)
{
	struct turn *from = &turns[sim.turn], *to = &turns[index];

	sim.turn = index;
	sim.worker = sim.workers[index];
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(&from->sanitizer, to->bottom, to->size);
#elif defined(__SANITIZE_THREAD__)
	__tsan_switch_to_fiber(to->sanitizer, 0);
#endif
	swapcontext(&from->context, &to->context);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(from->sanitizer, NULL, NULL);
#endif
}

/* What runs on a stack of its own, seed after seed. */
static void serve_on_own_stack(void)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, &turns[0].bottom, &turns[0].size);
#endif
	for (;;) {
		body(sim.turn);
		turns[sim.turn].there = false;
		hand_over(0);
	}
}

static void make_stack(struct turn *turn)
{
	turn->stack = malloc(STACK_SIZE);
	turn->bottom = turn->stack;
	turn->size = STACK_SIZE;
	getcontext(&turn->context);
	turn->context.uc_stack.ss_sp = turn->stack;
	turn->context.uc_stack.ss_size = STACK_SIZE;
	makecontext(&turn->context, serve_on_own_stack, 0);
#if defined(__SANITIZE_THREAD__)
	turns[0].sanitizer = __tsan_get_current_fiber();
	turn->sanitizer = __tsan_create_fiber(0);
#endif
}

void sim_turns_run(void (*serve)(uint32_t index))
{
	body = serve;
	for (uint32_t i = 0; i < sim.worker_count; i++) {
		if (i > 0 && !turns[i].stack)
			make_stack(&turns[i]);
		turns[i].there = true;
		turns[i].asleep = false;
		turns[i].seen = 0;
	}
	sim.turn = 0;
	sim.worker = sim.workers[0];
	serve(0);
	turns[0].there = false;
	for (uint32_t i = 1; i < sim.worker_count; i++)
		while (turns[i].there)
			hand_over(i);
}

/* ---- Who has a reason to run ----------------------------------------------------------------- */

static bool has_reason(uint32_t index)
{
	const struct turn *turn = &turns[index];

	return turn->there && (!turn->asleep || sim_ring_of(index)->posted != turn->seen ||
			       turn->until_ns <= sim.now_ns);
}

static bool choose(uint32_t *ret_index)
{
	uint32_t found[SIM_WORKERS], count = 0;

	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (has_reason(i))
			found[count++] = i;
	if (count > 0)
		*ret_index = found[count > 1 ? sim_random() % count : 0];
	return count > 0;
}

static uint64_t next_wake(void)
{
	uint64_t next = SIM_NEVER;

	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (turns[i].there && turns[i].until_ns < next)
			next = turns[i].until_ns;
	return next;
}

bool sim_turns_sleep(uint64_t until_ns)
{
	struct turn *self = &turns[sim.turn];
	uint32_t next;

	self->asleep = true;
	self->until_ns = until_ns;
	self->seen = sim_ring()->posted;
	while (!choose(&next))
		if (!sim_pass(next_wake())) {
			self->asleep = false;
			return false;
		}
	if (next != sim.turn)
		hand_over(next);
	self->asleep = false;
	return true;
}

void sim_turns_preempt(void)
{
	uint32_t next;

	if (sim.worker_count == 1 || !sim_chance(4))
		return;
	sim_pass_a_little();
	if (choose(&next) && next != sim.turn)
		hand_over(next);
}
