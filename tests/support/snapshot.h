/*
 * A daemon as metrics and the page see it: one proxy with two servers, a service, two
 * workers, a warning, and names that try to leave their place.
 */
#ifndef TESTS_SUPPORT_SNAPSHOT_H
#define TESTS_SUPPORT_SNAPSHOT_H

#include "control/metrics.h"

#define SNAPSHOT_EVIL "a\"b\\c\n</script><b>'&\xff"

/* Static storage, the same each time. */
struct metrics_snapshot *snapshot_sample(void);

#endif
