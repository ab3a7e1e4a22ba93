/* The ports that the kernel gives to connections which ask for none. */
#ifndef OPS_PORTS_H
#define OPS_PORTS_H

#include "base/compiler.h"

#include <stdint.h>

/*
 * How many: net.ipv4.ip_local_port_range without net.ipv4.ip_local_reserved_ports, for IPv6
 * too.  What Linux begins with, where they cannot be read.
 */
uint32_t ports_to_choose(void);

#endif
