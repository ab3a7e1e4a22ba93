/*
 * Fitting what is configured to what this machine allows.  Whatever becomes less
 * than the configuration says, or has no effect here, is a warning that names the
 * line, the value, what it has become and what would help; nothing is reduced in
 * silence.  A default that is reduced is only information.
 */
#ifndef CONTROL_FIT_H
#define CONTROL_FIT_H

#include "config/report.h"
#include "session/engine.h"

/*
 * engine.sizes.buffer_memory and buffer_size, from buffer_memory and buffer_size and a
 * memory limit of the control group in bytes, UINT64_MAX for none: what will be
 * mapped, to the byte.  After the capabilities are known.
 */
void fit_buffers(struct engine *engine, const struct config *config, uint64_t memory_limit,
		 struct report *report);

/*
 * How many connections so many descriptors are good for: engine.connections_max,
 * sessions_max and
 * sizes.pipes_max.  0, or -EMFILE where they are good for none, which is a mistake then.
 */
int fit_connections(struct engine *engine, const struct config *config, uint64_t limit,
		    struct report *report) must_check;

/* The other settings; engine.sizes.coalesce_us too. */
void fit_settings(struct engine *engine, const struct config *config, struct report *report);

#endif
