/* An operator who drains sections, or all, and takes it back: who comes meanwhile is not served. */
#ifndef TESTS_SUPPORT_SIM_DRAIN_H
#define TESTS_SUPPORT_SIM_DRAIN_H

#include "session/engine.h"

/* From now on, perhaps. */
void sim_drain_begin(struct engine *of);
/* He has drained something: who is not served need not be. */
bool sim_drain_was_asked(void);
/* After each turn of a worker, of its sessions. */
void sim_drain_turn(void);

#endif
