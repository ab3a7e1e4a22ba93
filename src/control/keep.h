/*
 * What the service manager keeps of our listening sockets, from one process to the next: the FD
 * store of systemd (FileDescriptorStoreMax=).  Who connects while the daemon is started anew, or
 * after it was killed, waits in their queues.
 *
 *   listens ---FDSTORE=1 FDNAME=---> systemd ---restart: $LISTEN_FDS---> adopted by name
 *      |                                ^
 *      +--- a reload closes it ---------+ FDSTOREREMOVE=1
 *
 * Each address has a name of its own, with the options of its line and, where it is a path, the
 * file that the path named: so a socket comes back only to who asks for the very same, and
 * never in the place of one that somebody else listens on by now.  Nobody else is given them:
 * systemd passes them to the main process of this service alone.
 *
 * There is no way to see whether they are kept but $FDSTORE, which systemd sets from 254 on and
 * the unit for those before.
 */
#ifndef CONTROL_KEEP_H
#define CONTROL_KEEP_H

#include "control/bind.h"

/* Longer ones, of long paths, are not kept. */
#define KEEP_NAME_MAX 256

bool keep_is_on(void);

/* The name of an address, the line that asks for it, and its interface.  False: it has none. */
bool keep_name(const struct address *address, const struct config_endpoint *line,
	       const struct bind_path *path, uint32_t device, char name[KEEP_NAME_MAX]) must_check;
/* Whether a name is one of those. */
bool keep_is_name(const char *name);

#endif
