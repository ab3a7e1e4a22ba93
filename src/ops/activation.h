/*
 * Sockets that systemd opened for us: `listen = systemd:NAME` asks for those
 * whose socket unit says FileDescriptorName=NAME (its own name by default,
 * "uringproxy.socket").  Several may bear one name: a unit has a
 * descriptor for each ListenStream=.
 *
 * systemd passes them in blocking mode unless the service says NonBlocking=; they
 * are made non-blocking here, since an accept(2) of what another worker took
 * first would otherwise wait for the next client.
 *
 * The descriptors stay this module's until activation_close(), so that a later
 * configuration can ask for them again; who wants to close one duplicates it.
 */
#ifndef OPS_ACTIVATION_H
#define OPS_ACTIVATION_H

#include "base/compiler.h"

struct activation {
	char **names; /* one for each descriptor, from SD_LISTEN_FDS_START on */
	bool *taken;
	bool *gone; /* somebody else's by now, or closed */
	unsigned count;
};

/*
 * Find what was passed to this process (sd_listen_fds_with_names(3)) and take
 * it out of the environment.  Call it once, before there are threads.  0, also
 * when there is nothing, or a negative errno.
 */
int activation_open(struct activation *activation) must_check;
void activation_close(struct activation *activation);

/*
 * The sockets of that name into fds, at most max.  Returns how many there are,
 * which may be 0 or more than max; -EPROTOTYPE when one of them is no stream socket
 * (ListenDatagram= and others), -ENOTSOCK when it does not listen (a socket unit with
 * Accept=yes passes connections), or another negative errno.
 */
int activation_take(struct activation *activation, const char *name, int fds[],
		    unsigned max) must_check;

/*
 * The listening sockets of exactly that name into fds, which are the caller's from now on, at most
 * max, and the others are closed.  Returns how many there are in fds.
 */
unsigned activation_adopt(struct activation *activation, const char *name, int fds[], unsigned max);
/* Close those that nobody has taken and whose name is one of these, and say each. */
void activation_drop(struct activation *activation, bool (*is_one)(const char *name),
		     void (*dropped)(const char *name));

/* The name of the n-th descriptor that nobody has taken, to be reported; NULL after the last. */
const char *activation_unclaimed(const struct activation *activation, unsigned n);

#endif
