/*
 * A control group with a memory limit, made by the test below its own group: of version 1 or 2,
 * whichever has the memory controller here.
 */
#ifndef TESTS_SUPPORT_CGROUP_H
#define TESTS_SUPPORT_CGROUP_H

#include <stddef.h>
#include <stdint.h>

struct cgroup {
	char folder[4096];
	int version;
};

/* NULL, or why there is none (a static text). */
const char *cgroup_make(struct cgroup *cgroup, uint64_t memory_limit);
/* Bytes that its processes, and the kernel for them, use at most so far; 0 when unknown. */
uint64_t cgroup_peak(const struct cgroup *cgroup);
/* Its processes have ended. */
void cgroup_remove(const struct cgroup *cgroup);

#endif
