/*
 * What this process takes of the machine, as the kernel counts it.
 */
#ifndef OPS_PROCESS_H
#define OPS_PROCESS_H

#include "base/compiler.h"

struct process_use {
	uint64_t cpu_ns;         /* of all its threads, the user's and the system's */
	uint64_t resident_bytes; /* 0 where it cannot be read */
	uint64_t descriptors;    /* that are open; likewise */
};

/* Some microseconds; more on kernels before 6.2, which have the descriptors counted. */
void process_read(struct process_use *ret_use);

#endif
