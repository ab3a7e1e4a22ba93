/*
 * A worker as a thread: which CPU it runs on, what kind of ring it opens, and
 * what it tells the main thread.
 *
 * Two kinds of ring (figures: uringproxy.conf(5), SQPOLL).  Without SQPOLL the
 * kernel defers completions to the worker's own waiting (DEFER_TASKRUN), which
 * is the least work per byte.  With it a kernel thread on a CPU of its own
 * takes the entries, so that a request on an idle machine meets nobody asleep.
 */
#include "base/clock.h"
#include "session/queued.h"
#include "worker/worker.h"

#include "ops/limits.h"
#include "ops/log.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 1000 /* locked memory of rings closed by another process comes back late */
#define PAUSE_MS    20

struct ring_options worker_ring_options(const struct worker *worker)
{
	const struct engine *engine = worker->engine;
	struct ring_options options = {
		.entries = LOOP_QUEUE_ENTRIES,
		.cq_entries = 8 * LOOP_QUEUE_ENTRIES,
		.required = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
		.wanted = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER,
		.capabilities = &engine->capabilities,
	};

	if (!engine->sqpoll) {
		options.wanted |= IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
		return options;
	}
	options.required |= IORING_SETUP_SQPOLL;
	options.sq_idle_ms = engine->sq_idle_ms;
	if (worker->sq_cpu >= 0) {
		options.required |= IORING_SETUP_SQ_AFF;
		options.sq_cpu = (uint32_t)worker->sq_cpu;
	}
	if (worker->sq_share) {
		options.required |= IORING_SETUP_ATTACH_WQ;
		options.attach_fd = worker->sq_share->ring_fd;
	}
	return options;
}

static int open_patiently(struct worker *worker)
{
	struct ring_options options = worker_ring_options(worker);
	uint64_t until = clock_now_ms() + PATIENCE_MS;
	int r;

	do {
		r = worker_open(worker, &options);
		if (r != -ENOMEM)
			return r;
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * CLOCK_NS_PER_MS}, NULL);
	} while (clock_now_ms() < until);
	return r;
}

static void pin(const struct worker *worker)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < LIMITS_CPUS_MAX; cpu++)
		if (worker->cpu < 0 ? worker->cpus[cpu / 64] >> (cpu % 64) & 1 : cpu == worker->cpu)
			CPU_SET((unsigned)cpu, &set);
	if (CPU_COUNT(&set) > 0 && sched_setaffinity(0, sizeof(set), &set) < 0)
		log_warning("worker %u: cannot be kept to the CPUs that are meant for it: %s",
			    worker->loop.index, strerror(errno));
}

/* What `top -H` shows; the main thread keeps the daemon's name. */
static void name_thread(const struct worker *worker)
{
	char name[16];

	snprintf(name, sizeof(name), "worker %u", worker->loop.index);
	(void)pthread_setname_np(pthread_self(), name);
}

static void tell_main(struct worker *worker, enum worker_state phase)
{
	uint64_t one = 1;

	atomic_store_explicit(&worker->phase, (int)phase, memory_order_release);
	if (write(worker->engine->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the main thread has plenty to wake up for */
}

void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int r;

	name_thread(worker);
	/* Without SQ_AFF the polling thread would inherit the pinning. */
	r = open_patiently(worker);
	pin(worker);
	if (r == 0) {
		worker->ring_fd = worker->loop.ring.fd;
		worker->ring_dropped = worker->loop.ring.dropped;
		tell_main(worker, WORKER_RUNNING);
		while (r == 0 && !worker_finished(worker))
			r = worker_turn(worker);
		if (r < 0) {
			snprintf(worker->error, sizeof(worker->error), "io_uring failed: %s",
				 strerror(-r));
			queued_abandon(&worker->sessions);
			census_leave(&worker->censuses);
			refused_end(&worker->sessions);
		} else {
			worker_close(worker);
		}
	}
	access_flush(worker->sessions.access);
	worker->result = r;
	tell_main(worker, WORKER_STOPPED);
	return NULL;
}
