/* The kernel's time: who runs when, and what io_uring_enter(2) makes of it. */
#include "support/sim.h"

#include <errno.h>

uint64_t sim_later(void)
{
	if (sim_chance(sim.faults.late))
		return sim.now_ns + sim_random() % (20 * SIM_MS);
	return sim.now_ns + sim_random() % (20 * SIM_US);
}

/* ---- Time ------------------------------------------------------------------------------------ */

void sim_wake_connection(const struct sim_connection *connection)
{
	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].connection == connection &&
		    sim.ops[i].due_ns == SIM_NEVER)
			sim.ops[i].due_ns = sim_later();
}

void sim_wake(const struct sim_file *file)
{
	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].file == file && sim.ops[i].due_ns == SIM_NEVER)
			sim.ops[i].due_ns = sim_later();
}

static uint64_t next_due(void)
{
	uint64_t next = SIM_NEVER;

	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].due_ns < next)
			next = sim.ops[i].due_ns;
	return next;
}

/* In any order, that is, from anywhere on. */
static void run_due(void)
{
	uint32_t from = sim.op_top ? (uint32_t)(sim_random() % sim.op_top) : 0;

	sim_run_events();
	for (uint32_t i = 0; i < sim.op_top; i++) {
		struct sim_op *op = &sim.ops[(from + i) % sim.op_top];
		if (op->used && op->due_ns <= sim.now_ns)
			sim_try(op);
	}
}

/*
 * SQPOLL's thread, while the worker sleeps: takes some entries, or, having found
 * none for a while, says so and sleeps until it is woken.  True when it did something.
 */
static bool poll_submissions(struct fake_ring *ring)
{
	if (!(ring->params.flags & IORING_SETUP_SQPOLL) || *ring->sq_flags & IORING_SQ_NEED_WAKEUP)
		return false;
	if (*ring->sq_tail != *ring->sq_head) {
		fake_kernel_consume(ring, sim_between(1, 8));
		return true;
	}
	if (sim_chance(4))
		*ring->sq_flags |= IORING_SQ_NEED_WAKEUP;
	return false;
}

#define FOR_EVER_NS (1000000 * SIM_MS + 3600000 * SIM_MS) /* an hour after the start */

bool sim_pass(uint64_t until_ns)
{
	uint64_t next = sim_next_event(), due = next_due();

	next = next < due ? next : due;
	for (uint32_t i = 0; i < sim.worker_count; i++)
		if (sim_ring_of(i)->open && poll_submissions(sim_ring_of(i)))
			next = sim.now_ns;
	if (sim.now_ns > FOR_EVER_NS)
		sim_fail("it goes on for ever");
	sim.quiescent = next == SIM_NEVER && until_ns == SIM_NEVER;
	if (sim.quiescent)
		return false;
	if (next >= until_ns) {
		if (until_ns > sim.now_ns) {
			sim_check_asleep();
			sim.now_ns = until_ns;
		}
	} else {
		if (next > sim.now_ns) {
			sim_check_asleep();
			sim.now_ns = next;
		}
		run_due();
	}
	sim.kernel.now_ns = sim.now_ns;
	return true;
}

void sim_pass_a_little(void)
{
	sim.now_ns += sim_random() % (50 * SIM_US);
	run_due();
	sim.kernel.now_ns = sim.now_ns;
}

/* A worker sleeps. */
static bool idle(struct fake_kernel *kernel, uint64_t until_ns)
{
	(void)kernel;
	return sim_turns_sleep(until_ns);
}

