#include "control/mode.h"

#include <stdio.h>
#include <string.h>

static bool has_cpu(const uint64_t *mask, unsigned cpu)
{
	return mask[cpu / 64] >> (cpu % 64) & 1;
}

static unsigned count_cpus(const uint64_t *mask)
{
	unsigned count = 0;

	for (unsigned i = 0; i < LIMITS_CPUS_MAX / 64; i++)
		count += (unsigned)__builtin_popcountll(mask[i]);
	return count;
}

/* The n-th CPU of a mask, -1 when it has fewer. */
static int nth_cpu(const uint64_t *mask, unsigned n)
{
	for (unsigned cpu = 0; cpu < LIMITS_CPUS_MAX; cpu++)
		if (has_cpu(mask, cpu) && n-- == 0)
			return (int)cpu;
	return -1;
}

static bool decide_sqpoll(struct mode *mode, const struct config *config, unsigned usable)
{
	switch (config->sqpoll) {
	case CONFIG_ON:
		snprintf(mode->why, sizeof(mode->why), "sqpoll on (as configured)");
		return true;
	case CONFIG_OFF:
		snprintf(mode->why, sizeof(mode->why), "sqpoll off (as configured)");
		return false;
	case CONFIG_AUTO:
		break;
	}
	if (usable < 4 || (config->workers && usable < 2 * config->workers)) {
		snprintf(mode->why, sizeof(mode->why),
			 "sqpoll off (auto: %u usable CPU%s leave none to poll on)", usable,
			 usable == 1 ? "" : "s");
		return false;
	}
	snprintf(mode->why, sizeof(mode->why),
		 "sqpoll on (auto: %u usable CPUs, a polling thread for each worker)", usable);
	return true;
}

static uint32_t decide_workers(const struct config *config, bool sqpoll, unsigned usable)
{
	static_assert(LIMITS_CPUS_MAX <= MODE_WORKERS_MAX, "one for each CPU there can be");

	if (config->workers)
		return config->workers;
	return sqpoll && usable > 1 ? usable / 2 : usable;
}

/* The CPUs that polling threads may have to themselves. */
static void free_cpus(uint64_t *ret_mask, const struct mode *mode, const struct config *config,
		      const struct limits_cpus *cpus)
{
	bool pinned = count_cpus(config->cpus) > 0;
	unsigned given = 0;

	for (unsigned i = 0; i < LIMITS_CPUS_MAX / 64; i++)
		ret_mask[i] = cpus->mask[i];
	for (unsigned cpu = 0; cpu < LIMITS_CPUS_MAX; cpu++) {
		bool worker = pinned ? has_cpu(config->cpus, cpu)
				     : has_cpu(cpus->mask, cpu) && given < mode->workers;
		given += worker;
		if (worker)
			ret_mask[cpu / 64] &= ~(1ull << (cpu % 64));
	}
}

static void place_polling(struct mode *mode, const struct config *config,
			  const struct limits_cpus *cpus)
{
	uint64_t mask[LIMITS_CPUS_MAX / 64];
	bool chosen = count_cpus(config->sqpoll_cpus) > 0;
	bool shared = !chosen && cpus->usable < cpus->count;
	unsigned free;

	if (chosen)
		for (unsigned i = 0; i < LIMITS_CPUS_MAX / 64; i++)
			mask[i] = config->sqpoll_cpus[i];
	else
		free_cpus(mask, mode, config, cpus);
	free = count_cpus(mask);
	/* A quota says how many, not which: bound to the same few, all containers would meet there.
	 */
	if (shared)
		free = cpus->usable > mode->workers ? cpus->usable - mode->workers : 0;
	mode->polling_threads = free < mode->workers ? (free ? free : 1) : mode->workers;
	for (uint32_t i = 0; i < mode->polling_threads && !shared; i++)
		mode->sq_cpu[i] = nth_cpu(mask, i);
	if (free < mode->workers)
		snprintf(
			mode->warning, sizeof(mode->warning),
			"sqpoll: %u worker%s share %u polling thread%s%s: expect more CPU per byte "
			"than with sqpoll = off",
			mode->workers, mode->workers == 1 ? "" : "s", mode->polling_threads,
			mode->polling_threads == 1 ? "" : "s",
			free ? "" : ", which has no CPU of its own");
}

/* Where that leaves a CPU for each, workers do not run on those that are polled on. */
static void keep_off_polling(struct mode *mode, const struct limits_cpus *cpus)
{
	uint64_t left[LIMITS_CPUS_MAX / 64];
	bool bound = false;

	memcpy(left, cpus->mask, sizeof(left));
	for (uint32_t i = 0; i < mode->polling_threads; i++) {
		if (mode->sq_cpu[i] < 0)
			continue;
		bound = true;
		left[mode->sq_cpu[i] / 64] &= ~(1ull << (mode->sq_cpu[i] % 64));
	}
	if (bound && count_cpus(left) >= mode->workers)
		memcpy(mode->worker_cpus, left, sizeof(left));
}

void mode_decide(struct mode *ret_mode, const struct config *config, const struct limits_cpus *cpus)
{
	unsigned pins = count_cpus(config->cpus);

	*ret_mode = (struct mode){0};
	ret_mode->sqpoll = decide_sqpoll(ret_mode, config, cpus->usable);
	ret_mode->workers = decide_workers(config, ret_mode->sqpoll, cpus->usable);
	for (uint32_t i = 0; i < MODE_WORKERS_MAX; i++) {
		ret_mode->cpu[i] = pins ? nth_cpu(config->cpus, i % pins) : -1;
		ret_mode->sq_cpu[i] = -1;
	}
	if (!ret_mode->sqpoll)
		return;
	place_polling(ret_mode, config, cpus);
	keep_off_polling(ret_mode, cpus);
}
