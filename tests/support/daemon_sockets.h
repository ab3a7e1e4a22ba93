/* The sockets of a running daemon, to ask the kernel what it knows of them. */
#ifndef TESTS_SUPPORT_DAEMON_SOCKETS_H
#define TESTS_SUPPORT_DAEMON_SOCKETS_H

struct daemon;

/*
 * Copies of the daemon's connected TCP sockets (IPv4), at most max of them, to be closed: how
 * many, or -1 when they cannot be had (pidfd_getfd needs the rights of ptrace).
 */
int daemon_connected_sockets(struct daemon *daemon, int *fds, int max);

#endif
