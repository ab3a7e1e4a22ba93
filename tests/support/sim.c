#include "support/sim.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sim sim;

/* ---- Chance ---------------------------------------------------------------------------------- */

/* splitmix64: any seed is a good one, 0 and 1 and 2 too. */
uint64_t sim_random(void)
{
	uint64_t z = sim.random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

bool sim_chance(unsigned n)
{
	return n && sim_random() % n == 0;
}

uint32_t sim_between(uint32_t low, uint32_t high)
{
	return low + (uint32_t)(sim_random() % ((uint64_t)high - low + 1));
}

uint32_t sim_one_of(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	const uint32_t values[] = {a, b, c, d};

	return values[sim_random() % 4];
}

/* ---- The clock, in place of base/clock.c ----------------------------------------------------- */

uint64_t clock_now_ns(void)
{
	return sim.now_ns;
}

uint64_t clock_now_ms(void)
{
	return sim.now_ns / CLOCK_NS_PER_MS;
}

/* The worker pauses where the kernel has no memory for it. */
int nanosleep(const struct timespec *time, struct timespec *remaining)
{
	(void)remaining;
	sim.now_ns += (uint64_t)time->tv_sec * 1000 * SIM_MS + (uint64_t)time->tv_nsec;
	return 0;
}

/* ---- Events: a heap by time, then by order --------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->when_ns != b->when_ns ? a->when_ns < b->when_ns : a->order < b->order;
}

static void swap(uint32_t a, uint32_t b)
{
	struct sim_event kept = sim.events[a];

	sim.events[a] = sim.events[b];
	sim.events[b] = kept;
}

void sim_at(uint64_t when_ns, void (*what)(void *), void *object)
{
	uint32_t at = sim.event_count++;

	if (at == SIM_EVENTS)
		sim_fail("more events than a script can cause");
	sim.events[at] = (struct sim_event){when_ns, sim.order++, what, object};
	while (at > 0 && before(&sim.events[at], &sim.events[(at - 1) / 2])) {
		swap(at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

uint64_t sim_next_event(void)
{
	return sim.event_count ? sim.events[0].when_ns : SIM_NEVER;
}

static struct sim_event pop(void)
{
	struct sim_event first = sim.events[0];
	uint32_t at = 0;

	sim.events[0] = sim.events[--sim.event_count];
	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < sim.event_count &&
			    before(&sim.events[child], &sim.events[least]))
				least = child;
		if (least == at)
			return first;
		swap(at, least);
		at = least;
	}
}

void sim_run_events(void)
{
	while (sim_next_event() <= sim.now_ns) {
		struct sim_event event = pop();
		event.what(event.object);
	}
}

/* ---- What is said ---------------------------------------------------------------------------- */

void sim_trace_write(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%10.6f  ", (double)sim.now_ns / 1e9 - 1000.0);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void sim_fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%10.6f  seed %llu: ", (double)sim.now_ns / 1e9 - 1000.0,
		(unsigned long long)sim.seed);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

/* ---- A seed's life --------------------------------------------------------------------------- */

void sim_begin(uint64_t seed)
{
	bool trace = sim.trace;

	/* Most of it is big and unused: clear what the last seed touched. */
	memset(sim.connections, 0, sim.connection_count * sizeof(sim.connections[0]));
	memset(sim.files, 0, sim.file_count * sizeof(sim.files[0]));
	memset(sim.ops, 0, sim.op_top * sizeof(sim.ops[0]));
	memset(sim.listeners, 0, sizeof(sim.listeners));
	memset(&sim.faults, 0, sizeof(sim.faults));
	memset(sim.lives, 0, sizeof(sim.lives));
	memset(sim.refused_told, 0, sizeof(sim.refused_told));
	sim.connection_count = sim.file_count = sim.op_top = 0;
	sim.listener_count = sim.pipe_count = 0;
	sim.event_count = 0;
	sim.order = 0;
	sim.seed = sim.random = seed;
	sim.trace = trace;
	sim.quiescent = false;
	sim.now_ns = 1000000 * SIM_MS;
	for (uint32_t i = 0; i < SIM_WORKERS; i++)
		sim.turned_ms[i] = sim.now_ns / SIM_MS;
	sim.descriptors_max = SIM_FILES;
	sim.latency_us = 50;
	sim.scale = 1;
	sim.worker = NULL;
	sim.worker_count = sim.turn = 0;
	memset(sim.corked_count, 0, sizeof(sim.corked_count));
	sim.answer = NULL;
}

void sim_end(void)
{
	for (uint32_t i = 0; i < sim.connection_count; i++)
		free(sim.connections[i].asked);
	fake_kernel_done(&sim.kernel);
}
