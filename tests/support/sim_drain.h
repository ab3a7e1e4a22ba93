/* An operator who drains sections, or all, and takes it back: who comes meanwhile is not served. */
#ifndef TESTS_SUPPORT_SIM_DRAIN_H
#define TESTS_SUPPORT_SIM_DRAIN_H

#include "session/engine.h"
#include "session/section.h"

/* From now on, perhaps; they are the run's. */
void sim_drain_begin(struct engine *of, struct section *all, uint32_t section_count);
/* After each turn of a worker, of its sessions. */
void sim_drain_turn(void);

#endif
