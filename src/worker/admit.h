/*
 * The order of decisions about a connection that has just been accepted, before it takes a
 * place, a slot, a buffer or a line in a log:
 *
 *   1  accepted; a worker that is full accepts nobody, so that the kernel's queue holds them
 *   2  drained by an operator: a RST                                (accept.c)
 *   2b with accept_proxy, those that accept_proxy_from does not name: the same as in 3
 *   3  allow and deny, of the socket's peer: `reject` says what is seen of it
 *   4  how many and how fast that client comes: the same
 *   5  a place, or it waits for one                                 (accept.c)
 *   6  ... what it says of itself: session/greeting.h; of the address in a PROXY header 3 and 4
 *      are asked then, and not here
 *
 * A section without guards asks nothing, not even who has come.
 */
#ifndef WORKER_ADMIT_H
#define WORKER_ADMIT_H

#include "base/compiler.h"
#include "guard/clients.h"

struct listener;
struct worker;

/* True: they may come in; false: they were refused, and fd is closed. */
bool admit(struct worker *worker, struct listener *listener, int fd,
	   struct clients_place *ret_counted) must_check;

#endif
