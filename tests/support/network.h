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

/*
 * Two networks of the test's own, near and far, with two wires between them: near0 and near1 at
 * this end, far0 and far1 at the other.  Of wire N, near is 10.9.N.1, fd09:N::1 and fe80::1, and
 * far has ::2 of the same.  What is begun is near; sockets stay where they were made.
 */
bool network_pair(void);
void network_go_far(void);
void network_go_near(void);
/* One that comes in by near0 or near1, which packets are looked at on: the type of service of
 * every TCP packet from that port since, IPv4 or IPv6, ECN left out; -1: none; -2: they differ. */
int network_watch(const char *interface);
int network_tos_seen(int watch, unsigned port);
/* `ip` with these arguments. */
bool network_ip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
