/* A network of the test's own, so that its ports, its settings and its troubles are nobody else's.
 */
#ifndef TESTS_SUPPORT_NETWORK_H
#define TESTS_SUPPORT_NETWORK_H

#include <stdbool.h>

/* This process, and what it starts, in an empty network with a loopback; false when that is not
 * allowed. */
bool network_own(void);
/* What is on the way when it goes down is lost. */
bool network_set_loopback(bool up);
/* A file below /proc/sys/net/ipv4. */
bool network_set(const char *name, const char *value);

#endif