/* io_uring_enter(2), with its own time, troubles and haste. */
static int enter(void *context, int fd, uint32_t to_submit, uint32_t min_complete, uint32_t flags,
		 const void *argument, size_t size)
{
	bool polled = sim_ring()->params.flags & IORING_SETUP_SQPOLL;
	int r;

	(void)context;
	sim.now_ns += sim_random() % (10 * SIM_US);
	sim.kernel.now_ns = sim.now_ns;
	if (to_submit && !polled && sim_chance(sim.faults.submit))
		return sim_chance(2) ? -EAGAIN : -EBUSY;
	if (min_complete && !to_submit && sim_chance(sim.faults.interrupt))
		return -EINTR;
	if (flags & IORING_ENTER_GETEVENTS ||
	    !(sim_ring()->params.flags & IORING_SETUP_DEFER_TASKRUN))
		run_due();
	if (flags & IORING_ENTER_SQ_WAIT && !(flags & IORING_ENTER_SQ_WAKEUP) &&
	    *sim_ring()->sq_flags & IORING_SQ_NEED_WAKEUP)
		sim_fail("the worker waits for room in a queue whose thread sleeps");
	sim.kernel.consume_limit = polled ? sim_between(1, 8) : 0;
	if (!polled && to_submit > 1 && sim_chance(sim.faults.submit))
		sim.kernel.consume_limit = sim_between(1, to_submit);
	r = sim.kernel.system.enter(&sim.kernel, fd, to_submit, min_complete, flags, argument,
				    size);
	if (sim.kernel.now_ns > sim.now_ns)
		sim.now_ns = sim.kernel.now_ns;
	return r == -EDEADLK ? -EINTR : r;
}

static int enlist(struct fake_kernel *kernel, struct fake_ring *ring, uint32_t operation,
		  void *argument, uint32_t count)
{
	(void)kernel;
	(void)ring;
	(void)argument;
	(void)count;
	if (operation == IORING_REGISTER_SYNC_CANCEL && sim_ops_in_flight(sim.turn))
		sim_fail("the ring is closed with %u operations in flight",
			 sim_ops_in_flight(sim.turn));
	return FAKE_PASS;
}

/* With the ring its operations end, and nobody hears of it. */
static int close_ring(void *context, int fd)
{
	const struct fake_ring *ring = sim_ring();
	int r = sim.kernel.system.close(context, fd);

	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].ring == ring)
			sim_release(&sim.ops[i]);
	sim_left();
	return r;
}

static uint64_t now(void *context, int clock)
{
	(void)context;
	(void)clock;
	return sim.now_ns;
}

/* The table's functions find their kernel by the context, ours by the global. */
void sim_kernel_open(void)
{
	fake_kernel_init(&sim.kernel);
	sim.kernel.consume = sim_submit;
	sim.kernel.idle = idle;
	sim.kernel.enlist = enlist;
	sim.kernel.now_ns = sim.now_ns;
	sim.kernel.first_index = sim_chance(2) ? 0 : 0xffffffe0;
	sim.system = sim.kernel.system;
	sim.system.enter = enter;
	sim.system.now = now;
	sim.system.close = close_ring;
}

struct fake_ring *sim_ring_of(uint32_t worker)
{
	return &sim.kernel.rings[worker]; /* in the order in which they are opened */
}

struct fake_ring *sim_ring(void)
{
	return sim_ring_of(sim.turn);
}

bool sim_has_completions(uint32_t worker)
{
	const struct fake_ring *ring = sim_ring_of(worker);

	return *ring->cq_tail != *ring->cq_head || ring->deferred.count || ring->overflow.count;
}

/* ---- For the rules --------------------------------------------------------------------------- */

unsigned sim_ops_in_flight(uint32_t worker)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < sim.op_top; i++)
		count += sim.ops[i].used && sim.ops[i].ring == sim_ring_of(worker);
	return count;
}

bool sim_is_noticing(const struct sim_connection *connection)
{
	for (uint32_t i = 0; i < sim.op_top; i++)
		if (sim.ops[i].used && sim.ops[i].notifying && sim.ops[i].connection == connection)
			return true;
	return false;
}

unsigned sim_ops_on(const struct sim_file *file)
{
	unsigned count = file->uses;

	for (uint32_t i = 0; i < sim.worker_count; i++) {
		const struct ring *ring = view_ring(sim.workers[i]);

		if (!sim_ring_of(i)->open)
			continue;
		for (uint32_t at = *sim_ring_of(i)->sq_head; at != ring->sq_tail; at++)
			count += ring->sqes[at & ring->sq_mask].fd == file->fd;
	}
	return count;
}
