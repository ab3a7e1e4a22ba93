/*
 * Which families the machine has an address of that leads anywhere: no loopback, and of IPv6 no
 * link-local one.  Without netlink, which the shipped unit does not allow.
 */
#ifndef NAMES_FAMILIES_H
#define NAMES_FAMILIES_H

#include "names/answer.h"

/* NAME_HAS_V4, NAME_HAS_V6 or both, also where it has none or that cannot be found out. */
unsigned families_here(void);

/* Whether lines as those of /proc/net/if_inet6 have an address that counts. */
bool families_has_v6(const char *lines);

#endif
