/*
 * What the machine lets this process have: descriptors, memory, CPUs.
 *
 * A unit's LimitNOFILE= is clamped in silence where the manager itself lacks
 * CAP_SYS_RESOURCE, so the limits are read, never assumed.
 */
#ifndef OPS_LIMITS_H
#define OPS_LIMITS_H

#include "base/compiler.h"

/*
 * Raise the soft limit of open descriptors to the hard one.  0 and the limit
 * now in force, or a negative errno when it can neither be raised nor read.
 * A soft limit that cannot be raised stays and is what is returned.
 */
int limits_raise_descriptors(uint64_t *ret_limit) must_check;

#define LIMITS_CPUS_MAX 1024 /* as in the configuration's CPU lists; further CPUs are not used */

struct limits_cpus {
	uint64_t mask[LIMITS_CPUS_MAX / 64]; /* bit per CPU this thread may run on */
	unsigned count;                      /* of them */
	/*
	 * What the cgroup lets us use at once: the tightest CPU quota on the way
	 * to the root, in thousandths of a CPU; UINT64_MAX when there is none.
	 */
	uint64_t quota_millicpus;
	unsigned usable; /* whole CPUs that both allow, at least 1 */
};

/*
 * The affinity mask of the calling thread and the quota of its cgroup, version
 * 2 (cpu.max) or 1 (cpu.cfs_quota_us).  A quota that cannot be read counts as
 * none.  0, or a negative errno.
 */
int limits_cpus(struct limits_cpus *ret_cpus) must_check;

/* The quota alone, as seen in a file tree that begins at root ("" for the real one). */
uint64_t limits_cpu_quota(const char *root);

/*
 * How many bytes of memory the cgroup lets us and all in it use, the kernel's for
 * us included: the tightest limit on the way to the root, version 2 (memory.max,
 * memory.high) or 1 (memory.limit_in_bytes); UINT64_MAX when there is none, or it
 * cannot be read.  root as above.
 */
uint64_t limits_memory(const char *root);

/* How many threads the cgroup may have, pids.max of either version; otherwise as above. */
uint64_t limits_tasks(const char *root);

#endif
