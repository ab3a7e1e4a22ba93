/* Whether this kernel counts rings as locked memory: until Linux 7.2 it does, for those without
 * CAP_IPC_LOCK. */
#ifndef TESTS_SUPPORT_LOCKED_H
#define TESTS_SUPPORT_LOCKED_H

#include <stdbool.h>

/* Asked by a child that is nobody and may lock almost nothing; true, too, where it cannot ask. */
bool rings_are_locked_memory(void);

#endif
