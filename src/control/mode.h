/*
 * How many workers, which kind of ring, on which CPUs: decided once at start
 * from the configuration and what the machine lets us use, by fixed rules
 * (uringproxy.conf(5), workers and sqpoll), and said in one line.
 */
#ifndef CONTROL_MODE_H
#define CONTROL_MODE_H

#include "config/config.h"
#include "ops/limits.h"

#define MODE_WORKERS_MAX CONFIG_WORKERS_MAX

struct mode {
	uint32_t workers;
	bool sqpoll;
	uint32_t polling_threads;     /* workers beyond these share one */
	int cpu[MODE_WORKERS_MAX];    /* of each worker, or -1: not pinned */
	int sq_cpu[MODE_WORKERS_MAX]; /* of each polling thread, or -1 */
	/* Of the workers that are not pinned: those on which nobody polls; none: any. */
	uint64_t worker_cpus[LIMITS_CPUS_MAX / 64];
	char why[200];     /* "sqpoll off (auto: 2 usable CPUs leave none to poll on)" */
	char warning[200]; /* "" if there is nothing to warn of */
};

void mode_decide(struct mode *ret_mode, const struct config *config,
		 const struct limits_cpus *cpus);

#endif
