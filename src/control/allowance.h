/*
 * What kernel, container, limits and capabilities allow, judged by what a
 * configuration wants of them.
 *
 * Each is one finding: what the machine has, whether that will do, and the remedy
 * where it will not.  What stops the daemon from serving is a failure; what makes it
 * serve less, or in another way, is a warning that says what is switched off.
 */
#ifndef CONTROL_ALLOWANCE_H
#define CONTROL_ALLOWANCE_H

#include "control/findings.h"
#include "control/mode.h"
#include "ops/machine.h"
#include "ring/capability.h"

/* What a configuration wants of the machine. */
struct wants {
	uint32_t connections; /* 0: as many as there are descriptors for */
	uint32_t workers;
	bool sqpoll;
	bool has_upstream;     /* a proxy is among the sections */
	uint32_t backlog;      /* the longest; 0: none listens */
	uint16_t lowest_port;  /* that is listened on; 0: none */
	uint32_t server_count; /* addresses of the proxy that has the fewest; 0: no proxy */
	bool zerocopy;         /* relay = zerocopy somewhere */
	bool drops;            /* reject = drop somewhere */
};

void wants_of(struct wants *ret_wants, const struct config *config, const struct mode *mode);

/* Kernel, container, limits, sysctls and capabilities. */
void allowance_of_machine(const struct machine *machine, const struct wants *wants,
			  struct findings *findings);

/*
 * What ring_probe() said, 0 or a negative errno, what it found, and what `without`
 * leaves of that: io_uring itself, and each feature the engine uses.  What it cannot
 * do without it uses whatever `without` says.
 */
void allowance_of_ring(int error, const struct ring_capabilities *offered,
		       const struct ring_capabilities *left, const struct wants *wants,
		       struct findings *findings);

#endif
