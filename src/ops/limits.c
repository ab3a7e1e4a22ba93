#include "ops/limits.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int limits_raise_descriptors(uint64_t *ret_limit)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur < limit.rlim_max) {
		struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	*ret_limit = limit.rlim_cur;
	return 0;
}

int limits_cpus(struct limits_cpus *ret_cpus)
{
	/* The kernel refuses a set smaller than its own; 8192 is the most it is built for. */
	union {
		cpu_set_t set;
		uint64_t words[8192 / 64];
	} affinity = {.words = {0}};
	struct limits_cpus cpus = {.quota_millicpus = limits_cpu_quota("")};

	if (sched_getaffinity(0, sizeof(affinity), &affinity.set) < 0)
		return -errno;
	memcpy(cpus.mask, affinity.words, sizeof(cpus.mask));
	for (size_t i = 0; i < array_size(cpus.mask); i++)
		cpus.count += (unsigned)__builtin_popcountll(cpus.mask[i]);

	cpus.usable = cpus.count;
	if (cpus.quota_millicpus / 1000 < cpus.usable)
		cpus.usable = (unsigned)(cpus.quota_millicpus / 1000);
	if (cpus.usable == 0)
		cpus.usable = 1;
	*ret_cpus = cpus;
	return 0;
}
