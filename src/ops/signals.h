/*
 * Signals are waited for (ops/events.h) and interrupt nobody: SIGTERM and SIGINT
 * (stop), SIGHUP, SIGUSR1 and SIGUSR2 are blocked in every thread.  SIGPIPE and
 * SIGXFSZ are ignored: a write to a closed connection is EPIPE, one to a file at its
 * limit EFBIG, and neither the end of the process.
 */
#ifndef OPS_SIGNALS_H
#define OPS_SIGNALS_H

#include "base/compiler.h"

/*
 * Block them in the calling thread, before it makes others, which inherit that.
 * 0 or a negative errno.
 */
int signals_block(void) must_check;

#endif
