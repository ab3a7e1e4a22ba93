/*
 * What a worker's ring can be asked for: the operations, flags of entries and registrations that
 * the engine uses, and nothing else.
 *
 * io_uring is not seen by seccomp: a ring without restrictions opens files and sockets of
 * any kind past SystemCallFilter= and RestrictAddressFamilies=.  A ring of these refuses them
 * with -EACCES for as long as it lives.  It is no wall for who can make another ring.
 *
 *   ring_open(R_DISABLED) --> what is registered once --> sandbox_close_in() --> it serves
 *
 * A kernel refuses the whole list for an operation that it does not know, and leaves the ring
 * as it was: so only those are listed that it has, and a refusal is an error.
 */
#ifndef LOOP_SANDBOX_H
#define LOOP_SANDBOX_H

#include "ring/ring.h"

/* Restrict a ring that is disabled still, and enable it: 0, or a negative errno. */
int sandbox_close_in(struct ring *ring) must_check;

/* Whether an entry is one of those, for the simulation. */
bool sandbox_allows(const struct io_uring_sqe *sqe);

#endif
